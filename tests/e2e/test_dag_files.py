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


def test_errors_go_to_people_with_their_line(tmp_path):
    (tmp_path / "bad.yaml").write_text('id: d\nschedule: */5 * * * *\ntasks:\n  - {id: a, type: noop}\n')
    run = attempt("dag", "validate", "bad.yaml", cwd=tmp_path)
    assert run.code == 2 and run.out == ""
    assert run.err.splitlines() == [
        "error: */5 * * * * needs quotes: * begins an alias in YAML", "  at bad.yaml:2:11",
        "  | schedule: */5 * * * *", "  |           ^", 'hint: Write "*/5 * * * *".']
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
    given = millrace(*ask, "-c", "flow.timezone=Asia/Tokyo", cwd=tmp_path)
    assert json.loads(given.out)["runs_at"].endswith("T00:00:00+09:00")
    (tmp_path / "millrace.yaml").write_text("flow:\n  timezon: Asia/Kolkata\n")
    for wrong in (ask, ("var", "list"), ("dag", "validate")):
        said = attempt(*wrong, cwd=tmp_path)
        assert said.code == 2 and "millrace.yaml:2:3" in said.err and '"timezone"' in said.err, (wrong, said)
