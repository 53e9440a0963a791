// Check: what happens when an assert does not hold; see check.h.

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void mr_check_failed(const char *expression, const char *file, int line) {
    fprintf(stderr, "millrace: assertion failed: %s (%s:%d)\n", expression, file, line);
    fflush(NULL);
    abort();
}
