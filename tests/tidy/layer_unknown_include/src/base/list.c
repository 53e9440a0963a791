// A fixture.

#include "misc/thing.h"
