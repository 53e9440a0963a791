"""Static tables: read at the start, read again when their file has changed and reads whole."""

import json
import time

import duckdb
import pytest

from conftest import millrace, start, wait_until

PIPELINE = """
CREATE SERVER f FOREIGN DATA WRAPPER file;
CREATE SERVER o FOREIGN DATA WRAPPER jsonl;
CREATE FOREIGN TABLE e (id int) SERVER f OPTIONS (path 'in/e.jsonl', format 'json');
CREATE TABLE d (id int PRIMARY KEY, name text);
COPY d FROM 'd.csv' (FORMAT csv, HEADER);
CREATE FOREIGN TABLE r () SERVER o OPTIONS (trigger '100 ms');
INSERT INTO r SELECT e.id, d.name FROM e LEFT JOIN d USING (id);
"""


def rows(folder):
    return [json.loads(line) for path in sorted((folder / "data/lake/r").glob("*.jsonl"))
            for line in path.read_text().splitlines()]


def wait_for(folder, wanted, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(rows(folder)) < wanted:
        time.sleep(0.05)
    assert len(rows(folder)) == wanted, rows(folder)


def name_of_the_next(folder):
    """Adds a row; ret: the name that it gets."""
    before = len(rows(folder))
    with open(folder / "in/e.jsonl", "a", encoding="utf-8") as file:
        file.write('{"id":1}\n')
    wait_for(folder, before + 1)
    return rows(folder)[-1]["name"]


def test_a_changed_file_is_taken_between_epochs(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "p.sql").write_text(PIPELINE)
    (tmp_path / "d.csv").write_text("id,name\n1,one\n")
    life = start("run", "p.sql", "--until", "10m", cwd=tmp_path)
    try:
        assert name_of_the_next(tmp_path) == "one"
        (tmp_path / "d.csv").write_text("id,name\n1,uno\n")
        wait_until(lambda: name_of_the_next(tmp_path) == "uno", 20, "the changed file")
        (tmp_path / "d.csv").write_text("id,name\nx,broken\n")
        wait_until(lambda: "keeps its former rows" in life.said(), 10, "the broken file")
        assert name_of_the_next(tmp_path) == "uno"
    finally:
        life.signal(15)
        life.wait(30)
    assert life.code == 130, life.err
    names = [row["name"] for row in rows(tmp_path)]
    assert names == sorted(names), "what was replaced came back"
    assert 'table "d" keeps its former rows: d.csv:2: column "id"' in life.err


TYPES = """
CREATE SERVER f FOREIGN DATA WRAPPER file;
CREATE SERVER o FOREIGN DATA WRAPPER jsonl;
CREATE TYPE pair AS (a int, b text);
CREATE FOREIGN TABLE e (id smallint) SERVER f OPTIONS (path 'e.jsonl', format 'json');
CREATE TABLE d (id smallint, n numeric(20,3), u uuid, c time, j jsonb, l int[], p pair, r real, s interval);
COPY d FROM 'd.{kind}' (FORMAT {kind});
CREATE FOREIGN TABLE r () SERVER o;
INSERT INTO r SELECT e.id, n, u, c, j, l, p, r, s::text AS s FROM e JOIN d ON e.id = d.id;
"""
# DuckDB reads a JSON number as a double, so the digits of a numeric are only safe in Parquet.
NUMBERS = {"parquet": "12345678901234567.125", "json": "1234567890.125"}
SELECT = """SELECT * FROM (VALUES
  (1::smallint, {number}::decimal(20,3), '00000000-0000-4000-8000-000000000001'::uuid, '10:20:30.5'::time,
   '{{"x": [1, null]}}'::json, [1, NULL, 3], {{'a': 1, 'b': 'ß'}}, 1.5::real, interval '1 month 2 days'),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)) t(id, n, u, c, j, l, p, r, s)"""


@pytest.mark.parametrize("kind", ["parquet", "json"])
def test_a_table_of_a_file_has_every_type(tmp_path, kind):
    duckdb.sql(f"COPY ({SELECT.format(number=NUMBERS[kind])}) TO '{tmp_path}/d.{kind}' (FORMAT {kind})")
    (tmp_path / "p.sql").write_text(TYPES.format(kind=kind))
    (tmp_path / "e.jsonl").write_text('{"id":1}\n{"id":2}\n')
    millrace("run", "p.sql", "--until", "end", "--data", tmp_path / "data", cwd=tmp_path)
    nothing = dict.fromkeys("nucjlprs")
    found = rows(tmp_path)
    assert str(found[0].pop("n")) == NUMBERS[kind]
    assert found == [
        {"id": 1, "u": "00000000-0000-4000-8000-000000000001", "c": "10:20:30.5",
         "j": {"x": [1, None]}, "l": [1, None, 3], "p": {"a": 1, "b": "ß"}, "r": 1.5, "s": "1 month 2 days"},
        {"id": 2, **nothing}]


JSON = """
CREATE SERVER f FOREIGN DATA WRAPPER file;
CREATE SERVER o FOREIGN DATA WRAPPER jsonl;
CREATE FOREIGN TABLE e (id int) SERVER f OPTIONS (path 'e.jsonl', format 'json');
CREATE TABLE d (id int, j jsonb);
COPY d FROM 'd.csv' (FORMAT csv, HEADER);
CREATE FOREIGN TABLE r () SERVER o;
INSERT INTO r SELECT e.id, j, (j -> 'x')::int[] AS l FROM e JOIN d ON e.id = d.id;
"""


def test_a_csv_file_has_json(tmp_path):
    (tmp_path / "p.sql").write_text(JSON)
    (tmp_path / "e.jsonl").write_text('{"id":1}\n{"id":2}\n')
    (tmp_path / "d.csv").write_text('id,j\n1,"{""x"": [1, null, 3]}"\n2,\n')
    millrace("run", "p.sql", "--until", "end", "--data", tmp_path / "data", cwd=tmp_path)
    assert rows(tmp_path) == [{"id": 1, "j": {"x": [1, None, 3]}, "l": [1, None, 3]}, {"id": 2, "j": None, "l": None}]
    (tmp_path / "d.csv").write_text('id,j\n1,"{""x"": "\n')
    done = start("run", "p.sql", "--until", "end", "--fresh", "--data", tmp_path / "data", cwd=tmp_path).wait(60)
    assert done.code != 0 and "is not JSON" in done.err and "d.csv" in done.err, done.err
