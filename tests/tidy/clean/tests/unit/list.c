// A fixture.

#include <stdlib.h>

void f(void) {
    free(malloc(1));
}
