// A fixture.

#include "arena.h"
