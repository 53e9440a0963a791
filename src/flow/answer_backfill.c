// Answer, backfill: runs for a range of the past: which would be made or run again, and their
// making.
//
// The runs are made at once, as queued rows, so that what is still to come can be seen and stopped;
// how many run at a time is the backfill's own limit, and their tasks come behind those of all
// other runs. A logical date that has a run is run again only as `reprocess` says.
//
// Also: mr_answer_

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "flow/answer.h"

#define RUNS_MAX 10000

typedef struct step {
    int64_t start_us, end_us;
    mr_record_run old;  // id 0: there is none.
    const char *what;   // create clear skip
} step;

typedef struct plan {
    step *steps;
    uint32_t count;
    mr_record_run *old;  // In order of logical date.
    uint32_t old_count;
    uint32_t create_count;
    bool failed_only;
    bool again;  // Runs that are there are run again.
} plan;

static mr_code parse_reprocess(const mr_answer *a, plan *p) {
    const char *word = mr_answer_text(a, "reprocess");
    word = word == NULL ? "none" : word;
    p->failed_only = strcmp(word, "failed") == 0;
    p->again = p->failed_only || strcmp(word, "all") == 0;
    return p->again || strcmp(word, "none") == 0
               ? MR_OK
               : mr_fail(a->cx, MR_E_VALUE, "Write none, failed or all.",
                         "reprocess cannot be \"%s\"", word);
}

static int by_date(const void *left, const void *right) {
    int64_t a = ((const mr_record_run *)left)->logical_us;
    int64_t b = ((const mr_record_run *)right)->logical_us;
    return a < b ? -1 : a > b;
}

// The runs of the range that a schedule or a backfill made, in order of logical date, of which each
// has one at most.
static mr_code list_old(const mr_answer *a, const char *dag, int64_t from_us, int64_t to_us,
                        plan *p) {
    static const mr_run_type types[] = {MR_RUN_IS_SCHEDULED, MR_RUN_IS_BACKFILL};
    mr_record_run *runs[2];
    uint32_t counts[2];
    for (size_t i = 0; i < MR_COUNT(types); i++) {
        mr_record_filter filter = {.dag = dag,
                                   .type = mr_run_type_text(types[i]),
                                   .logical_from_us = from_us,
                                   .logical_until_us = to_us + 1,
                                   .limit = UINT32_MAX};
        MR_TRY(mr_record_runs(a->flow->record, &filter, &runs[i], &counts[i], a->cx));
    }
    p->old = MR_NEW_ARRAY(a->cx->arena, mr_record_run, counts[0] + counts[1] + 1u);
    for (size_t i = 0; i < MR_COUNT(types); i++) {
        for (uint32_t r = 0; r < counts[i]; r++) {
            p->old[p->old_count++] = runs[i][r];
        }
    }
    qsort(p->old, p->old_count, sizeof(mr_record_run), by_date);
    return MR_OK;
}

// What is done about a logical date.
static void decide(step *s, const plan *p) {
    mr_record_run wanted = {.logical_us = s->start_us};
    const mr_record_run *old =
        bsearch(&wanted, p->old, p->old_count, sizeof(mr_record_run), by_date);
    if (old != NULL) {
        s->old = *old;
    }
    bool over = s->old.state != MR_RUN_QUEUED && s->old.state != MR_RUN_RUNNING;
    bool bad = s->old.state == MR_RUN_FAILED || s->old.state == MR_RUN_CANCELLED;
    s->what = s->old.id == 0                                 ? "create"
              : p->again && over && (bad || !p->failed_only) ? "clear"
                                                             : "skip";
}

static mr_code make_plan(const mr_answer *a, const mr_flow_dag *dag, int64_t from_us, int64_t to_us,
                         plan *p) {
    const mr_schedule *schedule = &dag->dag->schedule;
    uint32_t room = mr_schedule_count(schedule, from_us - 1, a->flow->now_us, RUNS_MAX + 1);
    p->steps = MR_NEW_ARRAY(a->cx->arena, step, room + 1u);
    MR_TRY(list_old(a, dag->row.id, from_us, to_us, p));
    int64_t tick = mr_schedule_next(schedule, from_us - 1);
    for (; tick <= a->flow->now_us; tick = mr_schedule_next(schedule, tick)) {
        step s = {0};
        mr_dag_interval(dag->dag, tick, &s.start_us, &s.end_us);
        if (s.start_us > to_us) {
            break;
        }
        if (s.start_us < from_us) {
            continue;
        }
        if (p->count == RUNS_MAX) {
            return mr_fail(a->cx, MR_E_LIMIT, "Take the range in parts.",
                           "the range has more than %d runs", RUNS_MAX);
        }
        decide(&s, p);
        p->create_count += s.old.id == 0 ? 1 : 0;
        p->steps[p->count++] = s;
    }
    for (uint32_t i = 0; mr_answer_flag(a, "backwards") && i < p->count / 2; i++) {
        step other = p->steps[i];
        p->steps[i] = p->steps[p->count - 1 - i];
        p->steps[p->count - 1 - i] = other;
    }
    return MR_OK;
}

static mr_code carry_out(const mr_answer *a, mr_flow_dag *dag, const plan *p, mr_runs_spec spec) {
    for (uint32_t i = 0; i < p->count; i++) {
        const step *s = &p->steps[i];
        uint32_t cleared;
        mr_run *run;
        spec.logical_us = spec.start_us = s->start_us;
        spec.end_us = s->end_us;
        if (strcmp(s->what, "create") == 0) {
            MR_TRY(mr_runs_add(a->flow, dag, &spec, &run, a->cx));
        } else if (strcmp(s->what, "clear") == 0) {
            mr_answer_clear what = {.failed_only = p->failed_only, .downstream = true};
            MR_TRY(mr_answer_clear_run(a->flow, s->old.id, &what, &cleared, a->cx));
        }
    }
    return MR_OK;
}

static mr_code begin(const mr_answer *a, mr_flow_dag *dag, int64_t from_us, int64_t to_us,
                     int64_t *ret_id) {
    const char *reprocess = mr_answer_text(a, "reprocess");
    mr_flow_backfill *backfill = mr_heap_alloc(sizeof(*backfill));
    backfill->row = (mr_record_backfill){
        .dag = dag->row.id,
        .from_us = from_us,
        .to_us = to_us,
        .reprocess = mr_arena_string(&a->flow->arena, reprocess == NULL ? "none" : reprocess),
        .max_active_runs = mr_answer_number(a, "max_active_runs", dag->dag->max_active_runs),
        .backwards = mr_answer_flag(a, "backwards"),
        .state = MR_RUN_RUNNING,
        .created_us = a->flow->now_us,
    };
    mr_code code = mr_flow_begin(a->flow, a->cx);
    code = code != MR_OK ? code : mr_record_add_backfill(a->flow->record, &backfill->row, a->cx);
    if (code != MR_OK) {
        mr_heap_free(backfill);
        return code;
    }
    backfill->next = a->flow->backfills;
    a->flow->backfills = backfill;
    *ret_id = backfill->row.id;
    return MR_OK;
}

static void add_steps(const plan *p, mr_text *out) {
    mr_text_add(out, ",\"runs\":[");
    for (uint32_t i = 0; i < p->count; i++) {
        mr_text_add(out, i == 0 ? "{" : ",{");
        mr_answer_add_time(out, "logical_date", p->steps[i].start_us);
        mr_answer_add_time(out, "data_interval_end", p->steps[i].end_us);
        mr_answer_add_text(out, "action", p->steps[i].what);
        if (p->steps[i].old.id != 0) {
            mr_answer_add_text(out, "run_id", p->steps[i].old.run_id);
            mr_answer_add_text(out, "state", mr_run_state_text(p->steps[i].old.state));
        }
        mr_text_add_char(out, '}');
    }
    mr_text_add(out, "]}");
}

mr_code mr_answer_backfill(const mr_answer *a) {
    mr_flow_dag *dag;
    plan p = {0};
    int64_t from_us, to_us, id = 0;
    MR_TRY(mr_answer_dag_of(a, &dag));
    if (dag->dag == NULL || dag->dag->schedule.kind == MR_SCHEDULE_NONE) {
        return mr_fail(a->cx, MR_E_UNSUPPORTED, "Use: millrace dag trigger --logical-date.",
                       "DAG \"%s\" has no schedule, so a range has no runs", dag->row.id);
    }
    MR_TRY(mr_answer_time(a, "from", dag->dag->zone, &from_us));
    MR_TRY(mr_answer_time(a, "to", dag->dag->zone, &to_us));
    int32_t day;
    const char *to = mr_answer_text(a, "to");
    to_us += mr_civil_parse_date(to, strlen(to), &day) ? MR_DAY_US - 1 : 0;  // The whole day.
    MR_TRY(parse_reprocess(a, &p));
    MR_TRY(make_plan(a, dag, from_us, to_us, &p));
    mr_runs_spec spec = {.type = MR_RUN_IS_BACKFILL};
    mr_span conf = mr_answer_json(a, "conf");
    MR_TRY(mr_dag_params(dag->dag, conf.bytes == 0 ? MR_SPAN("{}") : conf, &spec.conf_json, a->cx));
    bool dry = mr_answer_flag(a, "dry_run");
    if (!dry && p.create_count > 0) {
        MR_TRY(begin(a, dag, from_us, to_us, &id));
        spec.backfill = id;
    }
    if (!dry) {
        MR_TRY(carry_out(a, dag, &p, spec));
    }
    mr_text_add_char(a->out, '{');
    mr_answer_add_text(a->out, "dag", dag->row.id);
    mr_answer_add_bool(a->out, "dry_run", dry);
    mr_answer_add_number(a->out, "backfill", id);
    add_steps(&p, a->out);
    return MR_OK;
}
