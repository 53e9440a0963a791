// Template: the language, what each form gives, and every refusal with its place.

#include "flow/template.h"

#include <string.h>

#include "base/jsonvalue.h"
#include "runner.h"
#include "scope.h"

static mr_arena arena;
static mr_cx cx;

static const char *failure(void) {
    uint32_t line = 0;
    uint32_t column = 0;
    (void)mr_error_line_column(&cx.error.place, &line, &column);
    return mr_arena_printf(&arena, "%u:%u %s | %s", line, column, cx.error.text, cx.error.hint);
}

static void begin(const char *zone) {
    mr_arena_clear(&arena);
    mr_cx_init(&cx, &arena, /* plat= */ NULL);
    scope_begin(zone, &arena);
}

static const char *in_zone(const char *zone, const char *text) {
    begin(zone);
    mr_text out;
    mr_text_init(&out, &arena);
    char *source = mr_arena_string(&arena, text);
    mr_place place = {.file = "f", .source = source, .offset = 0};
    mr_code code = mr_template_text(mr_span_of(text), place, &scope, &out, &cx);
    return code == MR_OK ? mr_text_string(&out) : failure();
}

// The text, or "line:column message | hint".
static const char *text(const char *from) {
    return in_zone("+05:30", from);
}

static const char *json(const char *yaml) {
    begin("+05:30");
    const mr_yaml *root;
    if (mr_yaml_parse("f", mr_span_of(yaml), &root, &cx) != MR_OK) {
        return failure();
    }
    mr_text out;
    mr_text_init(&out, &arena);
    return mr_template_json(root, &scope, &out, &cx) == MR_OK ? mr_text_string(&out) : failure();
}

static bool truth(const char *from) {
    begin("+05:30");
    bool ret = false;
    EXPECT_OK(mr_template_true(mr_span_of(from), MR_NOWHERE, &scope, &ret, &cx));
    return ret;
}

TEST(template, looks_up_names) {
    EXPECT_STR(text("a {{ ds }} b"), "a 2025-11-26 b");
    EXPECT_STR(text("{{ds}}{{ds_nodash}}"), "2025-11-2620251126");
    EXPECT_STR(text("{{ params.path }}/{{ outputs.load.row_count }}"), "data/in/3");
    EXPECT_STR(text("{{ outputs.load.rows[0].name }}{{ outputs['load']['rows'][-1].name }}"), "aa");
    EXPECT_STR(text("{{ outputs.load.rows }}"), "[{\"name\":\"a\"}]");
    EXPECT_STR(text("{{ conn.db.host }}:{{ conn.db.port }}"), "localhost:5432");
    EXPECT_STR(text("{{ var.region }} {{ var.value.region }}"), "in in");
    EXPECT_STR(text("{{ outputs.wide-name.x-1 }}"), "dash");
    EXPECT_STR(text("{{ params.dry }} [{{ outputs.load.nothing }}]"), "false []");
    EXPECT_STR(text("no template, { x } and ${a%b} and ${#a[@]}"),
               "no template, { x } and ${a%b} and ${#a[@]}");
    EXPECT_STR(text("{{ '{{' }}.Names}}"), "{{.Names}}");
}

TEST(template, reads_what_airflow_writes) {
    EXPECT_STR(text("{{ ti.xcom_pull(task_ids='load', key='row_count') }}"), "3");
    EXPECT_STR(text("{{ task_instance.xcom_pull(\"load\", key=\"row_count\") }}"), "3");
    EXPECT_STR(text("{{ ti.xcom_pull(task_ids='load') }}"), "ok");  // return_value
    EXPECT_STR(text("{{ ti.xcom_pull('load', key='rows')[0]['name'] }}"), "a");
    EXPECT_STR(text("{{ ti.xcom_pull(task_ids=['a','b']) }}"),
               "1:17 xcom_pull wants texts | Write one task's id in quotes.");
    EXPECT_STR(text("{{ ti.xcom_pull(dag_id='a') }}"),
               "1:17 xcom_pull takes task_ids and key only | Write ti.xcom_pull(task_ids='t', "
               "key='k').");
    EXPECT_STR(text("{{ ti.xcom_pull() }}"), "1:16 xcom_pull names no task | Write "
                                             "ti.xcom_pull(task_ids='t', key='k').");
}

TEST(template, decides) {
    EXPECT_STR(text("{{ outputs.load.row_count > 2 }}"), "true");
    EXPECT_STR(text("{{ outputs.load.row_count >= 3 and not params.dry }}"), "true");
    EXPECT_STR(text("{{ 10 > 9 }}{{ 10 < 9.5 }}{{ 1.0 == 1 }}{{ 1 != 2 }}"), "truefalsetruetrue");
    EXPECT_STR(text("{{ '10' < '9' }}"), "true");  // Texts, by bytes.
    EXPECT_STR(text("{{ '3' == 3 }}"), "false");
    EXPECT_STR(text("{{ '3' | int == 3 }}"), "true");  // A filter binds closer.
    EXPECT_STR(text("{{ 'a' in ['a', 'b'] }}{{ 'c' not in ['a'] }}{{ 'ell' in 'hello' }}"),
               "truetruetrue");
    EXPECT_STR(text("{{ 'host' in conn.db }}{{ 'hast' in conn.db }}"), "truefalse");
    EXPECT_STR(text("{{ 'x' if params.dry else 'y' }}"), "y");
    EXPECT_STR(text("{{ 1 if false else 2 if false else 3 }}"), "3");
    EXPECT_STR(text("{{ params.nope is defined }}{{ params.dry is defined }}"), "falsetrue");
    EXPECT_STR(text("{{ outputs.load.nothing is none }}{{ ds is not none }}"), "truetrue");
    EXPECT_STR(text("{{ false or 'second' }}{{ 0 and 1 }}"), "second0");
    EXPECT_STR(text("{{ true or params.nope }}"), "true");  // What decides ends it.
    EXPECT_STR(text("{{ not (true and false) }}{{ not not true }}"), "truetrue");
    EXPECT_STR(text("{{ 1 < 'a' }}"), "1:6 \"1\" and \"a\" cannot be put in order | Both must be "
                                      "numbers or both texts: | int and | string make them so.");
    EXPECT(!truth("false") && !truth("") && !truth("0") && !truth("None") && !truth("{{ [] }}"));
    EXPECT(!truth(" {{ params.dry }} \n") && !truth("{{ 0.0 }}") && !truth("{{ null }}"));
    EXPECT(truth("{{ ds }}") && truth("x") && truth("{{ [0] }}") && truth("{{ 1 > 0 }}"));
    EXPECT(!truth("{{ params.dry }}{{ '' }}"));  // The text "false".
}

TEST(template, keeps_types) {
    EXPECT_STR(json("{a: '{{ outputs.load.row_count }}', b: 'n={{ outputs.load.row_count }}'}"),
               "{\"a\":3,\"b\":\"n=3\"}");
    EXPECT_STR(json("[1, +2, 007, -0, 1.50, .5, 5., 1e3, -1.5E-3, true, false, null, ~, no, '1']"),
               "[1,2,7,-0,1.50,0.5,5.0,1e3,-1.5E-3,true,false,null,null,\"no\",\"1\"]");
    EXPECT_STR(json("[0x1F, 1_000, 1e, .e3, 1.2.3, -, '', \"{{ params.dry }}\", 2025-11-26]"),
               "[\"0x1F\",\"1_000\",\"1e\",\".e3\",\"1.2.3\",\"-\",\"\",false,\"2025-11-26\"]");
    EXPECT_STR(json("rows: ' {{ outputs.load.rows }}\n'"), "{\"rows\":[{\"name\":\"a\"}]}");
    EXPECT_STR(json("{\"q\": \"\\\"{{ ds }}\\\"\"}"), "{\"q\":\"\\\"2025-11-26\\\"\"}");
    EXPECT(mr_template_alone(MR_SPAN(" {{ ds }}\n")) && !mr_template_alone(MR_SPAN("{{ ds }}x")));
    EXPECT(!mr_template_alone(MR_SPAN("{{ ds }}{{ ds }}")) && !mr_template_alone(MR_SPAN("{{")));
}

TEST(template, every_filter_does_what_its_example_says) {
    static const struct {
        const char *name;
        const char *gives;
    } given[] = {
        {"default", "10"},
        {"tojson", "[{\"name\":\"a\"}]"},
        {"fromjson", "2"},
        {"date", "26.11.2025 00:00"},
        {"add_days", "2025-11-25"},
        {"ds", "2025-11-27"},
        {"ds_nodash", "20251127"},
        {"ts", "2025-11-26T00:00:00+05:30"},
        {"ts_nodash", "20251126T000000"},
        {"shellquote", "'it'\\''s'"},
        {"lower", "abc"},
        {"upper", "IN"},
        {"trim", "a"},
        {"replace", "2025/11/26"},
        {"join", "1, 2, 3"},
        {"length", "1"},
        {"first", "5"},
        {"last", "7"},
        {"int", "12"},
        {"float", "2.50"},
        {"string", "12"},
    };
    size_t count = 0;
    mr_arena kept = {0};
    for (const mr_template_filter *f = mr_template_filters; f->name != NULL; f++, count++) {
        REQUIRE(count < MR_COUNT(given));
        EXPECT_STR(f->name, given[count].name);
        const char *example = f->example;
        EXPECT_STR(text(mr_arena_printf(&kept, "{{ %s }}", example)), given[count].gives);
    }
    EXPECT_EQ(count, MR_COUNT(given));
    for (const mr_template_name *n = mr_template_names; n->name != NULL; n++) {
        EXPECT(mr_jsonvalue_check(mr_span_of(n->example)));
        EXPECT(text(mr_arena_printf(&kept, "[{{ %s }}]", n->name))[0] == '[');
    }
    mr_arena_release(&kept);
}

TEST(template, filters_take_other_values_too) {
    EXPECT_STR(text("{{ outputs.load.nothing | default('x') }}{{ '' | default('y') }}"), "x");
    EXPECT_STR(text("{{ '' | default('y', true) }}"), "y");
    EXPECT_STR(text("{{ outputs.nobody.k | default(params.nope | default(7)) }}"), "7");
    EXPECT_STR(text("{{ params.nope | upper | default('z') }}"), "z");
    EXPECT_STR(text("{{ 'a b' | shellquote }} {{ 'ab/c' | shellquote }} {{ '' | shellquote }}"),
               "'a b' ab/c ''");
    EXPECT_STR(text("{{ 'ÄÖ' | lower }}{{ 'ß€' | length }}"), "äö2");
    EXPECT_STR(text("{{ conn.db | length }}{{ [] | first is none }}"), "2true");
    EXPECT_STR(text("{{ true | int }}{{ -7.9 | int }}{{ ' 5 ' | int }}"), "1-75");
    EXPECT_STR(text("{{ 'aXbX' | replace('X', '') }}{{ 'a' | replace('', 'b') }}"), "aba");
    EXPECT_STR(text("{{ [1,2] | tojson }} {{ 'a' | tojson }}"), "[1,2] \"a\"");
    EXPECT_STR(text("{{ ('{\"a\": [1, 2]}' | fromjson).a[1] }}"), "2");
    EXPECT_STR(text("{{ [ [1, 2], 3 ] | first | last }}"), "2");
    EXPECT_STR(text("{{ 'x' | int }}"), "1:10 filter \"int\" wants a number, not \"x\" | ");
    EXPECT_STR(text("{{ conn.db | upper }}"), "1:14 filter \"upper\" wants a text, not "
                                              "{\"host\":\"localhost\",\"port\":5432} | ");
    EXPECT_STR(text("{{ 'a' | join }}"), "1:10 filter \"join\" wants a list, not \"a\" | ");
    EXPECT_STR(text("{{ 'a' | fromjson }}"), "1:10 filter \"fromjson\" wants JSON, not \"a\" | ");
}

TEST(template, times_are_those_of_the_zone) {
    EXPECT_STR(text("{{ '2025-11-25T18:30:00Z' | ds }}"), "2025-11-26");
    EXPECT_STR(in_zone(NULL, "{{ '2025-11-25T18:30:00Z' | ds }}"), "2025-11-25");
    EXPECT_STR(in_zone(NULL, "{{ '2025-11-25' | ts }}"), "2025-11-25T00:00:00+00:00");
    EXPECT_STR(text("{{ ds | date }} {{ ds | date('%-d.%-m.%y %j %a %A %b %B %u %w %G-W%V') }}"),
               "2025-11-26 26.11.25 330 Wed Wednesday Nov November 3 3 2025-W48");
    EXPECT_STR(
        text("{{ '2025-11-26T15:04:05.000060+05:30' | date('%F %T %f %I%p %H:%M:%S %z %%') }}"),
        "2025-11-26 15:04:05 000060 03PM 15:04:05 +0530 %");
    EXPECT_STR(text("{{ '1970-01-01T05:31:00+05:30' | date('%s %e') }}"), "60  1");
    EXPECT_STR(text("{{ '2021-01-03' | date('%G-W%V-%u') }}{{ '2024-12-30' | date(' %G-W%V') }}"),
               "2020-W53-7 2025-W01");
    EXPECT_STR(text("{{ '2024-02-28' | add_days(2) }} {{ '1969-12-31' | add_days(-365) }}"),
               "2024-03-01 1968-12-31");
    EXPECT_STR(text("{{ ts | add_days(1) }} {{ ds | add_days(-1) | ds_nodash }}"),
               "2025-11-27T00:00:00+05:30 20251125");
    EXPECT_STR(text("{{ ds | date('%Q') }}"),
               "1:9 the format \"%Q\" has an unknown letter | There are %Y %y %m %d %e %H %I %M %S "
               "%f %p %j %B %b %A %a %w %u %G %V %F %T %s %z %%, and %-d without zeros.");
    EXPECT_STR(text("{{ 'soon' | ds }}"),
               "1:13 filter \"ds\" wants a date or moment, not \"soon\" | ");
    EXPECT_STR(text("{{ ds | add_days(9999999999) }}"),
               "1:9 add_days wants a whole number of days | ");
    EXPECT_STR(text("{{ ds | add_days(3999999) }}"),
               "1:9 filter \"add_days\" wants a date of the years 1 to 9999 that stays there, not "
               "\"2025-11-26\" | ");
}

TEST(template, a_name_that_is_not_there_is_told) {
    EXPECT_STR(text("ab {{ parms.path }}"), "1:7 there is no \"parms\" | Did you mean \"params\"?");
    EXPECT_STR(text("{{ params.paht }}"), "1:4 there is no \"paht\" | Did you mean \"path\"?");
    EXPECT_STR(text("{{ outputs.load.rows[3] }}"), "1:4 a list of 1 item has no [3] | ");
    EXPECT_STR(text("{{ outputs.load.rows.name }}"),
               "1:4 a list has no \"name\" | Write its number, such as [0].");
    EXPECT_STR(text("{{ ds.year }}"),
               "1:4 there is no \"year\" in a value that is no list and no "
               "map | If it is JSON in a text, write (NAME | fromjson).KEY.");
    EXPECT_STR(cx.error.context[0], "{{ ds.year }}");
}

TEST(template, refuses_with_the_place) {
    EXPECT_STR(text("x\n{{ ds"), "2:5 a template does not end | Write }} behind it.");
    EXPECT_STR(text("{{ }}"), "1:4 a value is missing in the template | Write a name, such as {{ "
                              "ds }}.");
    EXPECT_STR(text("{{ 'a }}"), "1:4 a text in a template does not end | Close the text with the "
                                 "quote that it begins with.");
    EXPECT_STR(text("{{ ds | upcase }}"),
               "1:9 unknown filter \"upcase\" | Filters are: default, tojson, fromjson, date, "
               "add_days, ds, ds_nodash, ts, ts_nodash, shellquote, lower, upper, trim, replace, "
               "join, length, first, last, int, float, string.");
    EXPECT_STR(text("{{ ds | uper }}"), "1:9 unknown filter \"uper\" | Did you mean \"upper\"?");
    EXPECT_STR(text("{{ ds | replace('-') }}"),
               "1:9 filter \"replace\" does not take 1 argument | Write it as: ds | replace('-', "
               "'/').");
    EXPECT_STR(text("{{ ds + 1 }}"), "1:7 unexpected + in a template | Templates do not calculate: "
                                     "do it in the task, or use a filter such as add_days.");
    EXPECT_STR(text("{{ a = b }}"), "1:6 unexpected = in a template | Compare with ==.");
    EXPECT_STR(text("{{.Names}}"), "1:3 unexpected . in a template | To write two braces as they "
                                   "are (Go's templates), write {{ '{{' }} for them.");
    EXPECT_STR(text("{{ data_interval_start.strftime('%Y') }}"),
               "1:4 a template cannot call \"strftime\" | Write NAME | date('%Y-%m-%d').");
    EXPECT_STR(text("{{ macros.ds_add(ds, 5) }}"),
               "1:4 a template cannot call \"ds_add\" | Write ds | add_days(7).");
    EXPECT_STR(text("{{ ds.replace('-', '') }}"),
               "1:4 a template cannot call \"replace\" | Write it as a filter: NAME | ds | "
               "replace('-', '/').");
    EXPECT_STR(text("{% if params.dry %}x{% endif %}"),
               "1:1 templates have no {% if %} | Write {{ A if CONDITION else B }}, or the task's "
               "key if.");
    EXPECT_STR(text("{{- ds -}}"), "1:3 templates do not cut white space | Write {{ and }}.");
    EXPECT_STR(text("{{ 1.2.3 }}"),
               "1:4 a number in a template is malformed | Write numbers as 12, -3 or 0.5.");
    EXPECT_STR(text("{{ 'a' if ds }}"), "1:8 \"if\" in a template wants an else | Write: A if "
                                        "CONDITION else B.");
    EXPECT_STR(text("{{ ds is odd }}"),
               "1:10 behind \"is\" there is no test | Write is defined, is "
               "none, or == and a value.");
    EXPECT_STR(text("{{ (ds }}"), "1:4 ( is not closed in the template | ");
    EXPECT_STR(text("{{ a[b] }}"), "1:6 what stands in [ ] must be a number or a text in quotes | "
                                   "Write [0], [-1] or ['name'].");
    EXPECT_STR(text("{{ a ö }}"), "1:6 unexpected ö in a template | ");
    char deep[200];
    memset(deep, '(', sizeof(deep));
    memcpy(deep, "{{", 2);
    deep[sizeof(deep) - 1] = '\0';
    EXPECT(strstr(text(deep), "nested more than 32 deep") != NULL);
}

TEST(template, finds_the_place_in_the_file) {
    EXPECT_STR(
        json("a: |\n  one {{ ds }}\n  two {{ ds }} {{ ds + 1 }}\n"),
        "3:22 unexpected + in a template | Templates do not calculate: do it in the task, or "
        "use a filter such as add_days.");
    EXPECT_STR(json("a: \"x\\ty {{ nope }}\""),
               "1:13 there is no \"nope\" | There are: ds, "
               "ds_nodash, ds_utc, ts, ts_nodash, logical_date, "
               "data_interval_start, data_interval_end, "
               "prev_data_interval_end_success, run_id, "
               "try_number, dag, task, params, outputs, conn, var, "
               "item, map_index, state, error.");
    EXPECT_STR(json("a: '{{ ds }} {{ ds | trimm }}'\n"),
               "1:22 unknown filter \"trimm\" | Did you mean \"trim\"?");
}

TEST(template, a_chain_of_filters_cannot_fill_the_memory) {
    begin("+05:30");
    mr_text from = {.data = NULL};
    mr_text_add(&from, "{{ 'aaaaaaaa'");
    for (int i = 0; i < 40; i++) {
        mr_text_add(&from, " | replace('a', 'aaaa')");
    }
    mr_text_add(&from, " }}");
    char *copy = mr_arena_string(&arena, mr_text_string(&from));
    mr_text out;
    mr_text_init(&out, &arena);
    EXPECT_EQ(mr_template_text(mr_span_of(copy), MR_NOWHERE, &scope, &out, &cx), MR_E_LIMIT);
    mr_text_release(&from);
    mr_arena_release(&arena);
}

typedef struct seen {
    mr_text text;
} seen;

static mr_code see(void *self, const mr_span *path, uint32_t count, mr_place place, mr_cx *in) {
    (void)place;
    (void)in;
    for (uint32_t i = 0; i < count; i++) {
        mr_text_addf(self, "%s%.*s", i == 0 ? " " : ".", MR_SPAN_ARGS(path[i]));
    }
    return MR_OK;
}

TEST(template, tells_which_names_it_uses) {
    begin("+05:30");
    mr_text out;
    mr_text_init(&out, &arena);
    mr_span in =
        MR_SPAN("{{ a.b if c else [d.e[0]] | join(f) }} {{ ti.xcom_pull('t') | default(g) }}");
    EXPECT_OK(mr_template_check(in, MR_NOWHERE, see, &out, &cx));
    EXPECT_STR(mr_text_string(&out), " a.b c d.e.0 f outputs.t.return_value g");
    mr_arena_release(&arena);
}
