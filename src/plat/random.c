// Random: 64 bits from the system's generator, or from the simulator's seed.

#include "plat/plat_ops.h"

uint64_t mr_random_u64(mr_plat *plat) {
    return plat->ops->random_u64(plat);
}
