"""table.merge and table.compact: what they make of a table, and that nobody ever sees half of it.

What is in a table is read by DuckDB from its files, as anybody would, and by `millrace sql`.
"""

import fcntl
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import threading
import time

import duckdb
import pytest

from conftest import MILLRACE, ROOT, settings, start


class Project:
    def __init__(self, top):
        self.top = pathlib.Path(top)
        self.number = 0
        (self.top / "data").mkdir(parents=True, exist_ok=True)

    def begin(self, kind, body, number=1, crash=None, below=()):
        self.number += 1
        folder = self.top / "t" / str(self.number)
        folder.mkdir(parents=True)
        (folder / "launch.json").write_text(json.dumps({
            "kind": kind, "dag": "d", "run_id": "r", "task": kind, "map_index": -1, "number": number,
            "data_dir": "data", "words": ["task"], "masked": [], "body": body}))
        env = {**os.environ, **({"MILLRACE_CRASH": crash} if crash else {})}
        return folder, subprocess.Popen([*below, MILLRACE, "__task", folder], cwd=self.top, text=True, env=env,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, kind, body, **how):
        """Exit code, outputs by key, log, and the line that goes to the scheduler."""
        folder, process = self.begin(kind, body, **how)
        log = process.communicate(timeout=120)[0]
        text, why = folder / "output", folder / "why"
        lines = text.read_text().splitlines() if text.exists() else []
        outputs = {key: json.loads(value) for key, value in (x.split("=", 1) for x in lines)}
        return process.returncode, outputs, log, why.read_text() if why.exists() else ""

    def merge(self, sql, table="t", key="id", **more):
        code, outputs, log, _ = self.run("table.merge", {"table": table, "key": key, "sql": sql, **more})
        assert code == 0, log
        return tuple(outputs[name] for name in ("inserted", "updated", "unchanged", "deleted"))

    def compact(self, table="t", **more):
        code, outputs, log, _ = self.run("table.compact", {"table": table, **more})
        assert code == 0, log
        return outputs

    def plain(self, columns="id, p, v", table="t", order="id, v"):
        """Rows of the files, as DuckDB finds them by a pattern."""
        folder = self.top / "data/lake" / table
        # DuckDB's own hive_partitioning takes the text "NULL" for NULL, and Hive's word for NULL for a text.
        p = "url_decode(nullif(regexp_extract(filename, '/p=([^/]*)/', 1), '__HIVE_DEFAULT_PARTITION__')) AS p, "
        return duckdb.connect().execute(
            f"SELECT {columns} FROM (SELECT {p if any(folder.glob('p=*')) else ''} * FROM read_parquet("
            f"'{folder}/**/*.parquet', hive_partitioning = false, filename = true, union_by_name = true)) "
            f"ORDER BY {order}").fetchall()

    def sql(self, query):
        done = subprocess.run([MILLRACE, "sql", query, "--format", "json"], cwd=self.top, text=True,
                              capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return [tuple(json.loads(line).values()) for line in done.stdout.splitlines()]

    def files(self, table="t"):
        return sorted(str(p.relative_to(self.top)) for p in (self.top / "data/lake" / table).rglob("*.parquet"))

    def leavings(self):
        return sorted(str(p) for p in self.top.rglob("*") if ".swap" in p.name or p.suffix in (".part", ".tmp") and p.is_file())


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def values(rows):
    """A query that gives these rows of (id, p, v)."""
    text = ", ".join("({}, {}, {})".format(i, "NULL" if p is None else "'" + p.replace("'", "''") + "'",
                                           "NULL" if v is None else v) for i, p, v in rows)
    return f"SELECT id::BIGINT AS id, p::VARCHAR AS p, v::BIGINT AS v FROM (VALUES {text}) AS r(id, p, v)"


# ---- merge -------------------------------------------------------------------------------------------

PARTITIONS = ["IN", "a b/c=é", "50%", "it's", None, "__odd", "x:y?*", "NULL"]


@pytest.mark.parametrize("partition_by", ["p", None])
def test_random_merges_leave_what_a_model_has(project, partition_by):
    draw = random.Random(7)
    model, more = {}, {"partition_by": partition_by} if partition_by else {}
    for step in range(12):
        rows = {i: (i, draw.choice(PARTITIONS), draw.choice([None, *range(5)]))
                for i in draw.sample(range(60), draw.randrange(1, 30))}
        ignore, delete = draw.random() < 0.3, draw.random() < 0.3
        gone = {i for i, (_, _, v) in rows.items() if delete and v == 4}
        known = rows.keys() & model.keys()
        changed = {i for i in known - gone if model[i] != rows[i] and not ignore}
        expected = (len(rows.keys() - model.keys() - gone), len(changed), len(known - gone - changed),
                    len(known & gone))
        body = {**more, **({"when_matched": "ignore"} if ignore else {}),
                **({"delete_when": "v = 4"} if delete else {})}
        assert project.merge(values(rows.values()), **body) == expected, step
        model.update({i: row for i, row in rows.items() if i in changed or i not in model})
        for i in gone:
            model.pop(i, None)
        assert project.plain() == sorted(model.values()), step
        if step % 4 == 3:
            assert project.sql("SELECT id, p, v FROM t ORDER BY id") == sorted(model.values())
    before = project.files()
    assert project.merge(values(model.values())) == (0, 0, len(model), 0)
    assert project.files() == before and project.leavings() == []


def test_only_files_with_changed_rows_are_written_anew(project):
    project.merge(values([(1, "A", 1), (2, "B", 2), (3, "C", 3)]), partition_by="p")
    project.merge(values([(4, "A", 4)]))

    def inodes():
        return {p.name: p.stat().st_ino for p in (project.top / "data/lake/t").rglob("*.parquet")}

    before = inodes()
    code, outputs, log, _ = project.run("table.merge", {
        "table": "t", "key": "id", "sql": values([(1, "B", 10), (9, "D", 9)])})
    assert code == 0 and outputs["version"] == 3, log
    after = inodes()
    assert len(before.keys() - after.keys()) == 1  # The file of row 1, and no other.
    assert all(after[name] == inode for name, inode in before.items() if name in after)
    assert project.plain() == [(1, "B", 10), (2, "B", 2), (3, "C", 3), (4, "A", 4), (9, "D", 9)]


def test_which_row_of_a_key_counts(project):
    both = "SELECT 1 AS id, 'A' AS p, 1 AS v, 5 AS seen UNION ALL SELECT 1, 'A', 2, 6"
    body = {"table": "t", "key": ["id"], "sql": both, "leave_out": "seen"}
    code, _, log, why = project.run("table.merge", body)
    assert code == 1 and why.startswith("the rows to merge differ for one key: {'id': 1}") and "order_by" in log
    assert not (project.top / "data/lake/t").exists()
    code, _, log, _ = project.run("table.merge", {**body, "order_by": "seen DESC"})
    assert code == 0, log
    assert project.plain() == [(1, "A", 2)]
    assert project.merge(both, order_by="seen", leave_out=["seen"]) == (0, 1, 0, 0)
    assert project.plain() == [(1, "A", 1)]
    # Equal rows are one.
    assert project.merge("SELECT 2 AS id, 'A' AS p, 1 AS v FROM range(3)") == (1, 0, 0, 0)


def test_columns_that_the_source_has_not_stay(project):
    project.merge(values([(1, "A", 1), (2, "B", 2)]), partition_by=["p"])
    assert project.merge("SELECT 2 AS id, 7 AS v UNION ALL SELECT 3, 8") == (1, 1, 0, 0)
    assert project.plain() == [(1, "A", 1), (2, "B", 7), (3, None, 8)]


def test_a_source_may_be_a_table_or_files(project):
    project.merge(values([(1, "A", 1)]), table="from")
    project.merge(values([(2, "B", 2)]), table="from")
    for source in ("from", "data/lake/from/*.parquet"):
        code, outputs, log, _ = project.run("table.merge", {"table": "t", "key": "id", "source": source})
        assert code == 0, log
    assert outputs["unchanged"] == 2 and project.plain() == [(1, "A", 1), (2, "B", 2)]


def test_an_empty_source_makes_an_empty_table(project):
    assert project.merge(values([(1, "A", 1)]) + " WHERE false", partition_by="p") == (0, 0, 0, 0)
    assert project.sql("SELECT count(*) FROM t") == [(0,)]
    assert project.merge(values([(1, "A", 1)])) == (1, 0, 0, 0)
    assert project.merge(values([(1, "A", 1)]), delete_when="true") == (0, 0, 0, 1)
    assert project.files() == [] and project.sql("SELECT * FROM t") == []
    assert project.merge(values([(1, "A", 2)])) == (1, 0, 0, 0) and project.plain() == [(1, "A", 2)]


@pytest.mark.parametrize("body, code, why, hint", [
    ({"sql": "SELECT NULL::INT AS id, 1 AS v"}, 1,
     "rows to merge without a key, a column of it is NULL: 1", "WHERE … IS NOT NULL"),
    ({"sql": "SELECT 1 AS id, 2 AS vv"}, 97, 'the rows to merge have a column "vv", table "t" has none',
     'Did you mean "v"?'),
    ({"sql": "SELECT 1 AS idd"}, 97, 'key "key" names "id", which the rows to merge have not', 'Did you mean "idd"'),
    ({"sql": "SELECT 'x' AS id"}, 1, "Could not convert string 'x' to INT64", ""),
    ({"sql": "SELECT 1 AS id", "leave_out": "at"}, 97, 'key "leave_out" names "at"', ""),
    ({"sql": "SELECT 1 AS id", "partition_by": "id"}, 97, 'table "t" is partitioned by "p", not by "id"', ""),
    ({"source": "nope"}, 97, "Table with name nope does not exist", ""),
    ({"source": "in/*.parquet"}, 1, "No files found", ""),
    ({}, 97, 'a table.merge task takes "source" or "sql"', "Give one"),
    ({"source": "t", "key": []}, 97, 'key "key" is empty', ""),
    ({"source": "t", "table": "../t"}, 97, '"../t" is no name of a table', ""),
    ({"source": "t", "table": "t2", "path": "data/lake/t"}, 1, "has Parquet files, but is no table", ""),
    ({"source": "t", "delete_wen": "x"}, 97, "delete_wen", 'Did you mean "delete_when"'),
])
def test_mistakes_are_told_and_change_nothing(project, body, code, why, hint):
    project.merge(values([(1, "A", 1)]), partition_by="p")
    before = project.files()
    done = project.run("table.merge", {"table": "t", "key": "id", **body})
    assert done[0] == code and why in done[3], done
    assert hint in done[2], done[2]
    assert project.files() == before and project.leavings() == []


# ---- compact -----------------------------------------------------------------------------------------


def test_small_files_become_one_and_large_ones_stay(project):
    for step in range(5):
        project.merge(f"SELECT i + {step} * 300 AS id, CASE i % 3 WHEN 0 THEN 'A' WHEN 1 THEN 'é/=' END AS p, "
                      "i AS v FROM range(300) r(i)", partition_by="p")
    rows = project.plain()
    assert len(project.files()) == 15
    out = project.compact(where="p = 'é/='", order_by="id DESC")
    assert (out["files_before"], out["files_after"], out["partitions"]) == (15, 11, 1)
    assert out["bytes_after"] < out["bytes_before"] and project.plain() == rows
    one = next((project.top / "data/lake/t").glob("p=é*/*.parquet"))
    ids = [i for i, in duckdb.connect().execute(f"SELECT id FROM '{one}'").fetchall()]
    assert ids == sorted(ids, reverse=True) and len(ids) == 500
    assert project.compact(where="p IS NULL")["partitions"] == 1
    assert project.compact(min_files=6)["partitions"] == 0
    assert project.compact()["files_after"] == 3
    assert project.compact()["partitions"] == 0 and project.plain() == rows and project.leavings() == []
    assert project.sql("SELECT count(*), count(DISTINCT id) FROM t") == [(1500, 1500)]


def test_files_end_at_the_target_size(project):
    for step in range(6):
        project.merge(f"SELECT i AS id, hash(i) AS p, i AS v FROM range({step * 200000}, {step * 200000 + 200000}) r(i)")
    sizes = [os.path.getsize(project.top / p) for p in project.files()]
    out = project.compact(target_size=f"{max(sizes) * 2}B")
    made = [os.path.getsize(project.top / p) for p in project.files()]
    assert out["files_after"] == len(made) < 6 and sum(size < max(sizes) * 2 for size in made) <= 1
    assert project.compact(target_size=f"{max(sizes) * 2}B")["partitions"] == 0
    assert project.plain("count(*), count(DISTINCT id), sum(v)", order="1") == [(1200000, 1200000, sum(range(1200000)))]


def test_values_of_all_types_stay_as_they_are(project):
    row = ("SELECT {i} AS id, true AS b, 1.5::DOUBLE AS d, 2.25::DECIMAL(10,2) AS n, 'é''\"'::VARCHAR AS s, "
           "TIMESTAMPTZ '2026-01-02 03:04:05.678901+00' AS t, DATE '2026-01-02' AS day, "
           "[1, NULL, 3] AS l, {{'a': 1, 'b': 'x'}} AS st, '{{\"k\": [1]}}'::JSON AS j, 'a'::BLOB AS by, "
           "NULL::INTEGER AS z, 'nan'::DOUBLE AS nan")
    for i in range(3):
        assert project.merge(row.format(i=i)) == (1, 0, 0, 0)
        assert project.merge(row.format(i=i)) == (0, 0, 1, 0), "the same row is not a change"
    texts = "* EXCLUDE (filename) REPLACE (nan::VARCHAR AS nan, t::VARCHAR AS t)"
    before = project.plain(texts, order="id")
    assert project.compact()["files_after"] == 1
    assert project.plain(texts, order="id") == before
    assert len(before) == 3 and before[0][1:3] == (True, 1.5) and before[0][4] == "é'\"", before


def test_compact_says_what_it_cannot_do(project):
    code, _, log, why = project.run("table.compact", {"table": "none"})
    assert code == 97 and why == 'no table "none" in the lake' and "hint" in log
    project.merge(values([(1, "A", 1)]))
    code, _, _, why = project.run("table.compact", {"table": "t", "where": "p = 'A'"})
    assert code == 97 and why == 'table "t" has no partitions that "where" could choose'
    code, _, _, why = project.run("table.compact", {"table": "t", "min_files": 1})
    assert code == 97 and why == "min_files cannot be 1"
    # A column that the table has not any more would be lost.
    folder = project.top / "data/lake/t"
    for i in (2, 3):
        duckdb.connect().execute(f"COPY (SELECT {i} AS id, 'A' AS p, 1 AS v, 5 AS more) TO '{folder}/f{i}.parquet'")
    code, _, _, why = project.run("table.compact", {"table": "t"})
    assert code == 1 and 'the column "more", which the table has not' in why


# ---- deaths ------------------------------------------------------------------------------------------


def points():
    text = "".join(p.read_text(encoding="utf-8") for p in pathlib.Path(ROOT, "src").rglob("*.c"))
    found = set(re.findall(r'mr_crash_point\("((?:swap|sink)\.[a-z_]+)"', text))
    assert len([point for point in found if point.startswith("swap.")]) == 7
    return sorted(found)


SCENES = {
    "partition changes": ("p", "table.merge", {"sql": values([(3, "B", 30), (77, "E", 7)])}),
    "one partition": ("p", "table.merge", {"sql": values([(3, "A", 30)])}),
    "no partitions": (None, "table.merge", {"sql": values([(3, "B", 30), (77, "E", 7)])}),
    "compact": (None, "table.compact", {}),
    "compact partitions": ("p", "table.compact", {"min_files": 2}),
    "new": (None, "table.merge", {"sql": values([(1, "A", 1)])}),
}


# Temporaries are written in one way, whatever is merged.
@pytest.mark.parametrize("scene, point", [
    (scene, point) for scene in SCENES for point in points()
    if point.startswith("swap.") or scene == "partition changes"])
def test_a_death_leaves_the_old_or_the_new(project, scene, point):
    partition_by, kind, body = SCENES[scene]
    body = {"table": "t", **({"key": "id"} if kind == "table.merge" else {}), **body}
    if scene != "new":
        more = {"partition_by": partition_by} if partition_by else {}
        project.merge(values([(i, "ABC"[i % 3], i) for i in range(9)]), **more)
        project.merge(values([(i, "ABC"[i % 3], i) for i in range(9, 18)]))
    old = [] if scene == "new" else project.plain()
    code, _, _, _ = project.run(kind, body, crash=point)
    reached = code != 0
    assert reached or not point.startswith("swap."), "the point is never reached"
    middle = project.plain() if project.files() else []
    seen = project.sql("SELECT id, p, v FROM t ORDER BY id, v") if (project.top / "data/catalog/t.json").exists() else []
    assert middle == seen
    code, outputs, log, _ = project.run(kind, body, number=2)
    assert code == 0, log
    new = project.plain()
    assert middle in (old, new) and project.leavings() == []
    if kind == "table.merge":
        assert new != old and (outputs["inserted"], outputs["updated"]) != (0, 0) or not reached
        wanted = {row[0]: row for row in old}
        wanted.update({1: (1, "A", 1)} if scene == "new" else {3: (3, "A" if scene == "one partition" else "B", 30)})
        wanted.update({77: (77, "E", 7)} if "77" in body["sql"] else {})
        assert new == sorted(wanted.values())
    else:
        assert new == old and len(project.files()) == (3 if partition_by else 1)


def test_kills_at_any_moment_beside_readers(project):
    """Each version of the table has one value in all its rows: any mix of two shows."""
    count, partitions = 400, 8

    def version(v):
        # Rows change their partition with each version.
        return f"SELECT i AS id, 'p' || ((i + {v}) % {partitions}) AS p, {v} AS v FROM range({count}) r(i)"

    project.merge(version(0), partition_by="p")
    stop, wrong, reads = threading.Event(), [], {"plain": 0, "sql": 0, "gone": 0}

    def check(how, rows):
        reads[how] += 1
        if [row[0] for row in rows] != [count] or rows[0][1] != count or rows[0][2] != rows[0][3]:
            wrong.append((how, rows))

    query = "count(*), count(DISTINCT id), min(v), max(v)"

    def read_plain():
        while not stop.is_set():
            try:
                check("plain", project.plain(query, order="1"))
            except duckdb.Error as error:  # A file that was listed is gone: read again.
                reads["gone"] += 1
                if "No files found" not in str(error) and "Cannot open file" not in str(error):
                    wrong.append(("plain", str(error)))

    def read_sql():
        while not stop.is_set():
            try:
                check("sql", project.sql(f"SELECT {query} FROM t"))
            except AssertionError as error:
                wrong.append(("sql", str(error)))

    readers = [threading.Thread(target=read) for read in (read_plain, read_sql)]
    for reader in readers:
        reader.start()
    draw, deaths = random.Random(3), 0
    try:
        for v in range(1, 13):
            kind = "table.compact" if v % 4 == 0 else "table.merge"
            body = {"table": "t"} if v % 4 == 0 else {"table": "t", "key": "id", "sql": version(v)}
            _, process = project.begin(kind, body)
            try:
                process.wait(draw.random() * 0.5)
            except subprocess.TimeoutExpired:
                process.kill()
                deaths += process.wait() != 0
            process.stdout.close()
            if kind == "table.merge":
                project.merge(version(v))
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert wrong == [] and reads["plain"] > 5 and reads["sql"] > 5 and deaths > 2, (wrong[:3], reads, deaths)
    project.merge(version(11))
    assert project.plain(query, order="1") == [(count, count, 11, 11)] and project.leavings() == []


# ---- beside a pipeline -------------------------------------------------------------------------------

PIPELINE = """
CREATE SERVER files FOREIGN DATA WRAPPER file;
CREATE SERVER lake FOREIGN DATA WRAPPER parquet;
CREATE FOREIGN TABLE events (id bigint, p text, v bigint) SERVER files OPTIONS (path 'events.jsonl', format 'json');
CREATE FOREIGN TABLE t () SERVER lake OPTIONS (trigger '50 milliseconds'{});
INSERT INTO t SELECT id, p, v FROM events;
"""


class Stream:
    """A pipeline that follows a file, and the file's writer."""

    def __init__(self, project, partitioned):
        self.project, self.written = project, 0
        (project.top / "p.sql").write_text(PIPELINE.format(", partition_by 'p'" if partitioned else ""))
        (project.top / "events.jsonl").write_text("")
        self.run = None

    def write(self, rows):
        with open(self.project.top / "events.jsonl", "a", encoding="utf-8") as file:
            file.write("".join(f'{{"id": {i}, "p": "p{i % 3}", "v": {i}}}\n'
                               for i in range(self.written, self.written + rows)))
        self.written += rows

    def start(self, *more):
        self.run = start("run", "p.sql", *settings(workers=2, epoch="60ms"), *more, cwd=self.project.top)

    def kill(self):
        self.run.signal(signal.SIGKILL)
        self.run.process.wait()

    def finish(self):
        """Ends the pipeline, then works off what is left."""
        if self.run is not None and self.run.process.poll() is None:
            self.run.signal(signal.SIGTERM)
            self.run.wait(60)
        self.start("--until", "end")
        self.run.wait(60)
        assert self.run.process.returncode == 0, self.run.err


def beside(project, stream, steps, deadly):
    draw, changed, swaps = random.Random(11), set(), 0
    for step in range(steps):
        stream.write(draw.randrange(1, 60))
        if deadly and draw.random() < 0.4:
            stream.kill()
            if draw.random() < 0.5:
                stream.start()
        elif stream.run.process.poll() is not None:
            stream.start()
        if step % 3 == 2:
            swaps += project.compact()["partitions"]
        else:
            # Rows that are there; every second one of them goes to another partition.
            query = f"SELECT id, CASE id % 2 WHEN 0 THEN p ELSE 'q' END AS p, -1 AS v FROM t WHERE v >= 0 AND id % 5 = {step % 5}"
            swaps += project.merge(query)[1] > 0
            changed.add(step % 5)
        rows = project.plain("count(*), count(DISTINCT id)", order="1") if project.files() else [(0, 0)]
        assert rows[0][0] == rows[0][1], "a row is there twice"
    return swaps


@pytest.mark.parametrize("partitioned", [True, False])
@pytest.mark.parametrize("deadly", [False, True])
def test_a_pipeline_that_writes_the_table_loses_and_doubles_nothing(project, partitioned, deadly):
    stream = Stream(project, partitioned)
    stream.write(50)
    stream.start()
    while not project.files():
        assert stream.run.process.poll() is None
        time.sleep(0.05)
    try:
        swaps = beside(project, stream, 14, deadly)
    finally:
        if stream.run.process.poll() is None:
            stream.run.signal(signal.SIGTERM)
            stream.run.wait(60)
    stream.finish()
    rows = project.plain()
    assert [row[0] for row in rows] == list(range(stream.written))
    assert all(v in (i, -1) for i, _, v in rows) and any(v == -1 for _, _, v in rows)
    assert all(p == ("q" if i % 2 == 1 and v == -1 else f"p{i % 3}") for i, p, v in rows)
    assert swaps > 3 and project.leavings() == []
    assert project.sql("SELECT id, p, v FROM t ORDER BY id") == rows
    # Starting over takes with it what was rewritten.
    stream.start("--fresh", "--until", "end")
    stream.run.wait(60)
    assert project.plain() == [(i, f"p{i % 3}", i) for i in range(stream.written)]


def test_what_was_taken_in_is_not_missed_by_the_log(project):
    """The last epoch's files are in the log until the next record: a merge takes them in, the pipeline is started."""
    stream = Stream(project, True)
    stream.write(30)
    stream.start("--until", "end")
    stream.run.wait(60)
    assert project.merge("SELECT id, p, -1 AS v FROM t") == (0, 30, 0, 0)
    taken = list((project.top / "data/lake/t/.tmp/p").glob("*.taken"))
    assert len(taken) == 3
    for _ in range(3):  # With nothing new no record follows: the log lists them still.
        stream.start("--until", "end")
        stream.run.wait(60)
        assert stream.run.process.returncode == 0, stream.run.err
    stream.write(3)
    stream.start("--until", "end")
    stream.run.wait(60)
    rows = project.plain()
    assert [row[0] for row in rows] == list(range(33)) and sum(v == -1 for _, _, v in rows) == 30


def test_a_commit_that_nobody_finished_is_finished_by_the_pipeline(project):
    stream = Stream(project, True)
    stream.write(30)
    stream.start("--until", "end")
    stream.run.wait(60)
    code, _, _, _ = project.run("table.merge", {"table": "t", "key": "id", "sql": "SELECT id, 'z' AS p FROM t"},
                                crash="swap.recorded")
    assert code != 0 and all(p != "z" for _, p, _ in project.plain())
    stream.start("--until", "end")
    stream.run.wait(60)
    assert [(i, p) for i, p, _ in project.plain()] == [(i, "z") for i in range(30)] and project.leavings() == []


def state_of(project, table="t"):
    return json.loads((project.top / f"data/catalog/{table}.commit").read_text())["state"]


def wait_for(process, test, what):
    end = time.monotonic() + 120
    while not test():
        assert process.poll() is None and time.monotonic() < end, what
        time.sleep(0.01)


def test_a_pipeline_that_starts_afresh_is_its_writer_all_the_while(project):
    """--fresh moves the state away before it erases: the pipeline's lock counts, not that folder."""
    stream = Stream(project, True)
    stream.write(30)
    stream.start("--until", "end")
    stream.run.wait(60)
    state = project.top / "data/state"
    with open(state / "p.lock", "r+") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        (state / "p").rename(state / "p.gone")
        folder, process = project.begin("table.merge", {"table": "t", "key": "id", "sql": "SELECT id, -1 AS v FROM t WHERE id = 3"})
        lines = iter(process.stdout.readline, "")
        assert any("writes the table: it takes this in between two epochs" in line for line in lines), process.poll()
        time.sleep(0.3)
        assert process.poll() is None and state_of(project) == "pending"
        assert [row[2] for row in project.plain()] == list(range(30))
        (state / "p.gone").rename(state / "p")
    assert process.wait(120) == 0 and state_of(project) == "done"
    process.stdout.close()
    assert project.plain()[3] == (3, "p0", -1)


def test_a_commit_is_finished_by_one_at_a_time(project):
    """Who starts as the table's writer and a task that has seen none come together."""
    project.merge(values([(0, "A", 0)]), partition_by="p")
    with open(project.top / "data/catalog/t.finishing", "w") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        _, process = project.begin("table.merge", {"table": "t", "key": "id", "sql": values([(0, "B", 1)])})
        wait_for(process, lambda: state_of(project) == "pending", "no record")
        stream = Stream(project, True)
        stream.write(1)
        stream.start("--until", "end")
        time.sleep(0.5)
        assert process.poll() is None and stream.run.process.poll() is None and project.plain() == [(0, "A", 0)]
    stream.run.wait(60)
    assert process.wait(120) == 0 and stream.run.process.returncode == 0, stream.run.err
    process.stdout.close()
    assert project.plain() == [(0, "p0", 0), (0, "B", 1)] and project.leavings() == []


def test_a_pipeline_that_starts_waits_for_the_task_that_stands_for_it(project):
    stream = Stream(project, True)
    stream.write(3)
    stream.start("--until", "end")
    stream.run.wait(60)
    with open(project.top / "data/catalog/t.finishing", "w") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        _, process = project.begin("table.merge", {"table": "t", "key": "id", "sql": values([(0, "B", 1)])})
        lock = project.top / "data/state/p.lock"
        wait_for(process, lambda: str(process.pid) in lock.read_text(), "it does not stand for the pipeline")
        stream.write(1)
        stream.start("--until", "end")
        wait_for(stream.run.process, lambda: 'waits: a task puts files into table "t"' in stream.run.said(), "it waits")
        assert project.plain()[0] == (0, "p0", 0)
    stream.run.wait(60)
    assert process.wait(120) == 0 and stream.run.process.returncode == 0, stream.run.err
    process.stdout.close()
    assert [row[:2] for row in project.plain()] == [(0, "B"), (1, "p1"), (2, "p2"), (3, "p0")]
    stream.start()
    wait_for(stream.run.process, lambda: str(stream.run.process.pid) in lock.read_text(), "it does not run")
    again = start("run", "p.sql", cwd=project.top)  # Who runs for good is not waited for.
    again.wait(30)
    assert again.process.returncode != 0 and "in use by process" in again.err and "waits" not in again.err
    stream.finish()


@pytest.mark.parametrize("path", ["x/", "deep/x//./"])
def test_a_path_may_end_with_a_slash(project, path):
    stream = Stream(project, True)
    text = (project.top / "p.sql").read_text()
    (project.top / "p.sql").write_text(text.replace("(trigger", f"(path '{path}', trigger"))
    stream.write(30)
    table = "deep/x" if "deep" in path else "x"
    for step in range(2):
        stream.start("--until", "end")
        stream.run.wait(60)
        assert stream.run.process.returncode == 0, stream.run.err
        entry = project.top / "data/catalog/t.json"  # As one of an older version has it.
        entry.write_text(re.sub('("path": ".*/)x"', r'\1x/"', entry.read_text()))
        assert '/x/"' in entry.read_text()
        assert project.merge(f"SELECT id, 'q' AS p, -1 AS v FROM t WHERE id = {step}")[1] == 1
        stream.write(5)
    rows = project.plain(table=table)
    assert [row[0] for row in rows] == list(range(35)) and rows[:2] == [(0, "q", -1), (1, "q", -1)]
    assert project.leavings() == [] and state_of(project) == "done"


NO_EXCHANGE = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    if (flags == RENAME_EXCHANGE) {
        errno = EINVAL;  /* As NFS says it. */
        return -1;
    }
    return (int)syscall(SYS_renameat2, a, from, b, to, flags);
}
"""


def test_a_file_system_that_cannot_exchange_is_refused_before_the_commit(project, monkeypatch):
    project.merge(values([(1, "A", 1)]))
    (project.top / "no.c").write_text(NO_EXCHANGE)
    library = project.top / "no.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, project.top / "no.c"], check=True)
    record = (project.top / "data/catalog/t.commit").read_text()
    with monkeypatch.context() as patch:
        patch.setenv("LD_PRELOAD", str(library))
        code, _, _, why = project.run("table.merge", {"table": "t", "key": "id", "sql": values([(1, "A", 2)])})
    assert code == 1 and "cannot exchange two folders" in why and "nothing was changed" in why
    assert (project.top / "data/catalog/t.commit").read_text() == record and project.plain() == [(1, "A", 1)]
    assert project.merge(values([(1, "A", 2)])) == (0, 1, 0, 0)
    assert project.plain() == [(1, "A", 2)] and project.leavings() == []


@pytest.mark.parametrize("task", ["merge", "move", "compact"])
@pytest.mark.skipif(subprocess.run(["unshare", "-rm", "true"], check=False).returncode != 0,
                    reason="nothing can be mounted here")
def test_a_partition_on_another_file_system_is_told_before_the_commit(project, task):
    project.merge(values([(i, "AB"[i % 2], i) for i in range(4)]), partition_by="p")
    project.merge(values([(i, "AB"[i % 2], i) for i in range(4, 8)]))
    record = (project.top / "data/catalog/t.commit").read_text()
    body = {"table": "t", **({"min_files": 2} if task == "compact" else {
        "key": "id", "sql": "SELECT id, p, -1 AS v FROM t WHERE p = 'A'" if task == "merge" else
        "SELECT id, 'A' AS p, v FROM t"})}
    folder, process = project.begin("table.compact" if task == "compact" else "table.merge", body, below=[
        "unshare", "-rm", "sh", "-c", "cp -r data/lake/t/p=A p && mount -t tmpfs none data/lake/t/p=A && "
        "mv p/* data/lake/t/p=A/ && exec \"$@\"", "sh"])
    log = process.communicate(timeout=60)[0]
    assert process.returncode == 1 and 'p=A" is on another file system' in log and "nothing was changed" in log
    assert (project.top / "data/catalog/t.commit").read_text() == record
    assert project.merge(values([(0, "A", 9)])) == (0, 1, 0, 0) and project.leavings() == []


def test_tasks_on_one_table_take_turns(project):
    project.merge(values([(0, "A", 0)]))
    started = [project.begin("table.merge", {"table": "t", "key": "id", "sql": values([(i, "A", i)])})[1]
               for i in range(1, 5)]
    for process in started:
        assert process.wait(120) == 0, process.stdout.read()
        process.stdout.close()
    assert project.plain() == [(i, "A", i) for i in range(5)]
    assert json.loads((project.top / "data/catalog/t.commit").read_text())["version"] == 5
