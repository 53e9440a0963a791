// Dag, mistakes: what is wrong in a file, and the words that it gets.

#include <string.h>

#include "dag_case.h"
#include "runner.h"

TEST(dag, what_newcomers_to_yaml_do) {
    static const dag_mistake mistakes[] = {
        {"id: d\nschedule: */5 * * * *\n" TASKS,
         "2:11 */5 * * * * needs quotes: * begins an alias in YAML | Write \"*/5 * * * *\"."},
        {"id: d\nschedule: * * * * *  # often\n" TASKS,
         "2:11 * * * * * needs quotes: * begins an alias in YAML | Write \"* * * * *\"."},
        {"id: d\nschedule: @daily\n" TASKS,
         "2:11 @daily needs quotes: YAML keeps that sign for itself | Write \"@daily\"."},
        {"id: d\ntasks:\n\t- id: a\n",
         "3:1 a tab stands in the indentation | Indent with blanks, two a level."},
        {"id: d\ntasks:\n  - id: a\n  \ttype: noop\n",
         "4:3 a tab stands in the indentation | Indent with blanks, two a level."},
        {"id: d\ntasks:\n  - id: a\n     type: noop\n",
         "4:6 wrong indentation | Keys of one map begin in the same column; what is below a key is "
         "two blanks deeper, and that key has no value of its own."},
        {"id: d\ntasks:\n  - id: a\n    type: noop\n   doc: x\n",
         "5:4 wrong indentation | Keys of one map, and the dashes of one list, begin in the same "
         "column."},
        {"id: d\nschedule:\"@daily\"\n" TASKS,
         "2:1 a blank is missing behind \"schedule:\" | Write \"schedule: …\"."},
        {"id:d\n", "1:1 a blank is missing behind \"id:\" | Write \"id: …\"."},
        {"id: d\ntasks:\n  - id:a\n", "3:5 a blank is missing behind \"id:\" | Write \"id: …\"."},
        {"id: d\ntasks:\n  - id: a\n    type:noop\n",
         "4:5 a blank is missing behind \"type:\" | Write \"type: …\"."},
        {"id: d\ndescription: {{ ds }}\n" TASKS,
         "2:14 a template needs quotes: YAML reads { as a map | Write \"{{ ds }}\"."},
        {"id: d\ndescription: {{ ds }}/x\n" TASKS,
         "2:14 a template needs quotes: YAML reads { as a map | Write \"{{ ds }}/x\"."},
        {"id: d\nenv: {A: x, B: {{ ds }}, C: y}\n" TASKS,
         "2:16 a template needs quotes: YAML reads { as a map | Write \"{{ ds }}\"."},
        {"id: d\nschedule: [\"0 1 * * *\", */7 * * * *]\n" TASKS,
         "2:25 */7 * * * * needs quotes: * begins an alias in YAML | Write \"*/7 * * * *\"."},
        {"id: d\ntasks:\n  - {{ item }}\n",
         "3:5 a template needs quotes: YAML reads { as a map | Write \"{{ item }}\"."},
        {"id: d\nenv: {A: *nothing}\n" TASKS,
         "2:10 no anchor \"nothing\" | An alias names an anchor (&name) that stands before it."},
        {"id: d\ndescription: note: this\n" TASKS,
         "2:14 a text with a colon and a blank in it needs quotes | Write \"note: this\"."},
        {"id: d\ntasks:\n  - {id: a, type: noop, depends_on_past: yes}\n",
         "3:42 bad value \"yes\" for key \"depends_on_past\" | In YAML 1.2 yes, no, on and off are "
         "texts: write true or false."},
        {"id: d\ntasks:\n  - {id: a, type: sql, sql: x, print: On}\n",
         "3:39 bad value \"On\" for key \"print\" | In YAML 1.2 yes, no, on and off are texts: "
         "write true or false."},
        {"id: d\nid: e\n" TASKS, "2:1 key \"id\" is given twice | Keep one of the two."},
        {"", "1:1 the file is empty | millrace new dag NAME writes one to start from."},
        {"- id: d\n", "1:1 a DAG file must be a map, not a list | Write name: value on lines of "
                      "their own."},
        {"id: d\n---\nid: e\n", "2:1 a second document begins | Make two files of them."},
        {"id: d\ntasks: [\n  {id: a, type: noop}\n",
         "2:8 [ begins here, and the file ends before it does | Write ] where it ends."},
        {"id: d\ntasks:\n  - {id: a, type: noop\n",
         "3:5 { begins here, and the file ends before it does | Write } where it ends."},
        {"id: d\ndescription: \"half\ntasks:\n  - {id: a, type: noop}\n",
         "2:14 \" begins here, and the file ends before it does | Write \" where it ends."},
    };
    dag_tell(mistakes, MR_COUNT(mistakes));
}

static const dag_mistake wrong_keys[] = {
    {"id: d\nshedule: null\n" TASKS, "2:1 unknown key \"shedule\" | Did you mean \"schedule\"?"},
    {"dag_id: d\nschedule_interval: null\n" TASKS,
     "1:1 unknown key \"dag_id\" | Write id:.\n"
     "1:1 key \"id\" is missing | Write id: and what it is. Name of the DAG: letters, digits, "
     "_, - and points.\n"
     "2:1 unknown key \"schedule_interval\" | Write schedule:."},
    {"id: d\nretries: 3\n" TASKS,
     "2:1 unknown key \"retries\" | It is a key of tasks: write it there, or under "
     "default_args."},
    {"id: d\ntasks:\n  - {id: a, type: noop, catchup: none}\n",
     "3:25 unknown key \"catchup\" | It is a key of the DAG: write it at the left edge."},
    {"id: d\ntasks:\n  - {id: a, type: shell, script: x, comand: y}\n",
     "3:37 unknown key \"comand\" | Keys of this type: script."},
    {"id: d\ntasks:\n  - {id: a, type: shell, script: x, scrpt: y}\n",
     "3:37 unknown key \"scrpt\" | Did you mean \"script\"?"},
    {"id: d\ntasks:\n  - {id: a, type: shell, scrpt: y}\n",
     "3:26 unknown key \"scrpt\" | Did you mean \"script\"?"},
    {"id: d\ntasks:\n  - {id: a, type: exec, script: x}\n",
     "3:5 a task of type \"exec\" wants the key \"command\" | Write command: and what it is. "
     "The words of the command.\n"
     "3:25 a task of type \"exec\" has no key \"script\" | It is a key of type \"shell\"."},
    {"id: d\ntasks:\n  - {id: a, type: BashOperator, bash_command: x}\n",
     "3:19 there is no type \"BashOperator\" | Write type: shell."},
    {"id: d\ntasks:\n  - {id: a, type: nop}\n",
     "3:19 there is no type \"nop\" | Did you mean \"noop\"?"},
    {"id: d\ntasks:\n  - {id: a, typ: noop}\n",
     "3:13 unknown key \"typ\" | Did you mean \"type\"?"},
    {"id: d\ntasks:\n  - {id: a}\n",
     "3:5 key \"type\" is missing | Write type: and one of: shell, exec, sql, check, wait, "
     "branch, topic.create, noop."},
    {"id: d\ntasks:\n  - {type: noop}\n  - type: noop\n    id: a b\n",
     "3:5 a task has no id | Write id: and its name, such as load_orders.\n"
     "5:9 \"a b\" cannot be an id | Use letters, digits, _ and -, such as load_orders; 128 at "
     "the most."},
    {"id: d\ntasks:\n  - {id: a.b, type: noop}\n",
     "3:10 \"a.b\" cannot be an id | Use letters, digits, _ and -, such as load_orders; 128 at "
     "the most."},
    {"id: d\ntasks:\n  - {id: a, type: noop}\n  - {id: a, type: noop}\n",
     "4:10 task \"a\" is there already, on line 3 | Give one of the two another id."},
    {"id: d\ntasks: a\n", "2:8 key \"tasks\" must be a list | Begin each task with a dash: - "
                          "id: NAME."},
    {"id: d\ntasks: []\n", "2:8 a DAG has 1 to 5000 tasks, not 0 | "},
    {"id: d\n", "1:1 key \"tasks\" is missing | Write tasks: and what it is. What is to be "
                "done."},
    {"id: d\ntasks:\n  - {id: a, type: noop, retries: many, retry_delay: 300, pool_slots: 0, "
     "execution_timeout: soon}\n",
     "3:34 bad value \"many\" for key \"retries\" | Write a whole number.\n"
     "3:53 bad value \"300\" for key \"retry_delay\" | Write the unit too: 300s for seconds, "
     "300m for minutes.\n"
     "3:70 bad value \"0\" for key \"pool_slots\" | It goes from 1 to 2147483647.\n"
     "3:92 bad value \"soon\" for key \"execution_timeout\" | Write a duration, such as 30s, "
     "5m, 1h30m or 7d."},
    {"id: d\ntasks:\n  - {id: a, type: noop, retries: [1], trigger_rule: all_sucess}\n",
     "3:34 key \"retries\" must be one value, not a list | \n"
     "3:53 bad value \"all_sucess\" for key \"trigger_rule\" | Did you mean \"all_success\"?"},
    {"id: d\ntasks:\n  - {id: a, type: noop, retries: \"{{ params.n }}\"}\nparams: {n: 1}\n",
     "3:34 key \"retries\" takes no template | The scheduler needs it before a run exists: "
     "write the value itself."},
    {"id: d\ncatchup: false\n" TASKS, "2:10 bad value \"false\" for key \"catchup\" | "
                                      "Airflow's False is none, its True is all."},
    {"id: d\ndefault_args: {id: x, retrys: 2, start_date: 2025-01-01, retries: -1}\n" TASKS,
     "2:16 key \"id\" is each task's own | Write it in the task.\n"
     "2:23 unknown key \"retrys\" | Did you mean \"retries\"?\n"
     "2:34 unknown key \"start_date\" | It is a key of the DAG: write it at the left edge.\n"
     "2:67 bad value \"-1\" for key \"retries\" | It goes from 0 to 2147483647."},
    {"id: d\ntasks:\n  - {id: a, type: sql, sql: [x], rows: some, within: 5, memory: big}\n",
     "3:29 key \"sql\" must be one value, not a list | \n"
     "3:40 bad value \"some\" for key \"rows\" | Write a whole number.\n"
     "3:54 bad value \"5\" for key \"within\" | Write the unit too: 5s for seconds, 5m for "
     "minutes.\n"
     "3:65 bad value \"big\" for key \"memory\" | Write a size, such as 512, '64MB' or "
     "'1GiB'."},
    {"id: d\ntasks:\n  - {id: a, type: check, assert: [x], severity: Fatal}\n",
     "3:49 bad value \"Fatal\" for key \"severity\" | Write one of: warn, fail."},
    {"id: d\ntasks:\n  - {id: a, type: wait, file: x, sql: y}\n",
     "3:5 file and sql exclude each other | Keep one of them."},
    {"id: d\nenv: {1A: x, B: [y], C: {secret: }}\n" TASKS,
     "2:7 \"1A\" cannot be a name in \"env\" | Use letters, digits and _, no digit first."},
    {"id: d\nenv: {B: [y]}\n" TASKS,
     "2:10 \"B\" in \"env\" is no text | Write a text, or {secret: NAME} for a secret of the "
     "store."},
    {"id: d\non_failure: echo\non_success: {mail: x}\non_deadline: {webhook: x}\n" TASKS,
     "2:13 \"on_failure\" is a map with one key | Write {script: \"…\"} or {webhook: "
     "\"https://…\"}.\n"
     "3:14 unknown key \"mail\" | Write {script: \"…\"} or {webhook: \"https://…\"}.\n"
     "4:24 \"x\" is no URL | Write http://… or https://…."},
    {"id: d\nconnections: [{id: b, hots: x, password: y}, {type: z}]\n" TASKS,
     "2:15 a connection has no type | Write type: and what it is: kafka, postgres, http, s3, "
     "…\n"
     "2:23 unknown key \"hots\" | Did you mean \"host\"?\n"
     "2:42 a password stands in the file | Write password: {secret: NAME}, and give it by: "
     "millrace secret set NAME.\n"
     "2:46 a connection has no id | Write id: and its name, of letters, digits, _ and -."},
    {"id: d\nconnections: [{id: b, type: [x], extra: 1, host: \"{{ outputs.a.b }}\"}]\n" TASKS,
     "2:29 key \"type\" must be one value, not a list | \n"
     "2:41 key \"extra\" must be a map, not one value | Write name: value on lines of their "
     "own.\n"
     "2:54 outputs are not known here | Name it in the tasks that come after."},
};

TEST(dag, unknown_keys_and_wrong_types) {
    dag_tell(wrong_keys, MR_COUNT(wrong_keys));
}

TEST(dag, times_that_cannot_be) {
    static const dag_mistake mistakes[] = {
        {"id: d\ntimezone: Asia/Calcuta\n" TASKS,
         "2:11 there is no time zone \"Asia/Calcuta\" | Did you mean \"Asia/Kolkata\"?"},
        {"id: d\ntimezone: +05:30\n" TASKS,
         "2:11 \"+05:30\" is no time zone | Write the name of a zone, such as Asia/Kolkata: its "
         "clock changes too."},
        {"id: d\nstart_date: yesterday\n" TASKS,
         "2:13 bad value \"yesterday\" for key \"start_date\" | Write 2025-11-01, 2025-11-01T08:00 "
         "or 2025-11-01T08:00:00+05:30."},
        {"id: d\nstart_date: 2025-11-02\nend_date: 2025-11-01\n" TASKS,
         "3:11 end_date is before start_date | "},
        {"id: d\ndata_interval: day\n" TASKS,
         "2:16 bad value \"day\" for key \"data_interval\" | Write previous_tick, none, or a "
         "duration such as 24h."},
        {"id: d\nschedule: \"0 0 1 1 *\"\nstart_date: 2025-02-01\nend_date: 2025-03-01\n" TASKS,
         "2:11 the schedule never fires between start_date and end_date | Look at start_date and "
         "end_date."},
    };
    dag_tell(mistakes, MR_COUNT(mistakes));
    EXPECT(strstr(dag_shown("id: d\nschedule: \"0 0 31 2 *\"\n" TASKS), "never fires") != NULL);
    EXPECT(strstr(dag_shown("id: d\nschedule: \"*/45 * * * *\"\n" TASKS), "f.yaml:2:11: ") != NULL);
    dag_clean();
}

TEST(dag, who_waits_for_whom) {
    static const dag_mistake mistakes[] = {
        {"id: d\ntasks:\n  - {id: a, type: noop, depends_on: [c]}\n  - {id: b, type: noop, "
         "depends_on: [a]}\n  - {id: c, type: noop, depends_on: [b]}\n",
         "4:37 tasks depend on each other in a circle: a -> c -> b -> a | Take one of these "
         "depends_on away."},
        {"id: d\ntasks:\n  - {id: a, type: noop, depends_on: [a]}\n",
         "3:37 task \"a\" depends on itself | Take it out of its own depends_on."},
        {"id: d\ntasks:\n  - {id: extract, type: noop}\n  - {id: b, type: noop, depends_on: "
         "[extrac, zzzzzzz]}\n",
         "4:38 there is no task \"extrac\" to depend on | Did you mean \"extract\"?\n"
         "4:46 there is no task \"zzzzzzz\" to depend on | The tasks are: extract, b."},
        {"id: d\ntasks:\n  - {id: a, type: noop, depends_on: {b: c}}\n",
         "3:37 key \"depends_on\" must be a list, not a map | Write [a, b], or a line \"- a\" for "
         "each."},
        {"id: d\ntasks:\n  - {id: a, type: noop, trigger_rule: all_done}\n  - {id: b, type: "
         "branch, choose: x}\n",
         "f.yaml:3:39: trigger_rule says nothing without depends_on\n"
         "f.yaml:4:5: nothing depends on branch \"b\", so it chooses nothing"},
    };
    dag_tell(mistakes, MR_COUNT(mistakes));
    EXPECT_STR(
        dag_shown("id: d\ntasks:\n  - {id: b, type: branch, choose: \"{{ 'x' if ds else 'y' }}\"}"
                  "\n  - {id: x, type: noop, depends_on: b}\n  - {id: y, type: noop, "
                  "depends_on: [b, x, b]}\n"),
        "");
    REQUIRE(dag != NULL);
    EXPECT_EQ(dag->tasks[0].downstream_count, 2);
    EXPECT_EQ(dag->tasks[2].upstream_count, 2);
    dag_clean();
}

static const dag_mistake wrong_names[] = {
    {"id: d\nparams: {path: x}\ntasks:\n  - {id: a, type: sql, sql: \"{{ params.paht }}\"}\n",
     "4:33 there is no parameter \"paht\" | Did you mean \"path\"?"},
    {"id: d\ntasks:\n  - {id: a, type: sql, sql: \"{{ params.p }}\"}\n",
     "3:33 there is no parameter \"p\" | Write params: {p: …}."},
    {"id: d\ntasks:\n  - {id: a, type: sql, sql: \"{{ execution_date }}\"}\n",
     "3:33 there is no \"execution_date\" for a template | Write logical_date."},
    {"id: d\ntasks:\n  - {id: a, type: noop}\n  - {id: b, type: sql, sql: \"{{ outputs.a.n "
     "}}\", depends_on: a}\n",
     "4:33 task \"a\" has no output \"n\" | Write outputs: {n: …} in task \"a\"."},
    {"id: d\ntasks:\n  - {id: a, type: sql, sql: x, outputs: {mine: 1}}\n  - {id: b, type: "
     "sql, sql: \"{{ outputs.a.rowcount }}{{ outputs.a.mine }}\", depends_on: a}\n",
     "4:33 task \"a\" has no output \"rowcount\" | Did you mean \"row_count\"?"},
    {"id: d\ntasks:\n  - {id: a, type: sql, sql: x}\n  - {id: b, type: sql, sql: \"{{ "
     "ti.xcom_pull(task_ids='a', key='row_count') }}\"}\n",
     "4:33 task \"a\" is not before \"b\" | Write depends_on: [a]."},
    {"id: d\ntasks:\n  - {id: load, type: sql, sql: x}\n  - {id: b, type: sql, sql: \"{{ "
     "outputs.laod.rows }}\"}\n",
     "4:33 there is no task \"laod\" | Did you mean \"load\"?"},
    {"id: d\ntasks:\n  - {id: a, type: sql, sql: \"{{ outputs.a.rows }}\"}\n",
     "3:33 task \"a\" names an output of itself | Its outputs are there when it is over."},
    {"id: d\nenv: {X: \"{{ outputs.a.rows }}\"}\n" TASKS,
     "2:14 outputs are not known here | Name it in the tasks that come after."},
    {"id: d\ntasks:\n  - {id: a, type: sql, sql: \"{{ item }}{{ error }}{{ conn }}\"}\n",
     "3:33 \"item\" is known only in a task with foreach | Write foreach: and a list."},
    {"id: d\ntasks:\n  - {id: a, type: sql, sql: \"{{ error }}\"}\n",
     "3:33 \"error\" is known only in callbacks | "},
    {"id: d\ntasks:\n  - {id: a, type: sql, sql: \"{{ conn }}\"}\n",
     "3:33 \"conn\" wants a name behind it: conn.NAME | "},
    {"id: d\ntasks:\n  - {id: a, type: noop, if: outputs.a.n > 0}\n",
     "3:29 \"if\" wants a template | Write: if: \"{{ outputs.a.n > 0 }}\"."},
    {"id: d\ntasks:\n  - {id: a, type: noop, if: \"{{ ds }} > 0\"}\n",
     "3:29 \"if\" must be one {{ … }} and nothing else | Write the whole condition inside: "
     "\"{{ outputs.a.n > 0 }}\"."},
    {"id: d\ntasks:\n  - {id: a, type: noop, foreach: abc}\n",
     "3:34 key \"foreach\" must be a list, or one template that gives one | Write [a, b], or a "
     "template such as \"{{ outputs.find.files }}\"."},
    {"id: d\ntasks:\n  - {id: a, type: sql, sql: \"{{ ds + 1 }}\"}\n",
     "3:36 unexpected + in a template | Templates do not calculate: do it in the task, or use "
     "a "
     "filter such as add_days."},
    {"id: d\ntasks:\n  - {id: a, type: shell, script: \"echo {{ ds | shellquote }} {{ ds "
     "}}\"}\n",
     "f.yaml:3:34: task \"a\": a template stands in its script, and what it gives is read by "
     "the shell; give it by env: {NAME: \"{{ … }}\"} and write \"$NAME\", or add | shellquote"},
    {"id: d\ntasks:\n  - {id: a, type: noop, max_retry_delay: 1h, retry_delay: 1m, "
     "poke_interval: 1s}\n",
     "f.yaml:3:42: max_retry_delay says something only with retry_exponential_backoff: true\n"
     "f.yaml:3:59: retry_delay says something only with retries\n"
     "f.yaml:3:78: a task of type \"noop\" does not wait: poke_interval and timeout say "
     "nothing; execution_timeout ends it"},
};

TEST(dag, templates_name_what_is_there) {
    dag_tell(wrong_names, MR_COUNT(wrong_names));
    // What is filled in when it is over may name its own outputs.
    EXPECT_STR(
        dag_shown("id: d\ntasks:\n  - id: a\n    type: sql\n    sql: x\n    outputs: {n: \"{{ "
                  "outputs.a.row_count }}\"}\n    on_failure: {script: 'echo {{ "
                  "outputs.a.row_count }} {{ state }}'}\n"),
        "");
    dag_clean();
}
