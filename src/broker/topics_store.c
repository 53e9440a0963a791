// Topics store: the files of the topics' list, identity and checkpoints; see topics_state.h.
//
// The list is ours; meta.properties, partition.metadata, the checkpoints and the mark of a clean
// end have Kafka's names and forms, so that its tools read the folder.
//
// Also: mr_topics_

#include <inttypes.h>
#include <string.h>

#include "broker/ledger.h"
#include "broker/topics_state.h"

#define NOTE_BYTES_MAX ((uint64_t)64 << 20)
#define CLEAN_FILE     ".kafka_cleanshutdown"
#define ADVICE         "Put back a copy of the file; the folders do not say how topics are set."

// ---- ids -------------------------------------------------------------------------------------

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void mr_topics_id_text(const mr_wire_uuid *id, char ret[TOPICS_ID_TEXT_BYTES]) {
    for (int c = 0; c < TOPICS_ID_TEXT_BYTES - 1; c++) {
        int bit = c * 6;
        int high = id->bytes[bit / 8] << 8;
        int low = bit / 8 + 1 < 16 ? id->bytes[bit / 8 + 1] : 0;
        ret[c] = base64_digits[(high | low) >> (10 - bit % 8) & 63];
    }
    ret[TOPICS_ID_TEXT_BYTES - 1] = '\0';
}

bool mr_topics_id_parse(mr_span text, mr_wire_uuid *ret) {
    if (text.bytes != TOPICS_ID_TEXT_BYTES - 1) {
        return false;
    }
    mr_wire_uuid id = {{0}};
    for (int c = 0; c < TOPICS_ID_TEXT_BYTES - 1; c++) {
        const char *digit = text.data[c] == '\0' ? NULL : strchr(base64_digits, text.data[c]);
        if (digit == NULL) {
            return false;
        }
        for (int b = 0; b < 6 && c * 6 + b < 128; b++) {
            int bit = c * 6 + b;
            int on = (int)(digit - base64_digits) >> (5 - b) & 1;
            id.bytes[bit / 8] = (uint8_t)(id.bytes[bit / 8] | on << (7 - bit % 8));
        }
    }
    *ret = id;
    return true;
}

mr_wire_uuid mr_topics_id_new(mr_plat *plat) {
    mr_wire_uuid id;
    char text[TOPICS_ID_TEXT_BYTES];
    do {  // A first "-" would be taken for an option by tools, so Kafka makes none.
        uint64_t words[2] = {mr_random_u64(plat), mr_random_u64(plat)};
        memcpy(id.bytes, words, sizeof(words));
        id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0F) | 0x40);  // A random UUID, version 4.
        id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3F) | 0x80);
        mr_topics_id_text(&id, text);
    } while (text[0] == '-');
    return id;
}

const char *mr_topics_partition_dir(mr_topics *topics, const char *name, int32_t number,
                                    mr_arena *arena) {
    return mr_arena_printf(arena, "%s/%s-%" PRId32, topics->spec.dir, name, number);
}

// ---- the list --------------------------------------------------------------------------------

static const char *list_path(mr_topics *topics, mr_cx *cx) {
    return mr_arena_printf(cx->arena, "%s/topics", topics->spec.dir);
}

static mr_code list_bad(const mr_ledger_row *row, mr_cx *cx) {
    return mr_fail(cx, MR_E_CORRUPT, ADVICE, "the list of topics has a row \"%s\" that is no topic",
                   row->words[0].data);
}

// Rows: topic NAME ID PARTITIONS [CONFIG VALUE]…; gone NAME ID.
static mr_code list_row(mr_topics *topics, const mr_ledger_row *row, mr_cx *cx) {
    mr_wire_uuid id;
    if (row->count < 3 || !mr_topics_id_parse(row->words[2], &id)) {
        return list_bad(row, cx);
    }
    if (mr_span_is(row->words[0], "gone")) {
        topics_gone *gone = MR_NEW(&topics->arena, topics_gone);
        gone->name = mr_arena_string(&topics->arena, row->words[1].data);
        gone->id_text = mr_arena_string(&topics->arena, row->words[2].data);
        gone->next = topics->gone;
        topics->gone = gone;
        return MR_OK;
    }
    int64_t partitions = 0;
    MR_TRY(mr_ledger_int(row, 3, &partitions, cx));
    if (!mr_span_is(row->words[0], "topic") || !mr_topics_name_is_valid(row->words[1]) ||
        partitions < 1 || partitions > INT32_MAX || row->count % 2 != 0) {
        return list_bad(row, cx);
    }
    uint32_t set_count = (row->count - 4) / 2;
    mr_topic_setting *set = MR_NEW_ARRAY(cx->arena, mr_topic_setting, set_count);
    for (uint32_t s = 0; s < set_count; s++) {
        set[s].name = row->words[4 + 2 * s].data;
        set[s].value = row->words[5 + 2 * s].data;
    }
    topics_family *family = mr_topics_family_new(topics, row->words[1].data, &id);
    family->view = mr_topics_family_widen(family, (uint32_t)partitions);
    mr_topics_family_set(family, (mr_config_set){set, set_count});
    mr_topics_table_add(topics, family);
    return MR_OK;
}

mr_code mr_topics_list_load(mr_topics *topics, mr_cx *cx) {
    mr_ledger_row *rows = NULL;
    uint32_t count = 0;
    mr_code code = mr_ledger_load(list_path(topics, cx), "topics", &rows, &count, cx);
    if (code == MR_E_MISSING) {
        return mr_topics_list_save(topics, NULL, NULL, cx);
    }
    MR_TRY(code);
    for (uint32_t r = 0; r < count; r++) {
        MR_TRY(list_row(topics, &rows[r], cx));
    }
    return MR_OK;
}

static void list_add(mr_ledger *ledger, const topics_view *view) {
    const topics_family *family = view->family;
    mr_ledger_row_begin(ledger, "topic");
    mr_ledger_word(ledger, mr_span_of(view->base.name));
    mr_ledger_word(ledger, mr_span_of(family->id_text));
    mr_ledger_number(ledger, view->base.partition_count);
    for (uint32_t s = 0; s < family->set.count; s++) {
        mr_ledger_word(ledger, mr_span_of(family->set.items[s].name));
        mr_ledger_word(ledger, mr_span_of(family->set.items[s].value));
    }
}

mr_code mr_topics_list_save(mr_topics *topics, const topics_family *less, const topics_view *more,
                            mr_cx *cx) {
    mr_ledger ledger;
    mr_ledger_begin(&ledger, "topics", cx);
    for (uint32_t i = 0; i < topics->count; i++) {
        const topics_family *family = topics->families[i];
        if (family != less && (more == NULL || family != more->family)) {
            list_add(&ledger, family->view);
        }
    }
    if (more != NULL) {
        list_add(&ledger, more);
    }
    for (const topics_gone *gone = topics->gone; gone != NULL; gone = gone->next) {
        mr_ledger_row_begin(&ledger, "gone");
        mr_ledger_word(&ledger, mr_span_of(gone->name));
        mr_ledger_word(&ledger, mr_span_of(gone->id_text));
    }
    return mr_ledger_save(&ledger, list_path(topics, cx), cx);
}

// ---- partition.metadata ----------------------------------------------------------------------

mr_code mr_topics_metadata_save(mr_topics *topics, const topics_family *family, int32_t number,
                                mr_cx *cx) {
    const char *dir = mr_topics_partition_dir(topics, family->view->base.name, number, cx->arena);
    const char *text = mr_arena_printf(cx->arena, "version: 0\ntopic_id: %s", family->id_text);
    return mr_file_save(mr_arena_printf(cx->arena, "%s/partition.metadata", dir), mr_span_of(text),
                        cx);
}

const char *mr_topics_metadata_load(const char *dir, mr_cx *cx) {
    mr_span text;
    const char *path = mr_arena_printf(cx->arena, "%s/partition.metadata", dir);
    if (mr_file_load(path, 4096, &text, cx) != MR_OK) {
        return "";
    }
    const char *at = strstr(text.data, "topic_id: ");
    mr_span id = mr_span_trim(mr_span_of(at == NULL ? "" : at + strlen("topic_id: ")));
    return mr_arena_copy(cx->arena, id.data, id.bytes);
}

// ---- identity --------------------------------------------------------------------------------

static mr_span property(mr_span text, const char *name) {
    size_t bytes = strlen(name);
    const char *end = text.data + text.bytes;
    for (const char *at = text.data; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop == NULL ? end : stop;
        if ((size_t)(stop - at) > bytes && memcmp(at, name, bytes) == 0 && at[bytes] == '=') {
            return mr_span_trim((mr_span){at + bytes + 1, (size_t)(stop - at) - bytes - 1});
        }
        at = stop + 1;
    }
    return (mr_span){NULL, 0};
}

static mr_code identity_make(mr_topics *topics, const char *path, mr_cx *cx) {
    char directory[TOPICS_ID_TEXT_BYTES];
    mr_wire_uuid id = mr_topics_id_new(topics->plat);
    mr_topics_id_text(&id, topics->cluster_id);
    id = mr_topics_id_new(topics->plat);
    mr_topics_id_text(&id, directory);
    const char *text =
        mr_arena_printf(cx->arena, "#\nnode.id=%d\ndirectory.id=%s\nversion=1\ncluster.id=%s\n",
                        MR_BROKER_NODE, directory, topics->cluster_id);
    return mr_file_save(path, mr_span_of(text), cx);
}

mr_code mr_topics_identity_load(mr_topics *topics, mr_cx *cx) {
    const char *path = mr_arena_printf(cx->arena, "%s/meta.properties", topics->spec.dir);
    mr_span text;
    mr_code code = mr_file_load(path, 65536, &text, cx);
    if (code == MR_E_MISSING) {
        MR_TRY(identity_make(topics, path, cx));
    } else {
        MR_TRY(code);
        mr_span id = property(text, "cluster.id");
        if (id.bytes == 0 || id.bytes >= sizeof(topics->cluster_id)) {
            return mr_fail(cx, MR_E_CORRUPT,
                           "Remove it to get a new cluster id; clients notice that it changed.",
                           "\"%s\" has no cluster.id", path);
        }
        memcpy(topics->cluster_id, id.data, id.bytes);
    }
    // The mark holds for one start: what is written from now on is not covered by it.
    const char *mark = mr_arena_printf(cx->arena, "%s/" CLEAN_FILE, topics->spec.dir);
    topics->clean = mr_file_exists(mark, cx);
    if (topics->clean) {
        MR_TRY(mr_file_delete(mark, cx));
        MR_TRY(mr_dir_sync(topics->spec.dir, cx));
    }
    return MR_OK;
}

mr_code mr_topics_clean_save(mr_topics *topics, mr_cx *cx) {
    return mr_file_save(mr_arena_printf(cx->arena, "%s/" CLEAN_FILE, topics->spec.dir),
                        MR_SPAN("{\"version\":0,\"brokerEpoch\":-1}"), cx);
}

// ---- checkpoints -----------------------------------------------------------------------------

static mr_code note_save(mr_topics *topics, const char *file, mr_span rows, uint32_t count,
                         mr_cx *cx) {
    const char *text =
        mr_arena_printf(cx->arena, "0\n%" PRIu32 "\n%.*s", count, MR_SPAN_ARGS(rows));
    return mr_file_save(mr_arena_printf(cx->arena, "%s/%s", topics->spec.dir, file),
                        mr_span_of(text), cx);
}

mr_code mr_topics_notes_save(mr_topics *topics, mr_cx *cx) {
    mr_text points, firsts;
    mr_text_init(&points, cx->arena);
    mr_text_init(&firsts, cx->arena);
    uint32_t point_count = 0, first_count = 0, family_count = 0;
    topics_family **families = mr_topics_families(topics, &family_count, cx);
    for (uint32_t f = 0; f < family_count; f++) {
        const mr_topic *topic = &families[f]->view->base;
        for (uint32_t p = 0; p < topic->partition_count; p++) {
            mr_log *log = topic->partitions[p]->log;
            if (mr_log_offline(log, NULL)) {
                continue;  // Nothing is known of it: the next start walks all of it.
            }
            int64_t first = mr_log_marks_of(log).first;
            mr_text_addf(&points, "%s %" PRIu32 " %" PRId64 "\n", topic->name, p,
                         mr_log_recovery_point(log));
            point_count++;
            if (first > 0) {
                mr_text_addf(&firsts, "%s %" PRIu32 " %" PRId64 "\n", topic->name, p, first);
                first_count++;
            }
        }
        mr_topics_family_unref(families[f]);
    }
    MR_TRY(note_save(topics, "recovery-point-offset-checkpoint", mr_text_span(&points), point_count,
                     cx));
    MR_TRY(
        note_save(topics, "log-start-offset-checkpoint", mr_text_span(&firsts), first_count, cx));
    topics->notes_stale = false;
    return MR_OK;
}

// A line "topic partition offset" becomes "topic-partition" → offset.
static void note_line(mr_map *map, char *line, mr_cx *cx) {
    char *first = strchr(line, ' ');
    char *second = first == NULL ? NULL : strchr(first + 1, ' ');
    if (second == NULL) {
        return;
    }
    *first = '-';
    int64_t *offset = MR_NEW(cx->arena, int64_t);
    if (mr_text_parse_int64(mr_span_of(second + 1), offset) && *offset >= 0) {
        mr_map_put(map, (mr_span){line, (size_t)(second - line)}, offset);
    }
}

// A checkpoint that is absent or damaged says nothing: logs are walked then.
static void note_load(mr_topics *topics, const char *file, mr_map *map, mr_cx *cx) {
    mr_map_init(map, cx->arena);
    mr_span text;
    const char *path = mr_arena_printf(cx->arena, "%s/%s", topics->spec.dir, file);
    if (mr_file_load(path, NOTE_BYTES_MAX, &text, cx) != MR_OK || !mr_span_starts(text, "0\n")) {
        return;
    }
    char *at = (char *)text.data + 2;
    int64_t count = -1;
    for (char *stop; (stop = strchr(at, '\n')) != NULL; at = stop + 1) {
        *stop = '\0';
        if (count >= 0) {
            note_line(map, at, cx);
        } else if (!mr_text_parse_int64(mr_span_of(at), &count)) {
            return;
        }
    }
    if ((int64_t)map->count != count) {
        mr_map_init(map, cx->arena);
    }
}

void mr_topics_notes_load(mr_topics *topics, topics_notes *ret, mr_cx *cx) {
    note_load(topics, "recovery-point-offset-checkpoint", &ret->recovery_points, cx);
    note_load(topics, "log-start-offset-checkpoint", &ret->firsts, cx);
}
