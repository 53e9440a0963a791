// Dag: what a file becomes.

#include "flow/dag.h"

#include <string.h>

#include "base/jsonvalue.h"
#include "dag_case.h"
#include "kinds.h"
#include "runner.h"
#include "scope.h"

static const char *const retail =
    "id: kafka_spark_etl\n"
    "description: daily\n"
    "owner: me\n"
    "tags: [spark, kafka]\n"
    "schedule: \"@daily\"\n"
    "timezone: Asia/Kolkata\n"
    "start_date: 2025-11-01\n"
    "catchup: none\n"
    "default_args: {retries: 2, retry_delay: 30s, retry_exponential_backoff: true, "
    "max_retry_delay: 10m}\n"
    "params: {output_path: {type: string, default: data/parquet}}\n"
    "tasks:\n"
    "  - id: quality_check\n"
    "    type: check\n"
    "    depends_on: run_batch\n"
    "    severity: warn\n"
    "    assert: [\"{{ outputs.run_batch.row_count }} > 0\"]\n"
    "    retries: 0\n"
    "  - id: prepare_params\n"
    "    type: noop\n"
    "    outputs: {batch_params: {output_path: \"{{ params.output_path }}\", run_date: \"{{ ds "
    "}}\"}}\n"
    "  - id: run_batch\n"
    "    type: sql\n"
    "    depends_on: [prepare_params]\n"
    "    bind: {d: \"{{ outputs.prepare_params.batch_params.run_date }}\"}\n"
    "    rows: 7\n"
    "    sql: |\n"
    "      SELECT * FROM '{{ outputs.prepare_params.batch_params.output_path }}'\n";

TEST(dag, reads_a_file) {
    EXPECT_STR(dag_shown(retail), "");
    REQUIRE(dag != NULL);
    EXPECT_STR(dag->id, "kafka_spark_etl");
    EXPECT_STR(dag->tags[1], "kafka");
    EXPECT(dag->tags[2] == NULL);
    EXPECT_EQ(strlen(dag->hash), 32);
    EXPECT_STR(dag->schedule.text, "@daily");
    EXPECT_EQ(dag->schedule.start_us, INT64_C(1761935400000000));  // 31 Oct 18:30 UTC.
    EXPECT_EQ(dag->catchup, MR_CATCHUP_NONE);
    EXPECT_EQ(dag->max_active_runs, 16);
    EXPECT_EQ(dag->data_interval_us, -1);
    EXPECT_EQ(dag->param_count, 1);
    EXPECT_EQ(dag->task_count, 3);
    EXPECT_STR(dag->tasks[0].id, "prepare_params");  // Each stands behind its upstream.
    EXPECT_STR(dag->tasks[1].id, "run_batch");
    EXPECT_STR(dag->tasks[2].id, "quality_check");
    EXPECT_EQ(dag->tasks[2].upstream_count, 1);
    EXPECT_EQ(dag->tasks[2].upstream[0], 1);
    EXPECT_EQ(dag->tasks[0].downstream[0], 1);
    EXPECT_EQ(dag->tasks[1].retries, 2);
    EXPECT_EQ(dag->tasks[2].retries, 0);
    EXPECT_EQ(dag->tasks[1].retry_delay_us, 30 * MR_SECOND_US);
    EXPECT_EQ(dag->tasks[1].max_retry_delay_us, 600 * MR_SECOND_US);
    EXPECT(dag->tasks[1].retry_exponential_backoff);
    EXPECT_EQ(dag->tasks[1].skip_on_exit_codes[0], 99);
    EXPECT_EQ(dag->tasks[1].skip_on_exit_code_count, 1);
    EXPECT_EQ(dag->tasks[1].pool_slots, 1);
    EXPECT_STR(dag->tasks[1].pool, "default_pool");
    EXPECT_STR(dag->tasks[1].type->name, "sql");
    EXPECT(mr_dag_find(dag, MR_SPAN("run_batch")) == &dag->tasks[1]);
    EXPECT(mr_dag_find(dag, MR_SPAN("run")) == NULL);
    mr_dag *other = mr_dag_ref(dag);
    EXPECT(other == dag);
    mr_dag_unref(other);
    dag_clean();
}

TEST(dag, a_tasks_own_keys_are_rendered_for_its_kind) {
    EXPECT_STR(
        dag_shown("id: d\nparams: {path: x, dry: true}\ntasks:\n  - id: load\n    type: shell\n"
                  "    script: 'true'\n  - id: s\n    type: sql\n    retries: 3\n    depends_on: "
                  "load\n    print: \"{{ params.dry }}\"\n    rows: 5\n    bind: {n: \"{{ "
                  "outputs.load.row_count }}\", t: [1, \"{{ ds }}\"]}\n    sql: SELECT 1\n"),
        "");
    REQUIRE(dag != NULL);
    scope_begin(NULL, &dag_arena);
    mr_text out;
    mr_text_init(&out, &dag_arena);
    EXPECT_OK(mr_dag_body(&dag->tasks[1], &scope, &out, &dag_cx));
    EXPECT_STR(mr_text_string(&out), "{\"print\":false,\"rows\":5,\"bind\":{\"n\":3,\"t\":[1,"
                                     "\"2025-11-26\"]},\"sql\":\"SELECT 1\"}");
    dag_clean();
}

TEST(dag, every_key_of_a_task_and_of_the_dag) {
    EXPECT_STR(
        dag_shown("id: d.e\ntimezone: UTC\nschedule: [\"0 2 * * *\", \"0 3 * * *\"]\n"
                  "start_date: 2025-01-01T00:00\nend_date: 2026-01-01T00:00:00+05:30\n"
                  "data_interval: 24h\ncatchup: all\ncatchup_window: 2d\nmax_active_runs: 1\n"
                  "max_active_tasks: 3\noverlap: cancel_running\ndagrun_timeout: 1h\n"
                  "deadline: 30m\nretention: 90d\nenv: {A: b, S: {secret: k}}\n"
                  "connections: [{id: broker, type: kafka, host: 'localhost:9092', password: "
                  "{secret: p}}]\n"
                  "on_success: {webhook: 'https://x/y'}\non_failure: [{script: echo 1}, "
                  "{webhook: '{{ var.hook }}'}]\non_deadline: {script: echo late}\n"
                  "on_exit: {script: echo over}\n"
                  "tasks:\n"
                  "  - id: up\n    type: noop\n    outputs: {files: [a, b]}\n"
                  "  - id: t-1\n    type: wait\n    file: \"{{ item }}\"\n    doc: what\n"
                  "    depends_on: up\n    trigger_rule: all_done\n    if: \"{{ ds > 'a' }}\"\n"
                  "    foreach: \"{{ outputs.up.files }}\"\n    depends_on_past: true\n"
                  "    retries: 3\n    retry_on_exit_codes: [1, 2]\n    skip_on_exit_codes: 7\n"
                  "    execution_timeout: 1h30m\n    poke_interval: 5s\n    timeout: 2h\n"
                  "    pool: small\n    pool_slots: 2\n    priority_weight: -5\n"
                  "    env: {X: '{{ ds }}', N: 5}\n    on_retry: {script: 'echo {{ error }}'}\n"),
        "");
    REQUIRE(dag != NULL);
    EXPECT_STR(dag->id, "d.e");
    EXPECT_EQ(dag->schedule.count, 2);
    EXPECT(dag->zone == NULL);
    EXPECT_EQ(dag->schedule.start_us, INT64_C(1735689600000000));
    EXPECT_EQ(dag->schedule.end_us, INT64_C(1767225600000000) - 19800 * MR_SECOND_US);
    EXPECT_EQ(dag->data_interval_us, MR_DAY_US);
    EXPECT_EQ(dag->catchup, MR_CATCHUP_ALL);
    EXPECT_EQ(dag->catchup_window_us, 2 * MR_DAY_US);
    EXPECT_EQ(dag->max_active_runs, 1);
    EXPECT_EQ(dag->max_active_tasks, 3);
    EXPECT_EQ(dag->overlap, MR_OVERLAP_CANCEL);
    EXPECT_EQ(dag->dagrun_timeout_us, 3600 * MR_SECOND_US);
    EXPECT_EQ(dag->deadline_us, 1800 * MR_SECOND_US);
    EXPECT_EQ(dag->retention_us, 90 * MR_DAY_US);
    EXPECT_EQ(dag->env->count, 2);
    EXPECT_EQ(dag->connections->count, 1);
    EXPECT_EQ(dag->on_success.count, 1);
    EXPECT_STR(dag->on_success.items[0].webhook, "https://x/y");
    EXPECT_EQ(dag->on_failure.count, 2);
    EXPECT_STR(dag->on_failure.items[0].script, "echo 1");
    EXPECT_EQ(dag->on_deadline.count, 1);
    EXPECT_EQ(dag->on_exit.count, 1);
    const mr_dag_task *t = mr_dag_find(dag, MR_SPAN("t-1"));
    REQUIRE(t != NULL);
    EXPECT_STR(t->doc, "what");
    EXPECT_EQ(t->trigger_rule, MR_RULE_ALL_DONE);
    EXPECT_STR(mr_trigger_rule_text(t->trigger_rule), "all_done");
    EXPECT_STR(t->condition, "{{ ds > 'a' }}");
    EXPECT(t->foreach != NULL && t->depends_on_past);
    EXPECT_EQ(t->retry_on_exit_code_count, 2);
    EXPECT_EQ(t->retry_on_exit_codes[1], 2);
    EXPECT_EQ(t->skip_on_exit_code_count, 1);
    EXPECT_EQ(t->skip_on_exit_codes[0], 7);
    EXPECT_EQ(t->execution_timeout_us, 5400 * MR_SECOND_US);
    EXPECT_EQ(t->poke_interval_us, 5 * MR_SECOND_US);
    EXPECT_EQ(t->timeout_us, 7200 * MR_SECOND_US);
    EXPECT_STR(t->pool, "small");
    EXPECT_EQ(t->pool_slots, 2);
    EXPECT_EQ(t->priority_weight, -5);
    EXPECT_EQ(t->env->count, 2);
    EXPECT_EQ(t->on_retry.count, 1);
    dag_clean();
}

TEST(dag, groups_stand_for_their_tasks) {
    EXPECT_STR(
        dag_shown("id: d\ngroups:\n  - {id: g, depends_on: first, default_args: {retries: 4}}\n"
                  "tasks:\n"
                  "  - {id: last, type: noop, depends_on: [g]}\n"
                  "  - {id: x, type: noop, group: g}\n"
                  "  - {id: y, type: noop, group: g, depends_on: [x], retries: 1}\n"
                  "  - {id: first, type: noop}\n"),
        "");
    REQUIRE(dag != NULL && dag->task_count == 4);
    const char *order[] = {"first", "x", "y", "last"};
    for (uint32_t i = 0; i < 4; i++) {
        EXPECT_STR(dag->tasks[i].id, order[i]);
    }
    EXPECT_EQ(dag->tasks[1].upstream_count, 1);  // x: first.
    EXPECT_EQ(dag->tasks[2].upstream_count, 1);  // y: x alone, which is in the group.
    EXPECT_EQ(dag->tasks[3].upstream_count, 2);  // last: x and y.
    EXPECT_EQ(dag->tasks[1].retries, 4);
    EXPECT_EQ(dag->tasks[2].retries, 1);
    EXPECT_STR(dag->tasks[2].group, "g");
    EXPECT(dag->tasks[0].group == NULL);
    EXPECT_STR(
        dag_shown("id: d\ntasks:\n  - {id: a, type: noop, group: h}\n  - {id: b, type: noop, "
                  "depends_on: h}\n"),
        "");  // A group needs no entry.
    EXPECT_STR(dag_shown("id: d\ngroups: [{id: g}]\ntasks:\n  - {id: a, type: noop, group: h}\n"
                         "  - {id: b, type: noop, group: g, depends_on: [g]}\n"),
               "4:32 there is no group \"h\" | The groups are: g.\n"
               "5:48 task \"b\" is itself in group \"g\" | Name the tasks of the group.");
    EXPECT_STR(dag_shown("id: d\ngroups: [{id: a}, {id: e}, {id: e}, {}, {id: f, dpends_on: a}]\n"
                         "tasks:\n  - {id: a, type: noop}\n"),
               "2:10 \"a\" is a task and a group | depends_on could mean either: rename one of "
               "them.\n"
               "2:28 group \"e\" is there already | Give it another id.\n"
               "2:37 a group has no id | Write id: and its name.\n"
               "2:49 unknown key \"dpends_on\" | Did you mean \"depends_on\"?");
    EXPECT_STR(dag_shown("id: d\ngroups: [{id: e}]\n" TASKS),
               "f.yaml:2:10: group \"e\" has no task");
    dag_clean();
}

// ---- parameters ------------------------------------------------------------------------------

static const char *params(const char *given) {
    mr_span json;
    mr_code code = mr_dag_params(dag, mr_span_of(given), &json, &dag_cx);
    return code == MR_OK
               ? mr_arena_copy(&dag_arena, json.data, json.bytes)
               : mr_arena_printf(&dag_arena, "%s | %s", dag_cx.error.text, dag_cx.error.hint);
}

TEST(dag, params_are_checked) {
    EXPECT_STR(dag_shown("id: d\nparams:\n  n: 10\n  ratio: {type: number, default: 1, minimum: 0, "
                         "maximum: 1.5}\n  name: {pattern: '^[a-z]+\\d?$', default: abc}\n"
                         "  mode: {enum: [fast, slow], default: fast}\n  day: {type: date}\n"
                         "  at: {type: datetime, default: null}\n  list: [1, 2]\n"
                         "  map: {type: object, default: {a: 1}}\n  dry: false\n" TASKS),
               "");
    REQUIRE(dag != NULL && dag->param_count == 9);
    EXPECT_STR(dag->params[0].type, "integer");
    EXPECT_STR(dag->params[6].type, "array");
    EXPECT_STR(dag->params[8].type, "boolean");
    EXPECT_STR(params("{\"day\":\"2025-11-26\"}"),
               "{\"n\":10,\"ratio\":1,\"name\":\"abc\",\"mode\":\"fast\",\"day\":\"2025-11-26\","
               "\"at\":null,\"list\":[1,2],\"map\":{\"a\":1},\"dry\":false}");
    EXPECT_STR(params("{ \"day\": \"2025-11-26\", \"n\": 1, \"n\": -2, \"at\": "
                      "\"2025-11-26T01:02:03Z\", \"map\": { } }"),
               "{\"n\":-2,\"ratio\":1,\"name\":\"abc\",\"mode\":\"fast\",\"day\":\"2025-11-26\","
               "\"at\":\"2025-11-26T01:02:03Z\",\"list\":[1,2],\"map\":{},\"dry\":false}");
    EXPECT_STR(params(""), "parameter \"day\" must be given | ");
    EXPECT_STR(params("[]"), "parameters are no JSON object | Write {\"NAME\": value, …}.");
    EXPECT_STR(params("{\"dya\":1}"), "DAG \"d\" has no parameter \"dya\" | Did you mean \"day\"?");
    EXPECT_STR(
        params("{\"day\":\"26.11.2025\"}"),
        "parameter \"day\" must be of type date, not \"26.11.2025\" | Write it as 2025-11-26.");
    EXPECT_STR(params("{\"day\":\"2025-11-26\",\"n\":\"5\"}"),
               "parameter \"n\" must be of type integer, not \"5\" | ");
    EXPECT_STR(params("{\"day\":\"2025-11-26\",\"n\":1.5}"),
               "parameter \"n\" must be of type integer, not 1.5 | ");
    EXPECT_STR(params("{\"day\":\"2025-11-26\",\"ratio\":2}"),
               "parameter \"ratio\" goes up to 1.5, and is 2 | ");
    EXPECT_STR(params("{\"day\":\"2025-11-26\",\"name\":\"a-b\"}"),
               "parameter \"name\" cannot be \"a-b\" | It must fit ^[a-z]+\\d?$.");
    EXPECT_STR(params("{\"day\":\"2025-11-26\",\"mode\":\"medium\"}"),
               "\"medium\" is none of the values of parameter \"mode\" | Give one of "
               "[\"fast\",\"slow\"].");
    EXPECT_STR(params("{\"day\":null}"), "parameter \"day\" must be of type date, not null | Write "
                                         "it as 2025-11-26.");
    static const dag_mistake mistakes[] = {
        {"id: d\nparams: {n: {type: int}}\n" TASKS, "2:20 a parameter cannot be of type \"int\" | "
                                                    "Types are: string, integer, number, boolean, "
                                                    "date, datetime, array, object."},
        {"id: d\nparams: {n: {defalt: 1}}\n" TASKS,
         "2:14 unknown key \"defalt\" | Did you mean \"default\"?"},
        {"id: d\nparams: {n: {type: integer, default: x}}\n" TASKS,
         "2:13 parameter \"n\" must be of type integer, not \"x\" | "},
        {"id: d\nparams: {n: {pattern: '('}}\n" TASKS,
         "2:13 bad pattern \"(\": missing closing parenthesis | "},
        {"id: d\nparams: {n: {enum: a}, m: {minimum: low}}\n" TASKS,
         "2:20 key \"enum\" must be a list, not one value | Write [a, b], or a line \"- a\" for "
         "each.\n2:37 bad value \"low\" for key \"minimum\" | Write a number."},
        {"id: d\nparams: [n]\n" TASKS, "2:9 key \"params\" must be a map, not a list | Write name: "
                                       "value on lines of their own."},
        {"id: d\nparams: {\"a b\": 1}\n" TASKS,
         "2:10 \"a b\" cannot be a parameter's name | Use letters, digits, _ and -."},
    };
    dag_tell(mistakes, MR_COUNT(mistakes));
}

// ---- intervals, schema, size -----------------------------------------------------------------

static const char *interval(const char *text, int64_t tick_us) {
    EXPECT_STR(dag_shown(text), "");
    int64_t start_us, end_us;
    mr_dag_interval(dag, tick_us, &start_us, &end_us);
    mr_text out;
    mr_text_init(&out, &dag_arena);
    mr_civil_print_iso(&out, start_us);
    mr_text_add_char(&out, ' ');
    mr_civil_print_iso(&out, end_us);
    return mr_text_string(&out);
}

TEST(dag, a_run_covers_its_data_interval) {
    int64_t tick_us = INT64_C(1764181800000000);  // 2025-11-26T18:30Z, midnight in Kolkata.
#define DAILY "id: d\nschedule: '@daily'\ntimezone: Asia/Kolkata\n" TASKS
    EXPECT_STR(interval(DAILY, tick_us), "2025-11-25T18:30:00Z 2025-11-26T18:30:00Z");
    EXPECT_STR(interval(DAILY "start_date: 2025-11-27\n", tick_us),
               "2025-11-25T18:30:00Z 2025-11-26T18:30:00Z");  // The first run has its day too.
    EXPECT_STR(interval(DAILY "data_interval: none\n", tick_us),
               "2025-11-26T18:30:00Z 2025-11-26T18:30:00Z");
    EXPECT_STR(interval(DAILY "data_interval: 2h\n", tick_us),
               "2025-11-26T16:30:00Z 2025-11-26T18:30:00Z");
    EXPECT_STR(interval("id: d\n" TASKS, tick_us), "2025-11-26T18:30:00Z 2025-11-26T18:30:00Z");
    dag_clean();
}

TEST(dag, the_schema_is_json) {
    mr_text out = {.data = NULL};
    mr_dag_schema(kinds, &out);
    EXPECT(mr_jsonvalue_check(mr_text_span(&out)));
    EXPECT(strstr(mr_text_string(&out), "\"topic.create\"") != NULL);
    mr_text_release(&out);
}

TEST(dag, a_long_chain_and_a_wide_level) {
    mr_text text = {.data = NULL};
    mr_text_add(&text, "id: d\ntasks:\n");
    for (int i = 3999; i > 0; i--) {
        mr_text_addf(&text, "  - {id: t%d, type: noop, depends_on: t%d}\n", i, i - 1);
    }
    mr_text_add(&text, "  - {id: t0, type: noop}\n");
    EXPECT_STR(dag_shown(mr_text_string(&text)), "");
    REQUIRE(dag != NULL);
    EXPECT_STR(dag->tasks[0].id, "t0");
    EXPECT_STR(dag->tasks[3999].id, "t3999");
    mr_text_clear(&text);
    mr_text_add(&text, "id: d\ntasks:\n");
    for (int i = 0; i < 4000; i++) {
        mr_text_addf(&text, "  - {id: t%d, type: noop, group: g%d%s}\n", i, i % 2,
                     i % 2 == 0 ? "" : ", depends_on: g0");
    }
    EXPECT_STR(dag_shown(mr_text_string(&text)),
               "1:1 more than 1000000 dependencies | Put a noop between groups that depend on each "
               "other.");
    mr_text_release(&text);
    dag_clean();
}
