"""`millrace init` and `millrace new`: what they make runs as it is, and nothing of anybody's is overwritten."""

import collections
import json
import os
import re

import pytest

import oracle
from conftest import console_rows, lake, millrace, start

FILES = ["millrace.yaml", "sql/hello.sql", "made/orders.yaml", "dim/customers.csv", "tests/hello.test", ".env.example",
         ".gitignore", "README.md"]


@pytest.fixture
def project(tmp_path):
    millrace("init", "shop", cwd=tmp_path)
    return tmp_path / "shop"


def test_init_makes_a_project_that_runs_at_once(tmp_path):
    made = millrace("init", "shop", cwd=tmp_path)
    shop = tmp_path / "shop"
    assert made.out.splitlines()[:-2] == [f"made shop/{name}" for name in FILES]
    assert made.out.splitlines()[-1] == "Now: cd shop && millrace run sql/hello.sql"
    assert sorted(str(p.relative_to(shop)) for p in shop.rglob("*") if p.is_file()) == sorted(FILES)
    assert not any(p.read_text().count("{{") for p in shop.rglob("*") if p.is_file())

    life = start("run", "sql/hello.sql", "--until", "4s", cwd=shop).wait(30).good()
    first = console_rows(life.out)
    assert first and {row["segment"] for row in first} <= {"basic", "silver", "gold", "NULL", ""}
    assert {"window_start", "segment", "orders", "amount"} <= set(first[0])

    # As fast as it goes, for so many rows that windows close: Parquet, as a reader made by others has it.
    sql = shop / "sql" / "hello.sql"
    whole = sql.read_text().replace("spec 'made/orders.yaml'", "spec 'made/orders.yaml', rate '0', count '20000'")
    sql.write_text(whole)
    millrace("run", "sql/hello.sql", "--until", "end", "--fresh", cwd=shop)
    orders = {}
    segments = dict(line.split(",") for line in (shop / "dim" / "customers.csv").read_text().split()[1:])
    for line in millrace("generate", shop / "made" / "orders.yaml", "--count", "20000", "--rate", "0").out.splitlines():
        try:
            order = json.loads(line)
            sound = isinstance(order["order_id"], str) and isinstance(order["customer_id"], int) and "-99-" not in order["at"]
            if sound and not isinstance(order["amount"], str):
                orders[order["order_id"]] = segments.get(str(order["customer_id"]))
        except (ValueError, KeyError):
            pass
    counted = collections.Counter()
    for segment, count in oracle.read_duckdb(lake(shop / "data", "spending"), ["segment", "orders"]):
        counted[segment] += count
    late = {row[0] for row in oracle.read_duckdb(lake(shop / "data", "orders_late"), ["order_id"])}
    assert 0 < len(late) < 200 and set(counted) == {"basic", "silver", "gold", None}
    # A late row may be the copy of one that was on time.
    for segment, most in collections.Counter(orders.values()).items():
        least = most - sum(orders[order] == segment for order in late)
        assert least <= counted[segment] <= most
    assert counted.total() < len(orders)


def test_the_three_commands_of_the_readme_work(project):
    commands = re.findall(r"^    millrace (.+?)(?:   +#.*|    #.*)$", (project / "README.md").read_text(), re.M)
    assert [c.split()[0] for c in commands] == ["run", "explain", "sql"]
    sql = project / "sql" / "hello.sql"
    sql.write_text(sql.read_text().replace("spec 'made/orders.yaml'", "spec 'made/orders.yaml', rate '0', count '9000'"))
    millrace("run", "sql/hello.sql", "--until", "end", cwd=project)
    millrace("explain", "sql/hello.sql", cwd=project)
    query = re.fullmatch(r'sql "(.+)"', commands[2]).group(1)
    assert "gold" in millrace("sql", query, cwd=project).out


def test_settings_are_the_defaults_and_are_read(project):
    yaml = project / "millrace.yaml"
    text = yaml.read_text()
    keys = re.findall(r"^#   (\w+): (\S.*?) +# (.+)$", text, re.M)
    assert {"workers", "epoch", "memory_limit", "aside_format"} <= {k for k, _v, _d in keys} and len(keys) >= 11
    before = millrace("explain", "sql/hello.sql", cwd=project).out
    yaml.write_text(re.sub(r"^# (exec:|  \w+:)", r"\1", text, flags=re.M))
    assert millrace("explain", "sql/hello.sql", cwd=project).out == before, "a default is not the default"
    yaml.write_text("exec:\n  workers: 7\n  epoch: 3 seconds\n")
    assert "workers: 7\n" in millrace("explain", "sql/hello.sql", cwd=project).out
    assert "workers: 5\n" in millrace("explain", "sql/hello.sql", cwd=project, env={"MILLRACE_EXEC_WORKERS": "5"}).out
    assert "workers: 3\n" in millrace("explain", "sql/hello.sql", "-c", "exec.workers=3", cwd=project).out
    for wrong, message in (("exec:\n  wokers: 7\n", 'unknown key "wokers"\n  at millrace.yaml:2:3\n'),
                           ("exce: {}\n", 'unknown section "exce"\n  at millrace.yaml:1:1\n'),
                           ("exec:\n  workers: many\n", 'bad value "many" for key "workers"\n  at millrace.yaml:2:3\n'),
                           ("exec: [1]\n", 'section "exec" must be a map, not a list\n  at millrace.yaml:1:7\n')):
        yaml.write_text(wrong)
        run = start("explain", "sql/hello.sql", cwd=project).wait(30)
        assert run.code != 0 and f"error: {message}" in run.err, run.err


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "hello.sql").write_text("SELECT 1;")
    made = millrace("init", cwd=tmp_path)
    assert "kept README.md\n" in made.out and "kept sql/hello.sql\n" in made.out and "made millrace.yaml\n" in made.out
    assert (tmp_path / "README.md").read_text() == "mine" and (tmp_path / "sql" / "hello.sql").read_text() == "SELECT 1;"
    assert made.out.endswith("\nNow: millrace run sql/hello.sql\n")
    again = start("init", cwd=tmp_path).wait(30)
    assert again.code == 1 and "is a project already" in again.err and again.out == ""
    (tmp_path / "in_the_way").write_text("")
    run = start("init", "in_the_way", cwd=tmp_path).wait(30)
    assert run.code == 1 and "in_the_way" in run.err


def test_a_new_stream_checks_and_runs(project):
    below = project / "dim"
    made = millrace("new", "stream", "page_views", cwd=below)
    assert made.out.splitlines()[:3] == ["made sql/page_views.sql", "made made/page_views.yaml", "made tests/page_views.test"]
    millrace("check", "sql/page_views.sql", cwd=project)
    millrace("generate", "made/page_views.yaml", "--to", "page_views.jsonl", cwd=project)
    millrace("run", "sql/page_views.sql", "--source", "page_views=file:page_views.jsonl", "--until", "end", cwd=project)
    got = oracle.read_duckdb(lake(project / "data", "page_views_by_minute"), ["kind", "rows"])
    ids = {json.loads(line)["id"] for line in (project / "page_views.jsonl").read_text().splitlines()}
    assert sum(rows for _kind, rows in got) == len(ids) and {kind for kind, _rows in got} == {"a", "b", "unknown"}
    again = start("new", "stream", "page_views", cwd=project).wait(30)
    assert again.code == 1 and "sql/page_views.sql is there already" in again.err and again.out == ""


@pytest.mark.parametrize("name,message", [
    ("Page", "cannot be a pipeline's name"), ("../x", "cannot be a pipeline's name"), ("1st", "cannot be a pipeline's name"),
    ("select", "is a word of SQL"), ("order", "is a word of SQL"), ("x" * 60, "cannot be a pipeline's name")])
def test_names_that_cannot_be(project, name, message):
    run = start("new", "stream", name, cwd=project).wait(30)
    assert run.code == 2 and message in run.err and "hint: " in run.err
    assert sorted(os.listdir(project / "sql")) == ["hello.sql"]


def test_new_outside_of_a_project(tmp_path):
    run = start("new", "stream", "x", cwd=tmp_path).wait(30)
    assert run.code == 1 and "no millrace.yaml here or above" in run.err
    run = start("new", "dug", "x", cwd=tmp_path).wait(30)
    assert run.code == 2 and "millrace new stream NAME" in run.err


def test_the_tests_of_a_project_pass(project):
    if start("test", "--help", cwd=project).wait(30).code != 0:
        pytest.skip("this program has no command test")
    millrace("new", "stream", "visits", cwd=project)
    for name in ("hello", "visits"):
        assert "1 passed, 0 failed" in millrace("test", f"tests/{name}.test", cwd=project).out
