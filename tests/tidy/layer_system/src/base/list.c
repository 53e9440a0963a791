// A fixture.

#include <unistd.h>
