// A fixture.

#include <stdlib.h>

void *mr_arena_alloc(void);
void *mr_arena_alloc(void) {
    return malloc(1);
}
