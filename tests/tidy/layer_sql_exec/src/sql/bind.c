// A fixture.

#include "base/cx.h"
#include "exec/op.h"
