// A fixture.

#include "base/list.h"

int mr_op_filter, mr_op_filter_rows;
