// Dag, time: time zone, dates, schedule and data interval of a DAG file.

#include <string.h>

#include "flow/dag_build.h"

static const mr_yaml *value_of(const mr_dag_build *b, const char *name) {
    const mr_yaml *node = mr_yaml_get(b->root, name);
    return node == NULL || mr_yaml_is_null(node) ? NULL : node;
}

static mr_code read_zone(mr_dag_build *b) {
    const mr_yaml *node = value_of(b, "timezone");
    const char *name = b->reader->default_timezone;
    if (node != NULL) {
        MR_TRY(mr_yaml_expect(node, MR_YAML_SCALAR, "key \"timezone\"", b->cx));
        name = node->text;
    }
    if (name == NULL || strcmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0) {
        return MR_OK;
    }
    mr_place place = node == NULL ? b->root->place : node->place;
    if (node != NULL && strspn(name, "+-0123456789:") == strlen(name)) {
        return mr_fail_at(b->cx, MR_E_VALUE, place,
                          "Write the name of a zone, such as Asia/Kolkata: its clock changes too.",
                          "\"%s\" is no time zone", name);
    }
    mr_code code = b->reader->zone == NULL
                       ? mr_fail(b->cx, MR_E_NAME, "Write UTC.", "no time zones are known here")
                       : b->reader->zone(b->reader->self, name, &b->dag->zone, b->cx);
    if (code != MR_OK && b->cx->error.place.offset < 0) {
        b->cx->error.place = place;
    }
    return code;
}

static mr_code read_date(mr_dag_build *b, const char *name, int64_t *ret) {
    const mr_yaml *node = value_of(b, name);
    if (node == NULL) {
        return MR_OK;
    }
    MR_TRY(mr_yaml_expect(node, MR_YAML_SCALAR, mr_arena_printf(b->cx->arena, "key \"%s\"", name),
                          b->cx));
    if (!mr_civil_parse(node->text, strlen(node->text), b->dag->zone, ret)) {
        return mr_fail_at(b->cx, MR_E_VALUE, node->place,
                          "Write 2025-11-01, 2025-11-01T08:00 or 2025-11-01T08:00:00+05:30.",
                          "bad value \"%s\" for key \"%s\"", node->text, name);
    }
    return MR_OK;
}

static mr_code read_interval(mr_dag_build *b) {
    const mr_yaml *node = value_of(b, "data_interval");
    if (node == NULL) {
        return MR_OK;
    }
    MR_TRY(mr_yaml_expect(node, MR_YAML_SCALAR, "key \"data_interval\"", b->cx));
    int64_t length_us;
    if (strcmp(node->text, "previous_tick") == 0) {
        b->dag->data_interval_us = -1;
    } else if (strcmp(node->text, "none") == 0) {
        b->dag->data_interval_us = 0;
    } else if (mr_text_parse_duration_us(mr_span_of(node->text), &length_us) && length_us > 0) {
        b->dag->data_interval_us = length_us;
    } else {
        return mr_fail_at(b->cx, MR_E_VALUE, node->place,
                          "Write previous_tick, none, or a duration such as 24h.",
                          "bad value \"%s\" for key \"data_interval\"", node->text);
    }
    return MR_OK;
}

static mr_code read_schedule(mr_dag_build *b) {
    mr_schedule *schedule = &b->dag->schedule;
    const mr_yaml *node = mr_yaml_get(b->root, "schedule");
    MR_TRY(mr_schedule_parse(node, schedule, b->cx));
    if (schedule->kind == MR_SCHEDULE_NONE) {
        return MR_OK;
    }
    if (b->dag->data_interval_us < 0) {
        mr_schedule_bound_intervals(schedule);
    }
    int64_t after_us = schedule->start_us == INT64_MIN ? INT64_MIN : schedule->start_us - 1;
    if (after_us != INT64_MIN && mr_schedule_next(schedule, after_us) == INT64_MAX) {
        return mr_fail_at(b->cx, MR_E_VALUE, node->place, "Look at start_date and end_date.",
                          "the schedule never fires between start_date and end_date");
    }
    const char *remark = mr_schedule_remark(schedule, b->cx->arena);
    if (remark != NULL) {
        mr_dag_remark(b, node->place, "%s", remark);
    }
    return MR_OK;
}

void mr_dag_time_read(mr_dag_build *b) {
    mr_dag *dag = b->dag;
    mr_dag_note(b, read_zone(b));
    mr_schedule *schedule = &dag->schedule;
    *schedule =
        (mr_schedule){.text = "", .zone = dag->zone, .start_us = INT64_MIN, .end_us = INT64_MAX};
    mr_dag_note(b, read_date(b, "start_date", &schedule->start_us));
    mr_dag_note(b, read_date(b, "end_date", &schedule->end_us));
    if (schedule->end_us < schedule->start_us) {
        mr_dag_note(b, mr_fail_at(b->cx, MR_E_VALUE, value_of(b, "end_date")->place, NULL,
                                  "end_date is before start_date"));
        schedule->end_us = INT64_MAX;
    }
    mr_dag_note(b, read_interval(b));
    mr_dag_note(b, read_schedule(b));
}
