// Topics state: what the files topics*.c share; see topics.h.
//
// A topic lives in a *family*: its partitions, and one mr_topic for every number of partitions that
// it has had, so that who has found it keeps the one that it knows. Locks: `change` is held through
// a whole change with its writes to the disk, `table` for a look or a swap of pointers.
//
// On disk, in this order, so that a topic is there wholly or not at all after a power cut:
//   create  folders with their logs, synced → the list, which counts
//   grow    new folders → the list
//   delete  the list, with a row "gone" → folders renamed, their folder synced → row dropped
// What a start finds beside the list is a leftover: removed when it was gone or holds no record,
// else renamed to "….-stray" and said.
//
// Also: mr_topics_

#pragma once

#include "broker/configs.h"
#include "broker/topics.h"
#include "plat/thread.h"

#define TOPICS_ID_TEXT_BYTES 23  // 22 characters of base64 and a NUL.

typedef struct topics_family topics_family;

typedef struct topics_view {
    mr_topic base;  // First, so that a mr_topic * can be cast.
    topics_family *family;
} topics_view;

struct topics_family {
    mr_topics *owner;
    atomic_uint references;  // The table has one.
    mr_arena arena;          // Under `change`.
    topics_view *view;       // The newest. Under `table`.
    mr_arena *set_arena;     // What `set` is in.
    mr_config_set set;       // Under `table`.
    char id_text[TOPICS_ID_TEXT_BYTES];
    atomic_bool offline_said;
};

// A deleted topic whose folders may still be there.
typedef struct topics_gone {
    const char *name;
    const char *id_text;
    struct topics_gone *next;
} topics_gone;

typedef struct topics_upkeep {
    mr_thread thread;
    mr_mutex mutex;
    mr_condition wake;
    bool stop;        // Under mutex.
    int64_t tend_us;  // When each is next due, monotonic.
    int64_t compact_us;
    int64_t note_us;
} topics_upkeep;

struct mr_topics {
    mr_topics_spec spec;
    mr_arena arena;  // Of the object, and of `gone`.
    mr_plat *plat;
    mr_configs *configs;
    char cluster_id[TOPICS_ID_TEXT_BYTES];
    bool clean;  // The last end was.
    mr_mutex change;
    topics_gone *gone;  // Under `change`.
    bool notes_stale;   // Checkpoints name partitions that are no more. Under `change`.
    mr_mutex table;
    topics_family **families;  // By name. This and the rest: under `table`.
    uint32_t count;
    uint32_t capacity;
    uint32_t *by_name;  // slot_count each, index + 1, 0 = free.
    uint32_t *by_id;
    uint32_t slot_count;
    topics_upkeep upkeep;
};

// ---- topics.c --------------------------------------------------------------------------------

topics_family *mr_topics_family_new(mr_topics *topics, const char *name, const mr_wire_uuid *id);
// Its partitions become those of the view and `count` more, whose logs are for the caller to open.
topics_view *mr_topics_family_widen(topics_family *family, uint32_t count);
void mr_topics_family_set(topics_family *family, mr_config_set set);
void mr_topics_family_unref(topics_family *family);
void mr_topics_table_add(mr_topics *topics, topics_family *family);
void mr_topics_table_remove(mr_topics *topics, topics_family *family);
// All, referenced, in cx->arena.
topics_family **mr_topics_families(mr_topics *topics, uint32_t *ret_count, mr_cx *cx);
void mr_topics_say(mr_topics *topics, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// ---- topics_store.c --------------------------------------------------------------------------

void mr_topics_id_text(const mr_wire_uuid *id, char ret[TOPICS_ID_TEXT_BYTES]);
bool mr_topics_id_parse(mr_span text, mr_wire_uuid *ret);
mr_wire_uuid mr_topics_id_new(mr_plat *plat);
const char *mr_topics_partition_dir(mr_topics *topics, const char *name, int32_t number,
                                    mr_arena *arena);
// The families of the list, without logs. MR_OK with none when it is the first start.
mr_code mr_topics_list_load(mr_topics *topics, mr_cx *cx);
// Writes the list: what is in the table, without `less` and with `more` as its family's view. Both
// may be NULL.
mr_code mr_topics_list_save(mr_topics *topics, const topics_family *less, const topics_view *more,
                            mr_cx *cx);
mr_code mr_topics_metadata_save(mr_topics *topics, const topics_family *family, int32_t number,
                                mr_cx *cx);
// Of the id in a partition's folder; empty when there is none.
const char *mr_topics_metadata_load(const char *dir, mr_cx *cx);
// Takes the cluster id from meta.properties, or makes it; takes the mark of a clean end away.
mr_code mr_topics_identity_load(mr_topics *topics, mr_cx *cx);
mr_code mr_topics_clean_save(mr_topics *topics, mr_cx *cx);
// Kafka's checkpoints of all partitions.
mr_code mr_topics_notes_save(mr_topics *topics, mr_cx *cx);
typedef struct topics_notes {
    mr_map recovery_points;  // "topic-0" → int64_t *
    mr_map firsts;
} topics_notes;
void mr_topics_notes_load(mr_topics *topics, topics_notes *ret, mr_cx *cx);

// ---- topics_open.c ---------------------------------------------------------------------------

// Opens the logs of partitions from..to, several at a time. New ones (notes NULL) fail as a whole,
// with what was made removed; of others one that cannot be opened is offline.
mr_code mr_topics_logs_open(topics_view *const *views, uint32_t count, uint32_t from,
                            const topics_notes *notes, mr_cx *cx);

// ---- topics_upkeep.c -------------------------------------------------------------------------

mr_code mr_topics_upkeep_start(mr_topics *topics, mr_cx *cx);
void mr_topics_upkeep_stop(mr_topics *topics);
