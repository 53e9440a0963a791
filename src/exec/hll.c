// HLL: see hll.h.
//
// An entry of the sparse form is 26 bits of index (the top of the hash) and 6 bits of rank (of the
// 38 bits behind, 1 .. 39); the dense register and rank follow from it, so nothing is lost on
// conversion.

#include "exec/hll.h"

#include <math.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define SEED        0x6D696C6C72616365u  // "millrace"; changing it makes stored sketches useless.
#define SPARSE_BITS 26
#define DENSE_BITS  14
#define RANK_MAX    51   // 64 - DENSE_BITS + 1
#define SLOTS_MIN   16   // Also of a list.
#define SLOTS_MAX   512  // Beyond, registers are much faster to add to and to merge.
#define SPARSE_MAX  (SLOTS_MAX / 4 * 3)
#define LIST_LOOK   64  // Entries of a list when it is looked at: do they repeat?
#define LIST_MAX    1024
_Static_assert(MR_HLL_REGISTERS == 1 << DENSE_BITS, "index and registers agree");

enum { FORM_EMPTY, FORM_SPARSE, FORM_DENSE, FORM_FEW, FORM_LIST };
// Registers in use up to which a list is the shorter form.
#define FEW_MAX           (MR_HLL_REGISTERS / 6)
#define DENSE_SAVED_BYTES (MR_HLL_REGISTERS * 6 / 8)

uint64_t mr_hll_hash_bytes(const void *data, size_t bytes) {
    return XXH3_64bits_withSeed(data, bytes, SEED);
}

uint64_t mr_hll_hash_u64(uint64_t value) {
    return XXH3_64bits_withSeed(&value, sizeof(value), SEED);
}

// ---- sparse ------------------------------------------------------------------------------------

static uint32_t entry_index(uint32_t entry) {
    return entry >> 6;
}

static bool is_rank(uint32_t rank) {
    return rank > 0 && rank <= 64 - SPARSE_BITS + 1;
}

static bool is_sparse(const mr_hll *hll) {
    return hll->capacity != 0 && !hll->listed;
}

// Puts an entry into a table with room; the greater rank of an index stays.
static void slot_put(mr_hll *hll, uint32_t entry) {
    uint32_t *slots = hll->memory, mask = hll->capacity - 1;
    for (uint32_t at = mr_hll_slot(entry_index(entry), hll->capacity);; at++) {
        uint32_t *slot = &slots[at & mask];
        if (*slot == 0) {
            *slot = entry;
            hll->count++;
            return;
        }
        if (entry_index(*slot) == entry_index(entry)) {
            *slot = MR_MAX(*slot, entry);
            return;
        }
    }
}

static void dense_put(uint8_t *registers, uint32_t entry) {
    uint32_t index = entry_index(entry);
    uint32_t low_bits = SPARSE_BITS - DENSE_BITS;
    uint32_t low = index & ((1u << low_bits) - 1);
    uint32_t rank =
        low == 0 ? low_bits + (entry & 63) : (uint32_t)__builtin_clz(low) - (32 - low_bits) + 1;
    uint8_t *slot = &registers[index >> low_bits];
    *slot = (uint8_t)MR_MAX((uint32_t)*slot, rank);
}

static uint32_t registers_used(const uint8_t *registers) {
    uint32_t used = 0;
    for (uint32_t i = 0; i < MR_HLL_REGISTERS; i++) {
        used += registers[i] != 0;
    }
    return used;
}

static void to_dense(mr_hll *hll) {
    uint8_t *registers = mr_heap_aligned(MR_HLL_REGISTERS);
    memset(registers, 0, MR_HLL_REGISTERS);
    const uint32_t *slots = hll->memory;
    for (uint32_t i = 0; i < hll->capacity; i++) {
        if (slots[i] != 0) {
            dense_put(registers, slots[i]);
        }
    }
    mr_heap_free(hll->memory);
    *hll = (mr_hll){.memory = registers};
}

// Room for one more entry.
static void make_room(mr_hll *hll) {
    if (hll->memory == NULL) {
        hll->capacity = SLOTS_MIN;
        hll->memory = mr_heap_alloc(sizeof(uint32_t) * SLOTS_MIN);
    } else if (hll->count + 1 > hll->capacity / 4 * 3 && hll->capacity < SLOTS_MAX) {
        mr_hll old = *hll;
        hll->capacity = (uint16_t)(old.capacity * 2);
        hll->count = 0;
        hll->memory = mr_heap_alloc(sizeof(uint32_t) * hll->capacity);
        const uint32_t *slots = old.memory;
        for (uint32_t i = 0; i < old.capacity; i++) {
            if (slots[i] != 0) {
                slot_put(hll, slots[i]);
            }
        }
        mr_heap_free(old.memory);
    }
}

// Whether a sketch is dense depends on the set of its entries alone, not on their order or
// repetition: a result must not depend on how rows were spread over workers.
static void entry_add(mr_hll *hll, uint32_t entry) {
    if (!is_sparse(hll) && hll->memory != NULL) {
        dense_put(hll->memory, entry);
        return;
    }
    make_room(hll);
    slot_put(hll, entry);
    if (hll->count > SPARSE_MAX) {
        to_dense(hll);
    }
}

// ---- lists -------------------------------------------------------------------------------------

static void entries_add(mr_hll *into, const mr_hll *list) {
    const uint32_t *entries = list->memory;
    for (uint32_t i = 0; i < list->count; i++) {
        entry_add(into, entries[i]);
    }
}

// Makes registers of a list at once. False, and nothing is made, when a table may be due.
static bool list_to_dense(const mr_hll *list, mr_hll *ret) {
    if (list->count <= SPARSE_MAX) {
        return false;
    }
    uint8_t *registers = mr_heap_aligned(MR_HLL_REGISTERS);
    memset(registers, 0, MR_HLL_REGISTERS);
    const uint32_t *entries = list->memory;
    for (uint32_t i = 0; i < list->count; i++) {
        dense_put(registers, entries[i]);
    }
    if (registers_used(registers) <= SPARSE_MAX) {  // As many different entries, at least.
        mr_heap_free(registers);
        return false;
    }
    *ret = (mr_hll){.memory = registers};
    return true;
}

// An empty sparse sketch that has room for so many entries, or for as many as one holds.
static mr_hll table_for(uint32_t count) {
    uint64_t slots = MR_MIN(mr_pow2_up((uint64_t)count * 4 / 3 + 1), (uint64_t)SLOTS_MAX);
    return (mr_hll){.memory = mr_heap_alloc(sizeof(uint32_t) * slots), .capacity = (uint16_t)slots};
}

static mr_hll settled(const mr_hll *list) {
    mr_hll ret;
    if (!list_to_dense(list, &ret)) {
        ret = table_for(list->count);
        entries_add(&ret, list);
    }
    return ret;
}

void mr_hll_settle(mr_hll *hll) {
    if (hll->listed) {
        mr_hll list = *hll;
        *hll = settled(&list);
        mr_heap_free(list.memory);
    }
}

// A full list gets more room, or becomes a table.
static void list_grow(mr_hll *hll) {
    if (hll->count == LIST_LOOK || hll->count == LIST_MAX) {
        mr_hll table = settled(hll);
        if (hll->count == LIST_MAX || table.count < LIST_LOOK / 4 * 3) {
            mr_heap_free(hll->memory);
            *hll = table;
            return;
        }
        mr_hll_release(&table);
    }
    hll->capacity = (uint16_t)MR_MAX(SLOTS_MIN, 2 * hll->capacity);
    hll->memory = mr_heap_resize(hll->memory, sizeof(uint32_t) * hll->capacity);
    hll->listed = true;
}

void mr_hll_add_slow(mr_hll *hll, uint64_t hash) {
    if (mr_hll_append(hll, hash)) {
        return;
    }
    if (hll->memory == NULL || hll->listed) {
        list_grow(hll);
    }
    if (!mr_hll_append(hll, hash)) {
        entry_add(hll, mr_hll_entry(hash));
    }
}

// ---- merge and count ---------------------------------------------------------------------------

// 32 registers at a time; where the machine has no such width the compiler takes two steps.
typedef uint8_t lanes __attribute__((vector_size(32)));
#define LANES       (MR_HLL_REGISTERS / (uint32_t)sizeof(lanes))
#define LANES_BLOCK 128  // As many steps as a counter of one byte bears.
_Static_assert(LANES % LANES_BLOCK == 0, "blocks are whole");

// The same loops twice: for any machine, and for AVX2.
#ifdef __x86_64__
#define AVX2 __attribute__((target("avx2")))
#define BY_MACHINE(name, ...) \
    (__builtin_cpu_supports("avx2") ? name##_avx2(__VA_ARGS__) : name##_plain(__VA_ARGS__))
#else
#define AVX2
#define BY_MACHINE(name, ...) name##_plain(__VA_ARGS__)
#endif
#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE void merge_body(uint8_t *restrict into, const uint8_t *restrict from) {
    for (uint32_t i = 0; i < MR_HLL_REGISTERS; i++) {  // Compilers know the greater of two bytes.
        into[i] = into[i] > from[i] ? into[i] : from[i];
    }
}

// How many registers hold each rank, from 0 on. One pass a rank, until all are counted: few ranks
// are in use, and counting by increments would wait for each other's.
ALWAYS_INLINE void histogram_body(const uint8_t *registers, uint32_t *histogram) {
    const lanes *all = (const lanes *)(const void *)registers;
    uint32_t counted = 0;
    for (uint32_t rank = 0; counted < MR_HLL_REGISTERS; rank++) {
        mr_assert(rank <= RANK_MAX);
        for (uint32_t block = 0; block < LANES; block += LANES_BLOCK) {
            lanes hits = {0};
            for (uint32_t i = 0; i < LANES_BLOCK; i++) {
                hits -= (lanes)(all[block + i] == (uint8_t)rank);
            }
            for (uint32_t i = 0; i < sizeof(lanes); i++) {
                histogram[rank] += hits[i];
            }
        }
        counted += histogram[rank];
    }
}

static void merge_plain(uint8_t *into, const uint8_t *from) {
    merge_body(into, from);
}

static void histogram_plain(const uint8_t *registers, uint32_t *histogram) {
    histogram_body(registers, histogram);
}

#ifdef __x86_64__
AVX2 static void merge_avx2(uint8_t *into, const uint8_t *from) {
    merge_body(into, from);
}

AVX2 static void histogram_avx2(const uint8_t *registers, uint32_t *histogram) {
    histogram_body(registers, histogram);
}
#endif

void mr_hll_merge(mr_hll *into, const mr_hll *from) {
    mr_hll_settle(into);
    if (from->memory == NULL) {
        return;
    }
    if (from->listed && into->memory == NULL) {
        *into = settled(from);
        return;
    }
    if (from->listed) {
        entries_add(into, from);
        return;
    }
    if (into->memory == NULL) {  // As usual: a window's first pane, an epoch's first part.
        size_t bytes = mr_hll_bytes(from);
        *into = *from;
        into->memory = memcpy(mr_heap_aligned(bytes), from->memory, bytes);
        return;
    }
    if (is_sparse(from)) {
        const uint32_t *slots = from->memory;
        for (uint32_t i = 0; i < from->capacity; i++) {
            if (slots[i] != 0) {
                entry_add(into, slots[i]);
            }
        }
        return;
    }
    if (is_sparse(into)) {
        to_dense(into);
    }
    BY_MACHINE(merge, into->memory, from->memory);
}

// Ertl's sigma and tau: the shares of registers that are still 0, or full.
static double sigma(double x) {
    if (x == 1) {
        return (double)INFINITY;
    }
    double y = 1, sum = x;
    for (double before = -1; sum != before;) {
        before = sum;
        x *= x;
        sum += x * y;
        y += y;
    }
    return sum;
}

static double tau(double x) {
    if (x == 0 || x == 1) {
        return 0;
    }
    double y = 1, sum = 1 - x;
    for (double before = -1; sum != before;) {
        before = sum;
        x = sqrt(x);
        y *= 0.5;
        sum -= (1 - x) * (1 - x) * y;
    }
    return sum / 3;
}

static double count_dense(const uint8_t *registers) {
    uint32_t histogram[RANK_MAX + 1] = {0};
    BY_MACHINE(histogram, registers, histogram);
    const double m = MR_HLL_REGISTERS;
    double z = m * tau(1 - histogram[RANK_MAX] / m);
    for (int rank = RANK_MAX - 1; rank >= 1; rank--) {
        z = 0.5 * (z + histogram[rank]);
    }
    z += m * sigma(histogram[0] / m);
    return m * m / (2 * log(2)) / z;
}

int64_t mr_hll_count(const mr_hll *hll) {
    if (hll->memory == NULL) {
        return 0;
    }
    if (hll->listed) {
        mr_hll table = settled(hll);
        int64_t count = mr_hll_count(&table);
        mr_hll_release(&table);
        return count;
    }
    if (is_sparse(hll)) {  // Linear counting over 2^26 places: as good as exact.
        const double places = (double)(1u << SPARSE_BITS);
        return llround(places * -log1p(-(double)hll->count / places));
    }
    return llround(count_dense(hll->memory));
}

// ---- storing -----------------------------------------------------------------------------------

// Four registers of 6 bits in three bytes.
static void save_dense(const uint8_t *registers, mr_text *out) {
    uint8_t *to = (uint8_t *)mr_text_grow(out, DENSE_SAVED_BYTES);
    for (uint32_t i = 0; i < MR_HLL_REGISTERS; i += 4, to += 3) {
        uint32_t four = (uint32_t)registers[i] | (uint32_t)registers[i + 1] << 6 |
                        (uint32_t)registers[i + 2] << 12 | (uint32_t)registers[i + 3] << 18;
        to[0] = (uint8_t)four;
        to[1] = (uint8_t)(four >> 8);
        to[2] = (uint8_t)(four >> 16);
    }
}

// Few registers in use: their number (2 bytes), and each as index and rank in 4 bytes.
static void save_few(const uint8_t *registers, uint32_t used, mr_text *out) {
    mr_text_add_char(out, FORM_FEW);
    uint16_t count = (uint16_t)used;
    mr_text_add_bytes(out, &count, sizeof(count));
    char *to = mr_text_grow(out, sizeof(uint32_t) * used);
    char *end = to + sizeof(uint32_t) * used;
    for (uint32_t i = 0; to < end; i += 8) {
        uint64_t eight;
        memcpy(&eight, registers + i, sizeof(eight));
        while (eight != 0) {  // From one register in use to the next.
            uint32_t at = (uint32_t)__builtin_ctzll(eight) / 8;
            uint32_t entry = (i + at) << 6 | registers[i + at];
            memcpy(to, &entry, sizeof(entry));
            to += sizeof(entry);
            eight &= ~((uint64_t)0xFF << (8 * at));
        }
    }
}

static void save_list(const mr_hll *hll, mr_text *out) {
    mr_text_add_char(out, FORM_LIST);
    uint16_t count = (uint16_t)hll->count;
    mr_text_add_bytes(out, &count, sizeof(count));
    mr_text_add_bytes(out, hll->memory, sizeof(uint32_t) * hll->count);
}

// List and sparse: the form, the number of entries (2 bytes) and the entries, in no order. Dense:
// the form and the registers.
void mr_hll_save(const mr_hll *hll, mr_text *out) {
    if (hll->memory == NULL) {
        mr_text_add_char(out, FORM_EMPTY);
        return;
    }
    if (hll->listed) {
        save_list(hll, out);
        return;
    }
    if (!is_sparse(hll)) {
        uint32_t used = registers_used(hll->memory);
        if (used <= FEW_MAX) {
            save_few(hll->memory, used, out);
            return;
        }
        mr_text_add_char(out, FORM_DENSE);
        save_dense(hll->memory, out);
        return;
    }
    mr_text_add_char(out, FORM_SPARSE);
    uint16_t count = (uint16_t)hll->count;
    mr_text_add_bytes(out, &count, sizeof(count));
    char *to = mr_text_grow(out, sizeof(uint32_t) * hll->count);
    const uint32_t *slots = hll->memory;
    uint32_t used = 0;
    for (uint32_t i = 0; i < hll->capacity; i++) {
        if (slots[i] != 0) {
            memcpy(to + sizeof(uint32_t) * used++, &slots[i], sizeof(uint32_t));
        }
    }
    mr_assert(used == hll->count);
}

static mr_code corrupt(mr_cx *cx) {
    return mr_fail(cx, MR_E_CORRUPT, /* hint= */ NULL, "stored HyperLogLog sketch is damaged");
}

static mr_code load_sparse(mr_hll *hll, mr_span *in, mr_cx *cx) {
    uint16_t count;
    if (in->bytes < sizeof(count)) {
        return corrupt(cx);
    }
    memcpy(&count, in->data, sizeof(count));
    if (count == 0 || count > SPARSE_MAX || in->bytes - sizeof(count) < count * sizeof(uint32_t)) {
        return corrupt(cx);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t entry;
        memcpy(&entry, in->data + sizeof(count) + i * sizeof(entry), sizeof(entry));
        if (!is_rank(entry & 63)) {
            mr_hll_release(hll);
            return corrupt(cx);
        }
        entry_add(hll, entry);
        if (hll->count != i + 1) {  // An index stood there twice.
            mr_hll_release(hll);
            return corrupt(cx);
        }
    }
    in->data += sizeof(count) + count * sizeof(uint32_t);
    in->bytes -= sizeof(count) + count * sizeof(uint32_t);
    return MR_OK;
}

// What is loaded is merged, not added to: it becomes a table.
static mr_code load_list(mr_hll *hll, mr_span *in, mr_cx *cx) {
    uint16_t count;
    if (in->bytes < sizeof(count)) {
        return corrupt(cx);
    }
    memcpy(&count, in->data, sizeof(count));
    size_t bytes = sizeof(count) + count * sizeof(uint32_t);
    if (count == 0 || count > LIST_MAX || in->bytes < bytes) {
        return corrupt(cx);
    }
    *hll = table_for(count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t entry;
        memcpy(&entry, in->data + sizeof(count) + i * sizeof(entry), sizeof(entry));
        if (!is_rank(entry & 63)) {
            mr_hll_release(hll);
            return corrupt(cx);
        }
        entry_add(hll, entry);
    }
    in->data += bytes;
    in->bytes -= bytes;
    return MR_OK;
}

static mr_code load_few(mr_hll *hll, mr_span *in, mr_cx *cx) {
    uint16_t count;
    if (in->bytes < sizeof(count)) {
        return corrupt(cx);
    }
    memcpy(&count, in->data, sizeof(count));
    size_t bytes = sizeof(count) + count * sizeof(uint32_t);
    if (in->bytes < bytes) {
        return corrupt(cx);
    }
    uint8_t *registers = mr_heap_aligned(MR_HLL_REGISTERS);
    memset(registers, 0, MR_HLL_REGISTERS);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t entry;
        memcpy(&entry, in->data + sizeof(count) + i * sizeof(entry), sizeof(entry));
        uint32_t rank = entry & 63;
        if (rank == 0 || rank > RANK_MAX || entry >> 6 >= MR_HLL_REGISTERS) {
            mr_heap_free(registers);
            return corrupt(cx);
        }
        registers[entry >> 6] = (uint8_t)rank;
    }
    *hll = (mr_hll){.memory = registers};
    in->data += bytes;
    in->bytes -= bytes;
    return MR_OK;
}

static mr_code load_dense(mr_hll *hll, mr_span *in, mr_cx *cx) {
    if (in->bytes < DENSE_SAVED_BYTES) {
        return corrupt(cx);
    }
    uint8_t *registers = mr_heap_aligned(MR_HLL_REGISTERS);
    const uint8_t *from = (const uint8_t *)in->data;
    bool bad = false;
    for (uint32_t i = 0; i < MR_HLL_REGISTERS; i += 4, from += 3) {
        uint32_t four = from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16;
        for (uint32_t k = 0; k < 4; k++) {
            registers[i + k] = (four >> (6 * k)) & 63;
            bad |= registers[i + k] > RANK_MAX;
        }
    }
    if (bad) {
        mr_heap_free(registers);
        return corrupt(cx);
    }
    *hll = (mr_hll){.memory = registers};
    in->data += DENSE_SAVED_BYTES;
    in->bytes -= DENSE_SAVED_BYTES;
    return MR_OK;
}

mr_code mr_hll_load(mr_hll *hll, mr_span *in, mr_cx *cx) {
    mr_assert(hll->memory == NULL);
    if (in->bytes == 0) {
        return corrupt(cx);
    }
    uint8_t form = (uint8_t)in->data[0];
    in->data++;
    in->bytes--;
    switch (form) {
    case FORM_EMPTY: return MR_OK;
    case FORM_SPARSE: return load_sparse(hll, in, cx);
    case FORM_DENSE: return load_dense(hll, in, cx);
    case FORM_FEW: return load_few(hll, in, cx);
    case FORM_LIST: return load_list(hll, in, cx);
    default: return corrupt(cx);
    }
}

void mr_hll_release(mr_hll *hll) {
    mr_heap_free(hll->memory);
    *hll = (mr_hll){.memory = NULL};
}

size_t mr_hll_bytes(const mr_hll *hll) {
    if (hll->memory == NULL) {
        return 0;
    }
    return hll->capacity != 0 ? sizeof(uint32_t) * hll->capacity : MR_HLL_REGISTERS;
}
