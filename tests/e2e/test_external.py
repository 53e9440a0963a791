"""Functions from outside the function table: DuckDB's, run over a stream's columns, and a project's own in C."""

import json
import os
import subprocess

import pytest

from conftest import millrace, settings, start

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

TYPES = {
    "boolean": [True, False],
    "smallint": [-32768, 7],
    "int": [-2147483648, 5],
    "bigint": [9223372036854775807, -3],
    "real": [1.5, -0.25],
    "double precision": [1e300, -2.5],
    "numeric(4,1)": [-999.9, 0.5],
    "numeric(9,2)": [1234567.89, -0.01],
    "numeric(18,4)": [12345678901234.5, -0.0001],
    "numeric(38,3)": [123456789.125, -7],
    "text": ["žluťoučký", ""],
    "uuid": ["ffffffff-0000-4000-8000-000000000001", "00000000-0000-4000-8000-00000000000f"],
    "date": ["2026-02-28", "1969-12-31"],
    "time": ["23:59:59.999999", "00:00:00"],
    "timestamp": ["2026-02-28T12:00:00.5", "1969-12-31T00:00:00"],
    "timestamptz": ["2026-02-28T12:00:00.5Z", "1969-12-31T00:00:00Z"],
    "jsonb": [{"a": [1, None]}, "text"],
    "int[]": [[1, None, 3], []],
    "text[]": [["a", "b"], ["ü"]],
}
HEAD = """
CREATE SERVER files FOREIGN DATA WRAPPER file;
CREATE SERVER out FOREIGN DATA WRAPPER jsonl OPTIONS (path 'data/lake');
CREATE FOREIGN TABLE results () SERVER out OPTIONS (path 'results');
"""


def project(folder, rows, columns, select, more=""):
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    sql = folder / "external.sql"
    listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    sql.write_text(f"{HEAD}{more}CREATE FOREIGN TABLE rows ({listed}) SERVER files "
                   f"OPTIONS (path '{path}', format 'json');\nINSERT INTO results SELECT {select} FROM rows;\n")
    return sql


def read(data, table="results"):
    rows = []
    for name in sorted(os.listdir(data / "lake" / table)):
        if name.endswith(".jsonl"):
            rows += [json.loads(line) for line in (data / "lake" / table / name).read_text().splitlines()]
    return rows


def run(folder, sql, *more):
    millrace("run", sql, "--until", "end", "--data", folder / "data", *more, cwd=folder)
    return read(folder / "data")


@pytest.mark.parametrize("workers", [1, 4])
def test_every_type_goes_through_duckdb_and_back(tmp_path, workers):
    columns = {f"c{i}": kind for i, kind in enumerate(TYPES)}
    rows = [{f"c{i}": values[at] for i, values in enumerate(TYPES.values())} for at in (0, 1)]
    rows = (rows + [{f"c{i}": None for i in range(len(TYPES))}]) * 2000
    select = ", ".join(f"{c}, list_any_value(list_value({c})) AS {c}_back" for c in columns)
    got = run(tmp_path, project(tmp_path, rows, columns, select),
              *settings(workers=workers, chunk_bytes=65536))
    assert len(got) == len(rows)
    for row in got:
        for name in columns:
            assert row[name] == row[f"{name}_back"], (name, columns[name])
    assert sum(row["c0"] is None for row in got) == 2000


def test_functions_of_duckdb_run_and_explain_says_so(tmp_path):
    rows = [{"a": name, "x": at} for at, name in enumerate(["hello", "help", "yellow", None] * 700)]
    sql = project(tmp_path, rows, {"a": "text", "x": "int"},
                  "x, jaro_winkler_similarity(a, 'hello') AS j, format('{}-{}', a, x) AS f, "
                  "to_base(x, 16) AS b, bit_count(x) AS n")
    got = {row["x"]: row for row in run(tmp_path, sql, *settings(workers=2, chunk_bytes=4096))}
    assert len(got) == len(rows)
    for at, row in enumerate(rows):
        assert got[at]["f"] == (None if row["a"] is None else f"{row['a']}-{at}")
        assert got[at]["b"] == f"{at:X}" and got[at]["n"] == bin(at).count("1")
        assert (got[at]["j"] == 1.0) == (row["a"] == "hello")
    explained = millrace("explain", sql, cwd=tmp_path).out
    assert "jaro_winkler_similarity" in explained and "delegated to DuckDB" in explained


def test_a_row_that_duckdb_refuses_is_bad_alone(tmp_path):
    rows = [{"x": at - 5} for at in range(4000)]
    sql = project(tmp_path, rows, {"x": "int"}, "x, to_base(x, 2) AS b")
    got = run(tmp_path, sql, *settings(workers=2, chunk_bytes=4096), "-c", "exec.aside_format=jsonl")
    assert sorted(row["x"] for row in got) == list(range(3995))
    bad = read(tmp_path / "data", "rows_bad")
    assert sorted(json.loads(bytes.fromhex(row["raw"][2:]))["x"] for row in bad) == [-5, -4, -3, -2, -1]
    assert all("to_base" in row["reason"] and row["reason"].startswith("expression") for row in bad)


@pytest.mark.parametrize("select, fact", [
    ("random()", "random() is refused in a stream"),
    ("gen_random_uuid()", "gen_random_uuid() is refused in a stream"),
    ("txid_current()", "txid_current() is refused in a stream"),
    ("geomean(x)", "geomean is not a function of a row"),
    ("weighted_avg(x, x)", "weighted_avg is not a function of a row"),
    ("regexp_split_to_table(x::text, ',')", "regexp_split_to_table is not a function of a row"),
    ("jaro_similarity(x)", "jaro_similarity(INTEGER)"),
    ("constant_or_null(x, x)", "requires a constant input"),
    ("histogram(x)", "histogram is not a function of a row"),
    ("jaro_winkler_similarty('a', 'b')", 'unknown function "jaro_winkler_similarty"'),
])
def test_what_cannot_be_delegated_is_said(tmp_path, select, fact):
    sql = project(tmp_path, [{"x": 1}], {"x": "int"}, f"{select} AS v")
    done = start("check", sql, cwd=tmp_path).wait(60)
    assert done.code == 2 and fact in done.err, done.err
    assert "external.sql:" in done.err


def test_a_function_without_arguments(tmp_path):
    rows = [{"x": at} for at in range(3000)]
    got = run(tmp_path, project(tmp_path, rows, {"x": "int"}, "x, version() AS v"))
    assert len(got) == 3000 and {row["v"][0] for row in got} == {"v"}


def test_a_sum_of_too_many_digits_fails_its_row(tmp_path):
    rows = [{"x": x} for x in ["6", "1", None, "2"]]
    big = "(x || repeat('0', 37))::numeric(38,0)"
    sql = project(tmp_path, rows, {"x": "text"}, f"x, list_sum(ARRAY[{big}, {big}]) AS s")
    assert [row["x"] for row in run(tmp_path, sql)] == ["1", None, "2"]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_the_lake_reads_each_type_back(tmp_path, kind):
    sql = project(tmp_path, [], {"n": "numeric(20,6)", "l": "int[]", "j": "jsonb"}, "n, l, j")
    (tmp_path / "rows.jsonl").write_text('{"n": 1234567890.123456, "l": [1, null], "j": {"a": [1]}}\n')
    sql.write_text(sql.read_text().replace("WRAPPER jsonl", f"WRAPPER {kind}"))
    millrace("run", sql, "--until", "end", "--data", tmp_path / "data", cwd=tmp_path)
    query = "SELECT n, typeof(n) AS tn, l, typeof(l) AS tl, typeof(j) AS tj FROM results"
    shown = millrace("sql", query, "--data", tmp_path / "data", "--format", "json", cwd=tmp_path).out
    assert "1234567890.123456" in shown, shown
    assert "DECIMAL(20,6)" in shown and "INTEGER[]" in shown and '"JSON"' in shown, shown
    assert millrace("sql", "SELECT count(*) FROM rows_late", "--data", tmp_path / "data", cwd=tmp_path).code == 0


LIBRARY = r"""
#include <millrace_udf.h>
#include <string.h>
MILLRACE_LIBRARY
void twice(millrace_call *call) {
    const int64_t *in = call->columns[0].data;
    int64_t *out = call->result.data;
    for (uint32_t row = 0; row < call->rows; row++) {
        if (in[row] < 0) {
            call->fail(call, row, "is negative");
        }
        out[row] = 2 * in[row];
    }
}
void shout(millrace_call *call) {
    const millrace_string *in = call->columns[0].data;
    millrace_string *out = call->result.data;
    for (uint32_t row = 0; row < call->rows; row++) {
        const uint64_t *valid = call->columns[0].valid;
        if (valid != 0 && (valid[row / 64] >> (row % 64) & 1) == 0) {
            out[row] = (millrace_string){"nothing", 7, 0};
            continue;
        }
        char *text = call->alloc(call, in[row].bytes + 1);
        memcpy(text, in[row].data, in[row].bytes);
        text[in[row].bytes] = '!';
        out[row] = (millrace_string){text, in[row].bytes + 1, 0};
        if (in[row].bytes == 0) {
            call->result.valid[row / 64] &= ~(1ull << (row % 64));
        }
    }
}
void broken(millrace_call *call) {
    for (uint32_t row = 0; row < call->rows; row++) {
        ((millrace_string *)call->result.data)[row] = (millrace_string){row % 2 ? "ok" : "\xff", row % 2 ? 2 : 1, 0};
    }
}
void wide(millrace_call *call) {
    for (uint32_t row = 0; row < call->rows; row++) {
        ((__int128 *)call->result.data)[row] = row % 2 ? 9999 : (__int128)1 << 126;
    }
}
void json(millrace_call *call) {
    for (uint32_t row = 0; row < call->rows; row++) {
        ((millrace_string *)call->result.data)[row] = (millrace_string){row % 2 ? "{\"a\": [1]}" : "{\"a\": ", row % 2 ? 10 : 6, 0};
    }
}
int64_t deep(volatile int64_t *above) {
    volatile int64_t room[512] = {*above};
    return *above < 0 ? 0 : deep(room) + room[1];
}
void overflow(millrace_call *call) {
    volatile int64_t first = 0;
    *(int64_t *)call->result.data = deep(&first);
}
void crash(millrace_call *call) {
    volatile int *volatile nowhere = 0;
    *nowhere = (int)call->rows;
}
"""


def library(folder):
    (folder / "lib").mkdir()
    source = folder / "lib" / "own.c"
    source.write_text(LIBRARY)
    subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-I", os.path.join(ROOT, "src", "port"), source,
                    "-o", folder / "lib" / "own.so"], check=True)


def own(name, signature, returns, strict="STRICT "):
    return f"CREATE FUNCTION {name}({signature}) RETURNS {returns} LANGUAGE c {strict}AS 'lib/own.so', '{name}';\n"


@pytest.mark.parametrize("workers", [1, 4])
def test_functions_in_c(tmp_path, workers):
    library(tmp_path)
    names = ["a", "ß", None, ""]
    rows = [{"i": None if at % 10 == 3 else at - 2, "a": names[at % 4]} for at in range(5000)]
    sql = project(tmp_path, rows, {"i": "bigint", "a": "text"}, "i, a, twice(i) AS t, shout(a) AS s",
                  own("twice", "x bigint", "bigint") + own("shout", "x text", "text", ""))
    got = run(tmp_path, sql, *settings(workers=workers, chunk_bytes=4096), "-c", "exec.aside_format=jsonl")
    shouted = {"a": "a!", "ß": "ß!", None: "nothing", "": None}
    assert len(got) == 4998
    for row in got:
        assert row["t"] == (None if row["i"] is None else 2 * row["i"])
        assert row["s"] == shouted[row["a"]]
    bad = read(tmp_path / "data", "rows_bad")
    assert [row["reason"] for row in bad] == ["expression: is negative"] * 2


def test_what_c_gives_back_is_looked_at(tmp_path):
    library(tmp_path)
    sql = project(tmp_path, [{"i": at} for at in range(4)], {"i": "bigint"}, "i, broken(i) AS b",
                  own("broken", "x bigint", "text") + own("wide", "x bigint", "numeric(4,1)"))
    assert run(tmp_path, sql, "-c", "exec.aside_format=jsonl") == [{"i": 1, "b": "ok"}, {"i": 3, "b": "ok"}]
    bad = read(tmp_path / "data", "rows_bad")
    assert [row["reason"] for row in bad] == ["expression: function broken of lib/own.so gave text that is not UTF-8"] * 2
    sql.write_text(sql.read_text().replace("broken(i)", "wide(i)"))
    assert run(tmp_path, sql, "--fresh") == [{"i": 1, "b": 999.9}, {"i": 3, "b": 999.9}]


def test_json_of_c_is_looked_at(tmp_path):
    library(tmp_path)
    sql = project(tmp_path, [{"i": at} for at in range(4)], {"i": "bigint"}, "i, json(i) AS j",
                  own("json", "x bigint", "jsonb"))
    assert run(tmp_path, sql, "-c", "exec.aside_format=jsonl") == [{"i": 1, "j": {"a": [1]}}, {"i": 3, "j": {"a": [1]}}]
    bad = read(tmp_path / "data", "rows_bad")
    assert [row["reason"] for row in bad] == ["expression: function json of lib/own.so gave text that is not JSON"] * 2


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("name", ["crash", "overflow"])
def test_a_crash_names_the_function_and_loses_nothing(tmp_path, name, workers):
    library(tmp_path)
    sql = project(tmp_path, [{"i": 1}], {"i": "bigint"}, f"{name}(i) AS c", own(name, "x bigint", "bigint"))
    died = start("run", sql, "--until", "end", "--data", tmp_path / "data", *settings(workers=workers), cwd=tmp_path).wait(60)
    assert died.code < 0 and f"function {name} of lib/own.so crashed: segmentation fault" in died.err
    sql.write_text(sql.read_text().replace(f"{name}(i) AS c", "i"))
    assert run(tmp_path, sql, "--fresh") == [{"i": 1}]


@pytest.mark.parametrize("statement, fact", [
    (own("twice", "x bigint", "bigint").replace("own.so", "none.so"), "cannot load library"),
    (own("thrice", "x bigint", "bigint"), 'has no function "thrice"'),
    (own("twice", "x bigint", "bigint").replace("lib/own.so", "../lib/own.so"), "is not in the project"),
    (own("twice", "x int[]", "bigint"), "do not take type integer[]"),
    ("CREATE FUNCTION twice(x bigint) RETURNS bigint LANGUAGE c;\n", "function has no body"),
    ("CREATE FUNCTION twice(x bigint) RETURNS bigint LANGUAGE lua AS 'return x';\n", 'language "lua"'),
])
def test_mistakes_with_functions_in_c(tmp_path, statement, fact):
    library(tmp_path)
    sql = project(tmp_path, [{"i": 1}], {"i": "bigint"}, "i", statement)
    done = start("check", sql, cwd=tmp_path).wait(60)
    assert done.code == 2 and fact in done.err, done.err
