// A fixture.

#include "exec/op.h"
