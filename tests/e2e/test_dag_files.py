"""`millrace dag` on files alone: what is wrong in them, their JSON Schema against a validator made by others, and
when they run against a calendar made by others."""

import datetime
import glob
import json
import os
import re
import zoneinfo

import jsonschema
import pytest
import yaml

import oracle
from conftest import millrace, start


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, as the program reads it: no dates, and yes and no are texts."""


Core.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows
            if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:merge")]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()}
Core.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))


def attempt(*args, cwd=None):
    """Runs the program to its end, whatever that is."""
    return start(*args, cwd=cwd).wait(60)


@pytest.fixture(scope="module")
def schema():
    return json.loads(millrace("dag", "schema").out)


def pages():
    """The DAG files of the manual, of the starter and of the examples."""
    with open(os.path.join(oracle.ROOT, "docs", "workflows.md"), encoding="utf-8") as page:
        texts = re.findall(r"```yaml\n(.*?)```", page.read(), re.S)
    with open(os.path.join(oracle.ROOT, "src/cli/templates/dag/dag.yaml"), encoding="utf-8") as starter:
        texts.append(starter.read().replace("{{name}}", "starter"))
    for path in glob.glob(os.path.join(oracle.ROOT, "examples/*/dags/*.yaml")):
        with open(path, encoding="utf-8") as example:
            texts.append(example.read())
    return texts


def test_what_the_program_reads_fits_its_schema(schema, tmp_path):
    jsonschema.Draft7Validator.check_schema(schema)
    texts = pages()
    assert len(texts) >= 3
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text)
        said = json.loads(millrace("dag", "validate", path, "--json").out)
        assert said["fine"] and said["errors"] == []
        jsonschema.validate(yaml.load(text, Core), schema, jsonschema.Draft7Validator)


GOOD = {"id": "d", "schedule": "@daily", "params": {"n": {"type": "integer", "default": 1}, "m": "x"},
        "tasks": [{"id": "a", "type": "shell", "script": "true", "retries": 1, "env": {"A": "b", "S": {"secret": "s"}}},
                  {"id": "b", "type": "exec", "command": ["echo"], "depends_on": ["a"], "if": "{{ params.n > 0 }}"},
                  {"id": "c", "type": "noop", "depends_on": "a", "outputs": {"x": 1}}]}


def changed(path, value):
    """GOOD with one value put at a path; ... takes it away."""
    doc = json.loads(json.dumps(GOOD))
    at = doc
    for step in path[:-1]:
        at = at[step]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return doc


MISTAKES = [
    (["id"], ...), (["id"], "a b"), (["tasks"], ...), (["tasks"], []), (["tasks"], {"a": 1}), (["shedule"], None),
    (["schedule"], {"cron": "@daily", "every": "1h"}), (["schedule"], {"evry": "1h"}), (["catchup"], "some"),
    (["catchup"], True), (["max_active_runs"], 0), (["max_active_runs"], "many"), (["dagrun_timeout"], 60),
    (["dagrun_timeout"], "soon"), (["tags"], {"a": 1}), (["env"], {"1A": "x"}), (["env"], {"A": ["x"]}),
    (["env"], {"A": {"sceret": "x"}}), (["on_failure"], "echo"), (["on_failure"], {"mail": "x"}),
    (["on_failure"], {"webhook": "ftp://x"}), (["default_args"], {"id": "x"}), (["default_args"], {"retries": -1}),
    (["groups"], [{"doc": "x"}]), (["connections"], [{"id": "x", "password": "y"}]), (["params", "n", "type"], "int"),
    (["params", "n", "defalt"], 1), (["tasks", 0, "type"], ...), (["tasks", 0, "type"], "bash"),
    (["tasks", 0, "id"], ...), (["tasks", 0, "id"], "a.b"), (["tasks", 0, "script"], ...), (["tasks", 0, "scirpt"], "x"),
    (["tasks", 0, "script"], ["x"]), (["tasks", 0, "command"], ["x"]), (["tasks", 0, "retries"], "two"),
    (["tasks", 0, "retry_on_exit_codes"], [300]), (["tasks", 0, "trigger_rule"], "all_sucess"),
    (["tasks", 0, "depends_on_past"], "yes"), (["tasks", 0, "pool_slots"], 0), (["tasks", 1, "if"], "params.n > 0"),
    (["tasks", 1, "foreach"], "abc"), (["tasks", 1, "depends_on"], {"a": 1}), (["tasks", 0, "outputs"], ["x"]),
]


def test_schema_and_program_refuse_the_same(schema, tmp_path):
    """JSON is YAML, so each document goes to both as the same bytes."""
    validator = jsonschema.Draft7Validator(schema)
    path = tmp_path / "d.json"
    path.write_text(json.dumps(GOOD))
    assert json.loads(millrace("dag", "validate", path, "--json").out)["fine"]
    assert validator.is_valid(GOOD)
    for place, value in MISTAKES:
        doc = changed(place, value)
        path.write_text(json.dumps(doc))
        run = attempt("dag", "validate", path, "--json")
        said = json.loads(run.out)
        assert run.code == 2 and not said["fine"] and said["errors"][0]["line"] == 1, (place, value)
        assert not validator.is_valid(doc), (place, value)


# What those who write their first file get wrong: the file, and all that is said of it.
NEWCOMERS = {
    "an unquoted star": ("""\
id: d
schedule: */5 * * * *
tasks:
  - {id: a, type: noop}
""", """\
error: */5 * * * * needs quotes: * begins an alias in YAML
  at d.yaml:2:11
  | schedule: */5 * * * *
  |           ^
hint: Write "*/5 * * * *".
"""),
    "an unquoted preset": ("""\
id: d
schedule: @daily
tasks:
  - {id: a, type: noop}
""", """\
error: @daily needs quotes: YAML keeps that sign for itself
  at d.yaml:2:11
  | schedule: @daily
  |           ^
hint: Write "@daily".
"""),
    "an unquoted template": ("""\
id: d
tasks:
  - id: a
    type: exec
    command: [echo, {{ ds }}]
""", """\
error: a template needs quotes: YAML reads { as a map
  at d.yaml:5:21
  |     command: [echo, {{ ds }}]
  |                     ^
hint: Write "{{ ds }}".
"""),
    "a tab": ("""\
id: d
tasks:
  - id: a
\t  type: noop
""", """\
error: a tab stands in the indentation
  at d.yaml:4:1
  | \t  type: noop
  | ^
hint: Indent with blanks, two a level.
"""),
    "too deep": ("""\
id: d
tasks:
  - id: a
     type: noop
""", """\
error: wrong indentation
  at d.yaml:4:6
  |      type: noop
  |      ^
hint: Keys of one map begin in the same column; what is below a key is two blanks deeper, and that key has no value of its own.
"""),
    "not deep enough": ("""\
id: d
tasks:
  - id: a
    type: noop
   doc: x
""", """\
error: wrong indentation
  at d.yaml:5:4
  |    doc: x
  |    ^
hint: Keys of one map, and the dashes of one list, begin in the same column.
"""),
    "no blank": ("""\
id:d
tasks:
  - {id: a, type: noop}
""", """\
error: a blank is missing behind "id:"
  at d.yaml:1:1
  | id:d
  | ^
hint: Write "id: …".
"""),
    "a quote that stays open": ("""\
id: d
description: "half
tasks:
  - {id: a, type: noop}
""", """\
error: " begins here, and the file ends before it does
  at d.yaml:2:14
  | description: "half
  |              ^
hint: Write " where it ends.
"""),
    "a bracket that stays open": ("""\
id: d
tags: [a, b
""", """\
error: [ begins here, and the file ends before it does
  at d.yaml:2:7
  | tags: [a, b
  |       ^
hint: Write ] where it ends.
"""),
    "an unknown key": ("""\
id: d
shedule: null
tasks:
  - {id: a, type: noop}
""", """\
error: unknown key "shedule"
  at d.yaml:2:1
  | shedule: null
  | ^
hint: Did you mean "schedule"?
"""),
    "an unknown key of a task": ("""\
id: d
tasks:
  - id: a
    type: shell
    scirpt: "true"
""", """\
error: unknown key "scirpt"
  at d.yaml:5:5
  |     scirpt: "true"
  |     ^
hint: Did you mean "script"?
"""),
    "an unknown type": ("""\
id: d
tasks:
  - {id: a, type: BashOperator}
""", """\
error: there is no type "BashOperator"
  at d.yaml:3:19
  |   - {id: a, type: BashOperator}
  |                   ^
hint: Write type: shell.
"""),
    "a cycle": ("""\
id: d
tasks:
  - {id: load, type: noop, depends_on: report}
  - {id: clean, type: noop, depends_on: load}
  - {id: report, type: noop, depends_on: clean}
""", """\
error: tasks depend on each other in a circle: load -> report -> clean -> load
  at d.yaml:4:41
  |   - {id: clean, type: noop, depends_on: load}
  |                                         ^
hint: Take one of these depends_on away.
"""),
    "a task before itself": ("""\
id: d
tasks:
  - {id: load, type: noop, depends_on: load}
""", """\
error: task "load" depends on itself
  at d.yaml:3:40
  |   - {id: load, type: noop, depends_on: load}
  |                                        ^
hint: Take it out of its own depends_on.
"""),
    "a task that is not there": ("""\
id: d
tasks:
  - {id: load, type: noop}
  - {id: report, type: noop, depends_on: laod}
""", """\
error: there is no task "laod" to depend on
  at d.yaml:4:42
  |   - {id: report, type: noop, depends_on: laod}
  |                                          ^
hint: Did you mean "load"?
"""),
    "a cron text that never fires": ("""\
id: d
schedule: "0 0 31 2 *"
tasks:
  - {id: a, type: noop}
""", """\
error: cron expression "0 0 31 2 *" never fires
  at d.yaml:2:11
  | schedule: "0 0 31 2 *"
  |           ^
hint: No such day is in any of these months.
"""),
    "six fields": ("""\
id: d
schedule: "0 */5 * * * *"
tasks:
  - {id: a, type: noop}
""", """\
error: cron expression "0 */5 * * * *" has 6 fields instead of 5
  at d.yaml:2:11
  | schedule: "0 */5 * * * *"
  |           ^
hint: Write minute hour day month weekday: 0 4 * * 0.
"""),
    "an output that is not there": ("""\
id: d
tasks:
  - {id: load, type: sql, sql: SELECT 1}
  - {id: report, type: exec, command: [echo, "{{ outputs.load.rowcount }}"], depends_on: load}
""", """\
error: task "load" has no output "rowcount"
  at d.yaml:4:50
  |   - {id: report, type: exec, command: [echo, "{{ outputs.load.rowcount }}"], depends_on: load}
  |                                                  ^
hint: Did you mean "row_count"?
"""),
    "an output of no task": ("""\
id: d
tasks:
  - {id: load, type: sql, sql: SELECT 1}
  - {id: report, type: exec, command: [echo, "{{ outputs.laod.row_count }}"], depends_on: load}
""", """\
error: there is no task "laod"
  at d.yaml:4:50
  |   - {id: report, type: exec, command: [echo, "{{ outputs.laod.row_count }}"], depends_on: load}
  |                                                  ^
hint: Did you mean "load"?
"""),
    "an output of a task that is not before": ("""\
id: d
tasks:
  - {id: load, type: sql, sql: SELECT 1}
  - {id: report, type: exec, command: [echo, "{{ outputs.load.row_count }}"]}
""", """\
error: task "load" is not before "report"
  at d.yaml:4:50
  |   - {id: report, type: exec, command: [echo, "{{ outputs.load.row_count }}"]}
  |                                                  ^
hint: Write depends_on: [load].
"""),
    "yes": ("""\
id: d
tasks:
  - {id: a, type: noop, depends_on_past: yes}
""", """\
error: bad value "yes" for key "depends_on_past"
  at d.yaml:3:42
  |   - {id: a, type: noop, depends_on_past: yes}
  |                                          ^
hint: In YAML 1.2 yes, no, on and off are texts: write true or false.
"""),
    "a time without a unit": ("""\
id: d
tasks:
  - {id: a, type: noop, retries: 2, retry_delay: 300}
""", """\
error: bad value "300" for key "retry_delay"
  at d.yaml:3:50
  |   - {id: a, type: noop, retries: 2, retry_delay: 300}
  |                                                  ^
hint: Write the unit too: 300s for seconds, 300m for minutes.
"""),
    "a zone that is not there": ("""\
id: d
schedule: "@daily"
timezone: Asia/Kolkatta
tasks:
  - {id: a, type: noop}
""", """\
error: there is no time zone "Asia/Kolkatta"
  at d.yaml:3:11
  | timezone: Asia/Kolkatta
  |           ^
hint: Did you mean "Asia/Kolkata"?
"""),
}


@pytest.mark.parametrize("mistake", NEWCOMERS)
def test_a_newcomers_mistake_gets_one_message(mistake, tmp_path):
    text, message = NEWCOMERS[mistake]
    (tmp_path / "d.yaml").write_text(text)
    run = attempt("dag", "validate", "d.yaml", cwd=tmp_path)
    assert (run.code, run.out, run.err) == (2, "", message)
    said = json.loads(attempt("dag", "validate", "d.yaml", "--json", cwd=tmp_path).out)
    line, column = (int(n) for n in re.search(r"at d.yaml:(\d+):(\d+)", message).groups())
    assert [(error["line"], error["column"]) for error in said["errors"]] == [(line, column)]


def test_files_and_words_that_are_not_there(tmp_path):
    assert attempt("dag", "validate", "none.yaml", cwd=tmp_path).code == 1
    assert attempt("dag", "nxet", "none.yaml", cwd=tmp_path).code == 2


def test_a_project_gets_a_dag(tmp_path):
    millrace("init", "shop", cwd=tmp_path)
    shop = tmp_path / "shop"
    assert millrace("new", "dag", "counts", cwd=shop).out.startswith("made dags/counts.yaml\n")
    assert "{{name}}" not in (shop / "dags" / "counts.yaml").read_text()
    assert millrace("dag", "validate", cwd=shop).out == 'dags/counts.yaml: fine, DAG "counts" of 2 tasks\n'
    shown = json.loads(millrace("dag", "show", "counts", "--json", cwd=shop).out)
    assert [(t["task"], t["type"], t["depends_on"]) for t in shown["tasks"]] == \
        [("count", "shell", []), ("report", "shell", ["count"])]
    assert "is there already" in attempt("new", "dag", "counts", cwd=shop).err
    assert attempt("new", "dag", "No-Name", cwd=shop).code == 2
    wrong = attempt("dag", "show", "count", cwd=shop)
    assert wrong.code == 2 and 'Did you mean "counts"?' in wrong.err


def test_next_runs_are_those_of_the_calendar(tmp_path):
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    (tmp_path / "d.yaml").write_text('id: d\nschedule: "30 4 * * 1"\ntimezone: Europe/Berlin\n'
                                     'tasks:\n  - {id: a, type: noop}\n')
    rows = [json.loads(line) for line in millrace("dag", "next", "d.yaml", "--from", "2026-01-01", "--count", "52",
                                                  "--json", cwd=tmp_path).out.splitlines()]
    first = datetime.datetime(2026, 1, 5, 4, 30, tzinfo=zone)
    week = datetime.timedelta(weeks=1)  # Wall clock: Python adds it to the local time.
    assert [row["runs_at"] for row in rows] == [(first + week * i).isoformat() for i in range(52)]
    assert [row["data_interval_start"] for row in rows] == [(first + week * (i - 1)).isoformat() for i in range(52)]
    assert [row["ds"] for row in rows] == [(first + week * (i - 1)).date().isoformat() for i in range(52)]
    utc = [json.loads(line) for line in millrace("dag", "next", "d.yaml", "--from", "2026-01-01", "--count", "52", "--utc",
                                                 "--json", cwd=tmp_path).out.splitlines()]
    assert [row["runs_at"] for row in utc] == \
        [(first + week * i).astimezone(datetime.timezone.utc).isoformat() for i in range(52)]
    # A run at the very time that is given is one of them; one a microsecond earlier is not.
    exact = millrace("dag", "next", "d.yaml", "--from", first.isoformat(), "--count", "1", "--json", cwd=tmp_path)
    assert json.loads(exact.out)["runs_at"] == first.isoformat()
    none = attempt("dag", "next", "d.yaml", "--from", "soon", cwd=tmp_path)
    assert none.code == 2 and "--from" in none.err


def test_a_dag_without_a_zone_has_the_projects(tmp_path):
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "d.yaml").write_text('id: d\nschedule: "@daily"\ntasks:\n  - {id: a, type: noop}\n')
    ask = ("dag", "next", "d", "--from", "2026-01-01", "--count", "1", "--json")
    assert json.loads(millrace(*ask, cwd=tmp_path).out)["runs_at"] == "2026-01-01T00:00:00+00:00"
    (tmp_path / "millrace.yaml").write_text("flow:\n  timezone: Asia/Kolkata\n")
    assert json.loads(millrace(*ask, cwd=tmp_path).out)["runs_at"].endswith("T00:00:00+05:30")
    (tmp_path / "dags" / "deep").mkdir()
    for place, word in ((tmp_path / "dags" / "deep", "d"), (tmp_path / "dags", "./d.yaml"),
                        (tmp_path.parent, f"{tmp_path.name}/dags/d.yaml")):
        elsewhere = millrace("dag", "next", word, *ask[3:], cwd=place)
        assert json.loads(elsewhere.out)["runs_at"].endswith("T00:00:00+05:30"), place
    given = millrace(*ask, "-c", "flow.timezone=Asia/Tokyo", cwd=tmp_path)
    assert json.loads(given.out)["runs_at"].endswith("T00:00:00+09:00")
    (tmp_path / "millrace.yaml").write_text("flow:\n  timezon: Asia/Kolkata\n")
    for wrong in (ask, ("var", "list"), ("dag", "validate"), ("dag", "test", "dags/d.yaml", "--date", "2026-01-01")):
        said = attempt(*wrong, cwd=tmp_path)
        assert said.code == 2 and "millrace.yaml:2:3" in said.err and '"timezone"' in said.err, (wrong, said)
