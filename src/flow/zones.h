// Zones: time zones by name, from the system's tzdata.

#pragma once

#include "base/civil.h"

// *ret lives in cx->arena; NULL for UTC.
//   errors  MR_E_NAME with the nearest name
mr_code mr_zones_load(void *self, const char *name, const mr_zone **ret, mr_cx *cx);
