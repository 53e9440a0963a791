// Clock: time, sleep and randomness through the platform.

#include "plat/plat_ops.h"

int64_t mr_clock_real_us(mr_plat *plat) {
    return plat->ops->clock_real_us(plat);
}

int64_t mr_clock_monotonic_us(mr_plat *plat) {
    return plat->ops->clock_monotonic_us(plat);
}

int64_t mr_clock_monotonic_ns(mr_plat *plat) {
    return plat->ops->clock_monotonic_ns(plat);
}

void mr_clock_sleep_us(mr_plat *plat, int64_t us) {
    if (us > 0) {
        plat->ops->sleep_us(plat, us);
    }
}
