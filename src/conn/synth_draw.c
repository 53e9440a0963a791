// Synth, draws: one value of one column; see synth_plan.h.
//
// Sources: alias method: Vose, "A linear algorithm for generating random numbers with a given
// distribution", 1991. Normal quantile: Wichura, "Algorithm AS 241", 1988.

#include <math.h>

#include "conn/synth_plan.h"

#define ZIPF_TABLE 65536  // Ranks with weights of their own; those behind them are as smooth.

void mr_synth_draw_alias(const double *weights, uint32_t count, mr_synth_alias *ret,
                         mr_arena *arena) {
    double total = 0;
    for (uint32_t i = 0; i < count; i++) {
        total += weights[i];
    }
    mr_assert(total > 0);
    *ret = (mr_synth_alias){.threshold = MR_NEW_ARRAY(arena, uint32_t, count),
                            .other = MR_NEW_ARRAY(arena, uint32_t, count),
                            .count = count};
    double *scaled = MR_NEW_ARRAY(arena, double, count);
    uint32_t *work = MR_NEW_ARRAY(arena, uint32_t, count);  // Small from the left, large behind.
    uint32_t small = 0;
    uint32_t large = count;
    for (uint32_t i = 0; i < count; i++) {
        scaled[i] = weights[i] / total * count;
        if (scaled[i] < 1) {
            work[small++] = i;
        } else {
            work[--large] = i;
        }
    }
    while (small > 0 && large < count) {
        uint32_t low = work[--small];
        uint32_t high = work[large];
        ret->threshold[low] = (uint32_t)(scaled[low] * 4294967295.0);
        ret->other[low] = high;
        scaled[high] -= 1 - scaled[low];
        if (scaled[high] < 1) {
            large++;
            work[small++] = high;
        }
    }
    while (small > 0 || large < count) {  // What is left has a whole share, but for rounding.
        uint32_t rest = small > 0 ? work[--small] : work[large++];
        ret->threshold[rest] = UINT32_MAX;
        ret->other[rest] = rest;
    }
}

static uint32_t pick(const mr_synth_alias *alias, mr_synth_dice *dice) {
    uint64_t roll = mr_synth_roll(dice);
    uint32_t slot = (uint32_t)(((roll >> 32) * alias->count) >> 32);
    return (uint32_t)roll <= alias->threshold[slot] ? slot : alias->other[slot];
}

static double uniform(mr_synth_dice *dice) {  // Above 0, below 1.
    return ((double)(mr_synth_roll(dice) >> 12) + 0.5) * 0x1p-52;
}

// Ranks above the table: between them the sum is as the integral of x^-exponent.
static double zipf_integral(double exponent, double from, double to) {
    return exponent == 1 ? log(to / from)
                         : (pow(to, 1 - exponent) - pow(from, 1 - exponent)) / (1 - exponent);
}

void mr_synth_draw_zipf(mr_synth_column *column, mr_arena *arena) {
    uint32_t head = (uint32_t)MR_MIN(column->n, (uint64_t)ZIPF_TABLE);
    double *weights = MR_NEW_ARRAY(arena, double, head);
    double sum = 0;
    for (uint32_t k = 0; k < head; k++) {
        weights[k] = pow((double)k + 1, -column->exponent);
        sum += weights[k];
    }
    mr_synth_draw_alias(weights, head, &column->alias, arena);
    double tail = column->n == head
                      ? 0
                      : zipf_integral(column->exponent, head + 0.5, (double)column->n + 0.5);
    column->head = (uint32_t)(sum / (sum + tail) * 4294967295.0);
}

static uint64_t zipf(const mr_synth_column *column, mr_synth_dice *dice) {
    uint64_t count = column->alias.count;
    if (column->n == count || (mr_synth_roll(dice) >> 32) <= column->head) {
        return 1 + pick(&column->alias, dice);
    }
    double u = uniform(dice);
    double from = (double)count + 0.5;
    double to = (double)column->n + 0.5;
    double e = 1 - column->exponent;
    double x = e == 0 ? from * pow(to / from, u)
                      : pow(pow(from, e) + u * (pow(to, e) - pow(from, e)), 1 / e);
    uint64_t rank = (uint64_t)(x + 0.5);
    return MR_MIN(MR_MAX(rank, count + 1), column->n);
}

static double ratio(const double *up, const double *down, double x) {
    double a = up[7];
    double b = down[6];
    for (int i = 6; i >= 0; i--) {
        a = a * x + up[i];
        b = i > 0 ? b * x + down[i - 1] : b * x + 1;
    }
    return a / b;
}

static double normal_quantile(double p) {
    static const double a[] = {3.3871328727963666080e0, 1.3314166789178437745e2,
                               1.9715909503065514427e3, 1.3731693765509461125e4,
                               4.5921953931549871457e4, 6.7265770927008700853e4,
                               3.3430575583588128105e4, 2.5090809287301226727e3};
    static const double b[] = {4.2313330701600911252e1, 6.8718700749205790830e2,
                               5.3941960214247511077e3, 2.1213794301586595867e4,
                               3.9307895800092710610e4, 2.8729085735721942674e4,
                               5.2264952788528545610e3};
    static const double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                               5.76949722146069140550e0,  3.64784832476320460504e0,
                               1.27045825245236838258e0,  2.41780725177450611770e-1,
                               2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[] = {2.05319162663775882187e0,  1.67638483018380384940e0,
                               6.89767334985100004550e-1, 1.48103976427480074590e-1,
                               1.51986665636164571966e-2, 5.47593808499534494600e-4,
                               1.05075007164441684324e-9};
    static const double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                               1.78482653991729133580e0,  2.96560571828504891230e-1,
                               2.65321895265761230930e-2, 1.24266094738807843860e-3,
                               2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[] = {5.99832206555887937690e-1, 1.36929880922735805310e-1,
                               1.48753612908506148525e-2, 7.86869131145613259100e-4,
                               1.84631831751005468180e-5, 1.42151175831644588870e-7,
                               2.04426310338993978564e-15};
    double q = p - 0.5;
    if (fabs(q) <= 0.425) {
        return q * ratio(a, b, 0.180625 - q * q);
    }
    double r = sqrt(-log(q < 0 ? p : 1 - p));
    double x = r <= 5 ? ratio(c, d, r - 1.6) : ratio(e, f, r - 5);
    return q < 0 ? -x : x;
}

static int64_t held(const mr_synth_column *column, double value) {
    if (!(value > (double)column->lowest)) {
        return column->lowest;
    }
    return value >= (double)column->highest ? column->highest : llrint(value);
}

// Step `index` of a walk, in 2^-31 of its greatest, from -1 to 1.
static uint64_t walk_step(const mr_synth_column *column, uint64_t index, uint64_t seed) {
    return (uint64_t)(int64_t)(int32_t)(mr_hash_u64(index, column->salt ^ seed) >> 32);
}

// The sum is kept from row to row; going back takes steps off again, so any order gives the same.
static double walked(const mr_synth_column *column, uint64_t index, uint64_t seed,
                     mr_synth_walk *walk) {
    if (index < walk->index / 2) {
        *walk = (mr_synth_walk){0};
    }
    for (; walk->index < index; walk->index++) {
        walk->sum += walk_step(column, walk->index + 1, seed);
    }
    for (; walk->index > index; walk->index--) {
        walk->sum -= walk_step(column, walk->index, seed);
    }
    double at =
        (double)column->start + (double)column->step * ((double)(int64_t)walk->sum * 0x1p-31);
    double low = (double)column->lowest;
    double high = (double)column->highest;
    if (column->has_min && column->has_max && high > low) {
        double around = fmod(at - low, 2 * (high - low));
        around += around < 0 ? 2 * (high - low) : 0;
        return low + MR_MIN(around, 2 * (high - low) - around);
    }
    at = column->has_min ? low + fabs(at - low) : at;
    return column->has_max ? high - fabs(high - at) : at;
}

static int64_t sequence(const mr_synth_column *column, const mr_synth_row_of *row,
                        mr_synth_dice *dice) {
    __int128 at = column->start;
    if (column->rate > 0) {
        at += (__int128)((long double)row->index * 1e6L / (long double)column->rate);
    } else {
        at += (__int128)column->step * (__int128)row->index;
    }
    if (column->disorder > 0) {
        at -= (__int128)mr_synth_below(dice, (uint64_t)column->disorder);
    }
    if (column->event_time && row->late) {
        at -= 1 + (__int128)mr_synth_below(dice, (uint64_t)column->late_by);
    }
    if (column->event_time && row->future) {
        at += 1 + (__int128)mr_synth_below(dice, (uint64_t)column->future_by);
    }
    return (int64_t)MR_MAX(MR_MIN(at, (__int128)column->highest), (__int128)column->lowest);
}

int64_t mr_synth_draw(const mr_synth_column *column, const mr_synth_row_of *row,
                      mr_synth_walk *walks, mr_synth_dice *dice, uint32_t *ret_token) {
    switch (column->dist) {
    case SYNTH_DIST_CONSTANT: *ret_token = 0; return column->tokens[0].ticks;
    case SYNTH_DIST_UNIFORM:
        if (column->token_count == 0) {
            uint64_t range = (uint64_t)column->highest - (uint64_t)column->lowest;
            uint64_t above =
                range == UINT64_MAX ? mr_synth_roll(dice) : mr_synth_below(dice, range + 1);
            return (int64_t)((uint64_t)column->lowest + above);
        }
        *ret_token = (uint32_t)mr_synth_below(dice, column->token_count);
        return column->tokens[*ret_token].ticks;
    case SYNTH_DIST_CHOICE:
        *ret_token = pick(&column->alias, dice);
        return column->tokens[*ret_token].ticks;
    case SYNTH_DIST_ZIPF: {
        uint64_t rank = zipf(column, dice);
        if (column->token_count == 0) {
            return (int64_t)rank * column->step;
        }
        *ret_token = (uint32_t)(rank - 1);
        return column->tokens[*ret_token].ticks;
    }
    case SYNTH_DIST_NORMAL:
        return held(column, column->mean + column->sd * normal_quantile(uniform(dice)));
    case SYNTH_DIST_EXPONENTIAL: return held(column, -log(uniform(dice)) * column->mean);
    case SYNTH_DIST_SEQUENCE: return sequence(column, row, dice);
    case SYNTH_DIST_WALK:
        return held(column, walked(column, row->index, row->seed, &walks[column->walk]));
    case SYNTH_DIST_PATTERN:
    case SYNTH_DIST_REFERENCE:
    case SYNTH_DIST_COUNT: break;
    }
    mr_assert(false);
    return 0;
}
