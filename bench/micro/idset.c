// Micro-benchmark of the id set: CPU nanoseconds an id, bytes an id, and the longest stop.
//
//   idset [MILLIONS]
//
// Adds so many random ids to the 128 sets of a DISTINCT, as a worker does: some rows at a time,
// with their slots asked for ahead. Then as many again that are all copies. Prints both, and the
// longest time that one row took because a table grew.

#include "exec/idset.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define AHEAD  20
#define GROUPS 128

static double now_s(void) {
    struct timespec at;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

static mr_hash128 hash_of(uint64_t key) {
    return (mr_hash128){mr_hash_u64(key, 1), mr_hash_u64(key, 2)};
}

static uint64_t pass(mr_idset *sets, uint64_t count, double *ret_longest_s) {
    mr_idset_time time = {.ttl_us = MR_IDSET_FOREVER, .watermark_us = 0, .global_watermark_us = 0};
    uint64_t added = 0;
    for (uint64_t i = 0; i < count; i++) {
        mr_hash128 ahead = hash_of(i + AHEAD);
        mr_idset_prefetch(&sets[MR_ID_KEY_GROUP(ahead)], ahead.low);
        mr_hash128 hash = hash_of(i);
        mr_idset *set = &sets[MR_ID_KEY_GROUP(hash)];
        bool grows = set->used == set->room;
        double start_s = grows ? now_s() : 0;
        added += mr_idset_add(set, mr_idset_id(hash, (int64_t)i), &time);
        double took_s = grows ? now_s() - start_s : 0;
        *ret_longest_s = took_s > *ret_longest_s ? took_s : *ret_longest_s;
    }
    return added;
}

int main(int argc, char **argv) {
    uint64_t count = (argc > 1 ? strtoull(argv[1], NULL, 10) : 10) * 1000000;
    mr_idset sets[GROUPS] = {{0}};
    mr_slab slab = {0};
    for (uint32_t g = 0; g < GROUPS; g++) {
        sets[g].slab = &slab;
    }
    double longest_s = 0;
    double start_s = now_s();
    uint64_t fresh = pass(sets, count, &longest_s);
    double middle_s = now_s();
    double ignored_s = 0;
    uint64_t copies = count - pass(sets, count, &ignored_s);
    double end_s = now_s();
    uint64_t bytes = 0;
    for (uint32_t g = 0; g < GROUPS; g++) {
        bytes += mr_idset_bytes(&sets[g]);
        mr_idset_release(&sets[g]);
    }
    mr_slab_release(&slab);
    printf("%llu new %.1f ns, %llu copies %.1f ns, %.1f bytes an id, longest stop %.2f ms\n",
           (unsigned long long)fresh, (middle_s - start_s) * 1e9 / (double)count,
           (unsigned long long)copies, (end_s - middle_s) * 1e9 / (double)count,
           (double)bytes / (double)count, longest_s * 1e3);
    return 0;
}
