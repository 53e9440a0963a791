"""Wrong pipelines and inputs, as a user meets them: exit code and whole message, against golden files.

    UPDATE=1 ... -m pytest tests/e2e/test_errors.py     rewrites tests/e2e/golden_errors

Each message must say where (a place, a path, an address), what (one fact) and what to do (advice). Paths of
the machine, process ids and ports are written <TMP>, <PID> and <PORT>.
"""

import os
import re
import subprocess

import pytest

from conftest import MILLRACE, millrace, start, wait_until
from kafka_server import free_ports

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden_errors")
UPDATE = os.environ.get("UPDATE") == "1"

PIPELINE = """\
CREATE SERVER input FOREIGN DATA WRAPPER file;
CREATE SERVER lake FOREIGN DATA WRAPPER parquet OPTIONS (path 'out');
CREATE SERVER console FOREIGN DATA WRAPPER console;

CREATE FOREIGN TABLE clicks (
  id text,
  user_id int NOT NULL,
  amount double precision,
  country text,
  at timestamptz OPTIONS (watermark '10 seconds')
) SERVER input OPTIONS (path 'clicks.jsonl');

CREATE TABLE users (user_id int PRIMARY KEY, segment text);
COPY users FROM 'users.csv' (FORMAT csv, HEADER);

CREATE FOREIGN TABLE totals () SERVER lake OPTIONS (path 'totals', mode 'append');

INSERT INTO totals
  SELECT window_start, window_end, segment, sum(amount) AS total
  FROM tumble(clicks, at, interval '1 minute') LEFT JOIN users USING (user_id)
  GROUP BY window_start, window_end, segment;
"""
CLICKS = "".join(
    f'{{"id": "c{i}", "user_id": {i % 3}, "amount": {i}.5, "country": "IN", "at": "2026-01-01T00:{i:02d}:00Z"}}\n'
    for i in range(10))
SELECT = "window_start, window_end, segment, sum(amount) AS total"
RAW = (PIPELINE[PIPELINE.index("INSERT INTO"):], "INSERT INTO totals SELECT id, amount, at FROM clicks;\n")
KAFKA = ("FOREIGN DATA WRAPPER file;", "FOREIGN DATA WRAPPER kafka OPTIONS (bootstrap_servers '127.0.0.1:{port}');")
TOPIC = ("OPTIONS (path 'clicks.jsonl')", "OPTIONS (topic 'clicks', format 'json', connect_timeout '1 second')")


class Case:
    """changes: (old, new) in PIPELINE, old there once; args: {sql} is the file; before: called with the folder."""

    def __init__(self, *changes, args="check {sql}", before=None, text=None, env=None):
        self.changes, self.args, self.before, self.text, self.env = changes, args.split(), before, text, env


def run(*more):
    return " ".join(["run {sql} --until end --data data", *more])


def write(name, data):
    def before(folder):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return before


def remove(name):
    return lambda folder: (folder / name).unlink()


def after_a_run(then, *more, changes=()):
    """The pipeline as it is (with other changes) runs to its end first."""
    def before(folder):
        sql = folder / "clicks.sql"
        own = sql.read_text()
        sql.write_text(changed(PIPELINE, changes))
        millrace("run", "clicks.sql", "--until", "available-now", "--data", "data", *more, cwd=folder, timeout=60)
        sql.write_text(own)
        then(folder)
    return before


def nothing(_folder):
    pass


def damage_the_log(folder):
    """Turns a byte round in the first record of the commit log, which no crash could have torn."""
    segment = sorted((folder / "data" / "state" / "clicks").glob("*.log"))[0]
    data = bytearray(segment.read_bytes())
    data[40] ^= 0xFF
    segment.write_bytes(bytes(data))


def read_from_stdin(folder):
    """Stops after a part of standard input, which nobody can give again."""
    with open(folder / "clicks.jsonl", "rb") as lines:
        subprocess.run([MILLRACE, "run", "clicks.sql", "--until", "available-now", "--data", "data"], cwd=folder,
                       stdin=lines, check=True, timeout=60)


CASES = {
    # ---- names ----
    "column": Case((SELECT, SELECT.replace("segment", "segmnt"))),
    "column_of_alias": Case(("sum(amount)", "sum(c.amount)")),
    "table_from": Case(("tumble(clicks,", "tumble(click,")),
    "table_into": Case(("INSERT INTO totals", "INSERT INTO total")),
    "function": Case(("sum(amount)", "summ(amount)")),
    "function_arguments": Case(("sum(amount)", "round(amount, 'x')")),
    "type_in_function": Case(("sum(amount)", "sum(country)")),
    "type": Case(("user_id int NOT NULL", "user_id integr NOT NULL")),
    "wrapper": Case(("DATA WRAPPER parquet", "DATA WRAPPER parqet")),
    "server": Case((") SERVER input", ") SERVER inputs")),
    "option": Case(("mode 'append')", "mode 'append', triger '1 second')")),
    "option_of_column": Case(("watermark '10 seconds'", "watermrk '10 seconds'")),
    "variable": Case(("'clicks.jsonl'", "'${CLICKS_FILE}'")),
    "table_twice": Case(("CREATE TABLE users (", "CREATE TABLE clicks (")),
    # ---- values ----
    "duration": Case(("'10 seconds'", "'10 parsecs'")),
    "size": Case(("mode 'append')", "mode 'append', roll_size '12 apples')")),
    "mode": Case(("mode 'append'", "mode 'upsert'")),
    "time_zone": Case(("CREATE SERVER lake", "SET timezone = 'Asia/Kolkatta';\nCREATE SERVER lake")),
    "negative_rate": Case(("path 'clicks.jsonl'", "path 'clicks.jsonl', max_rate_per_partition '-5'"), args=run()),
    "window_size": Case(("interval '1 minute'", "interval '0 seconds'")),
    "compare_types": Case(("LEFT JOIN users USING (user_id)\n",
                           "LEFT JOIN users USING (user_id)\n  WHERE at > amount\n")),
    # ---- what cannot be meant ----
    "syntax": Case(("GROUP BY window_start,", "GROUP window_start,")),
    "not_grouped": Case((SELECT, SELECT + ", country")),
    "unbounded_group": Case(("window_start, window_end, segment, sum", "segment, sum"),
                            ("GROUP BY window_start, window_end, segment", "GROUP BY segment")),
    "unbounded_distinct": Case((RAW[0], "INSERT INTO totals SELECT DISTINCT ON (id) id, at FROM clicks;\n")),
    "update_into_parquet": Case(("mode 'append'", "mode 'update'")),
    "no_watermark": Case((" OPTIONS (watermark '10 seconds')", "")),
    "volatile": Case(("sum(amount)", "sum(amount * random())")),
    "misleading_alias": Case(("FROM tumble(clicks, at, interval '1 minute') LEFT JOIN users USING (user_id)",
                              "FROM tumble(clicks, at, interval '1 minute') final")),
    "no_insert": Case((RAW[0], "")),
    "two_statements_wrong": Case(("user_id int NOT NULL", "user_id integr NOT NULL"),
                                 ("DATA WRAPPER parquet", "DATA WRAPPER parqet")),
    "empty_file": Case(text=""),
    "not_sql": Case(text="\x7fELF\x02\x01 this is no SQL\n"),
    "insert_values": Case((RAW[0], "INSERT INTO totals VALUES (1, 2);\n")),
    # ---- the command line ----
    "no_pipeline": Case(args="run nowhere.sql"),
    "pipeline_is_a_folder": Case(args="run {folder}"),
    "until": Case(args="run {sql} --until tomorrow --data data"),
    "command": Case(args="rnu {sql}"),
    "flag": Case(args="run {sql} --untl end"),
    "flag_without_value": Case(args="run {sql} --data"),
    "no_argument": Case(args="run"),
    "set_without_value": Case(args="check {sql} --set CLICKS_FILE"),
    "setting": Case(args="check {sql} -c exec.worker=2"),
    "setting_value": Case(args="check {sql} -c exec.epoch_bytes=much"),
    "setting_range": Case(args="check {sql} -c exec.batch_rows=0"),
    "source_of_no_table": Case(args="check {sql} --source click=file:clicks.jsonl"),
    "source_kind": Case(args="check {sql} --source clicks=clicks.jsonl"),
    "progress": Case(args="run {sql} --progress pretty"),
    "env_file": Case(args="check {sql}", before=write(".env", "CLICKS_FILE\n")),
    # ---- inputs ----
    "input_missing": Case(args=run(), before=remove("clicks.jsonl")),
    "input_folder_missing": Case(("'clicks.jsonl'", "'incoming/'"), args=run()),
    "source_missing": Case(args=run("--source", "clicks=file:gone.jsonl")),
    "format": Case(("path 'clicks.jsonl'", "path 'clicks.jsonl', format 'xml'")),
    "dimension_missing": Case(args=run(), before=remove("users.csv")),
    "dimension_field": Case(args=run(), before=write("users.csv", "user_id,segment\n1,gold\n2,silver,extra\n")),
    "dimension_value": Case(args=run(), before=write("users.csv", "user_id,segment\n1,gold\ntwo,silver\n")),
    "dimension_column": Case(args=run(), before=write("users.csv", "user,segment\n1,gold\n")),
    "dimension_key_twice": Case(args=run(), before=write("users.csv", "user_id,segment\n1,gold\n1,silver\n")),
    "dimension_key_null": Case(args=run(), before=write("users.csv", "user_id,segment\n1,gold\n,silver\n")),
    "dimension_rows": Case(("COPY users FROM 'users.csv' (FORMAT csv, HEADER);",
                            "INSERT INTO users VALUES (1, 'gold'), (2, 'silver'), (1, 'basic');"), args=run()),
    "gzip_cut": Case(("'clicks.jsonl'", "'clicks.jsonl.gz'"), args=run(),
                     before=write("clicks.jsonl.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\x56\xca\x4c")),
    "input_shrank": Case(args=run(), before=after_a_run(write("clicks.jsonl", CLICKS[:50]))),
    # ---- outputs and state ----
    "output_is_a_file": Case(args=run(), before=write("out", "in the way")),
    "data_is_a_file": Case(args=run(), before=write("data", "in the way")),
    "data_not_writable": Case(args="run {sql} --until end --data /proc/millrace"),
    "output_not_writable": Case(("(path 'out')", "(path '/proc/out')"), args=run()),
    "state_of_another_query": Case(("interval '1 minute'", "interval '2 minutes'"), args=run(),
                                   before=after_a_run(nothing)),
    "log_damaged": Case(args=run(), before=after_a_run(
        damage_the_log, "-c", "exec.epoch_rows=2", "-c", "exec.chunk_bytes=100")),
    "stdin_again": Case(("path 'clicks.jsonl'", "path '-'"), args=run(), before=read_from_stdin),
    # ---- Kafka ----
    "broker_down": Case(KAFKA, TOPIC, args=run()),
    "broker_address": Case((KAFKA[0], KAFKA[1].replace("127.0.0.1:{port}", "no.such.host.invalid:9092")), TOPIC,
                           args=run()),
    "topic_name": Case(KAFKA, (TOPIC[0], TOPIC[1].replace("'clicks'", "'my topic!'")), args=run()),
    "topic_missing_option": Case(KAFKA, (TOPIC[0], "OPTIONS (format 'json')")),
    "starting_offsets": Case(KAFKA, (TOPIC[0], TOPIC[1].replace("format", "starting_offsets 'yesterday', format")),
                             args=run()),
    "kafka_property": Case(KAFKA, (TOPIC[0], TOPIC[1].replace("format", "\"kafka.fetch.mni.bytes\" '1', format")),
                           args=run()),
    # ---- questions ----
    "sql_table": Case(args="sql SELECT+*+FROM+totls --data data", before=after_a_run(nothing)),
    "sql_syntax": Case(args="sql SELEC+1 --data data"),
    "sql_format": Case(args="sql SELECT+1 --format xml"),
    "generate_kind": Case(args="generate retial --count 3"),
    "generate_count": Case(args="generate retail --count many"),
}


# Where the grammar gave up, it does not know what was meant.
NO_ADVICE = {"syntax.txt", "not_sql.txt", "sql_syntax.txt"}


def changed(text, changes):
    for old, new in changes:
        assert text.count(old) >= 1, f"{old!r} is not in the pipeline"
        text = text.replace(old, new, 1)
    return text


def plain(text, folder, port, pid=None):
    """The text without what differs from machine to machine."""
    for path in (str(folder), os.path.realpath(folder)):
        text = text.replace(path, "<TMP>")
    text = text.replace(f":{port}", ":<PORT>").replace(MILLRACE, "millrace")
    text = re.sub(r"(is damaged at byte 0 of) \d+", r"\1 <BYTES>", text)
    if pid is not None:
        text = re.sub(rf"\b{pid}\b", "<PID>", text)
    return text


def check_golden(name, got):
    path = os.path.join(GOLDEN, f"{name}.txt")
    if UPDATE:
        os.makedirs(GOLDEN, exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(got)
    with open(path, encoding="utf-8") as golden:
        assert got == golden.read(), f"tests/e2e/golden_errors/{name}.txt: UPDATE=1 rewrites it"


def project(folder, case, port):
    (folder / "clicks.sql").write_text(
        changed(PIPELINE, case.changes).replace("{port}", str(port)) if case.text is None else case.text)
    (folder / "clicks.jsonl").write_text(CLICKS)
    (folder / "users.csv").write_text("user_id,segment\n0,gold\n1,silver\n")


@pytest.mark.parametrize("name", CASES)
def test_message(name, tmp_path):
    case, folder, port = CASES[name], tmp_path / "p", free_ports(1)[0]
    folder.mkdir()
    project(folder, case, port)
    if case.before is not None:
        case.before(folder)
    words = [word.replace("{sql}", "clicks.sql").replace("{folder}", ".").replace("+", " ") for word in case.args]
    life = start(*words, cwd=folder, env=case.env).wait(30)
    assert life.code in (1, 2), f"exit code {life.code}\n{life.out}{life.err}"
    got = f"exit {life.code}\n" + plain(life.err, folder, port)
    assert got.count("error: ") >= 1 and life.out == "", (life.out, life.err)
    assert not re.search(r"/(tmp|work|home|root)\b", got), got
    check_golden(name, got)


BAD_ROWS = [
    b'{"id": "a", "amount": 1, "at": "2026-01-01T00:00:00Z"}',
    b'{"id": "b", "user_id": null, "amount": 1, "at": "2026-01-01T00:00:00Z"}',
    b'{"id": "c", "user_id": "7", "amount": 1, "at": "2026-01-01T00:00:00Z"}',
    b'{"id": "d", "user_id": 7.5, "amount": 1, "at": "2026-01-01T00:00:00Z"}',
    b'{"id": "e", "user_id": 3000000000, "amount": 1, "at": "2026-01-01T00:00:00Z"}',
    b'{"id": "f", "user_id": 7, "amount": [1], "at": "2026-01-01T00:00:00Z"}',
    b'{"id": "g", "user_id": 7, "amount": 1e999, "at": "2026-01-01T00:00:00Z"}',
    b'{"id": "h", "user_id": 7, "amount": 1, "at": "yesterday"}',
    b'{"id": "i", "user_id": 7, "amount": 1}',
    b'{"id": "j", "user_id": 7, "amount": 1, "at": 1767225600}',
    b'{"id": "k", "user_id": 7, "amount": 1, "at": "2026-01-01T00:00:00Z"',
    b'{"id": "l\xff", "user_id": 7, "amount": 1, "at": "2026-01-01T00:00:00Z"}',
    b'["m", 7]',
    b"user_id,amount",
    b"",
    b" \t\r",
    b'{"id": 9, "user_id": 7.0, "amount": 1, "at": "2026-01-01T00:00:00Z"}',  # Nobody reads the id.
]


def test_bad_rows_say_why(tmp_path):
    """Rows that cannot be read stop nothing: they are in the bad table with their place and the reason."""
    folder = tmp_path / "p"
    folder.mkdir()
    project(folder, Case(), 0)
    (folder / "clicks.jsonl").write_bytes(b"".join(row + b"\n" for row in BAD_ROWS))
    done = millrace("run", "clicks.sql", "--until", "end", "--data", "data", "--progress", "json", cwd=folder,
                    timeout=60)
    assert (done.progress.last("bad_rows_total"), done.progress.last("input_rows_total")) == (14, 15)
    shown = millrace("sql", 'SELECT "offset", reason FROM clicks_bad ORDER BY 1', "--data", "data", cwd=folder,
                     timeout=60)
    check_golden("bad_rows", "exit 0\n" + shown.out)
    totals = millrace("sql", "SELECT total FROM totals", "--data", "data", "--format", "csv", cwd=folder, timeout=60)
    assert totals.out.splitlines()[1:] == ["1.0"]


def test_two_runs_of_one_pipeline(tmp_path):
    """The second says who holds the data folder: process and command."""
    folder = tmp_path / "p"
    folder.mkdir()
    project(folder, Case(), 0)
    first = start("run", "clicks.sql", "--data", "data", cwd=folder)
    try:
        log = folder / "data" / "state" / "clicks"
        wait_until(lambda: any(log.glob("*.log")), 20, "the first run")
        second = start("run", "clicks.sql", "--data", "data", cwd=folder).wait(30)
    finally:
        first.signal(15)
        first.wait(30)
    assert str(first.process.pid) in second.err and "clicks.sql" in second.err
    check_golden("data_folder_in_use", f"exit {second.code}\n" + plain(second.err, folder, 0, first.process.pid))


def test_every_message_has_a_place_a_fact_and_advice():
    """All golden files say what is wrong and nearly all what to do."""
    files = sorted(os.listdir(GOLDEN))
    assert {f.removesuffix(".txt") for f in files} == {*CASES, "data_folder_in_use", "bad_rows"}
    files.remove("bad_rows.txt")
    assert len(files) == len(CASES) + 1 and len(files) >= 40
    for file in files:
        with open(os.path.join(GOLDEN, file), encoding="utf-8") as golden:
            text = golden.read()
        assert re.match(r"exit [12]\nerror: [^\n]+[^.\n]\n", text), text
        assert "hint: " in text or file in NO_ADVICE, f"{file} gives no advice:\n{text}"
