// A fixture.

#include <stdlib.h>

void *mr_list_make(void) {
    return malloc(8);
}
