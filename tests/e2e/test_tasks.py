"""Kinds of workflow tasks, each try as the supervisor starts it: `millrace __task DIR`."""

import base64
import http.server
import json
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time

import duckdb
import pytest

from broker_server import Broker, wait_until
from conftest import MILLRACE


class Project:
    def __init__(self, top):
        self.top = top
        self.number = 0
        self.more = {}  # For every launch file.
        (top / "data/in").mkdir(parents=True)
        (top / "data/in/a.csv").write_text("id,value\n1,2.5\n1,3.5\n2,10\n")

    def begin(self, kind, body, **more):
        self.number += 1
        folder = self.top / "t" / str(self.number)
        folder.mkdir(parents=True)
        launch = {"kind": kind, "dag": "d", "run_id": "r", "task": "t", "map_index": -1,
                  "number": 1, "data_dir": "data", "words": ["task"], "masked": [], "body": body}
        (folder / "launch.json").write_text(json.dumps({**launch, **self.more, **more}))
        return folder, subprocess.Popen([MILLRACE, "__task", folder], cwd=self.top, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, kind, body, **more):
        """Exit code, outputs by key, log, and the line that goes to the scheduler."""
        return self.end(*self.begin(kind, body, **more))

    def end(self, folder, process):
        log = process.communicate(timeout=120)[0]
        text = folder / "output"
        lines = text.read_text().splitlines() if text.exists() else []
        outputs = {key: json.loads(value) for key, value in (x.split("=", 1) for x in lines)}
        why = folder / "why"
        return process.returncode, outputs, log, why.read_text() if why.exists() else ""


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_sql_writes_a_file_whole_and_hands_on_its_rows(project):
    query = "SELECT id, count(*) AS n, avg(value) AS mean FROM read_csv('data/in/**') " \
            "WHERE id >= :least AND ':x' = ':x' GROUP BY id ORDER BY id -- :none"
    code, outputs, log, _ = project.run("sql", {
        "sql": query, "bind": {"least": 1}, "show": {"rows": 10, "total": True},
        "write_to": {"path": "data/out/m.parquet"}})
    assert code == 0, log
    rows = [{"id": 1, "n": 2, "mean": 3.0}, {"id": 2, "n": 1, "mean": 10.0}]
    assert outputs == {"row_count": 2, "rows": rows, "path": "data/out/m.parquet"}
    assert "total: 2 rows" in log
    assert [p.name for p in (project.top / "data/out").iterdir()] == ["m.parquet"]
    path = project.top / "data/out/m.parquet"
    assert duckdb.sql(f"SELECT * FROM '{path}'").fetchall() == [(1, 2, 3.0), (2, 1, 10.0)]
    # Once more: the same file; a query that fails leaves it as it is.
    assert project.run("sql", {"sql": "SELECT 7 AS a", "write_to": {
        "path": "data/out/m.parquet"}})[0] == 0
    assert project.run("sql", {"sql": "SELECT error('no')", "write_to": {
        "path": "data/out/m.parquet"}})[0] == 1
    assert duckdb.sql(f"SELECT * FROM '{path}'").fetchall() == [(7,)]
    code, _, log, why = project.run("sql", {"sql": "SELECT 1", "write_to": {
        "path": "data/out/m.parquet", "mode": "fail"}})
    assert code == 1 and why == '"data/out/m.parquet" is there already'


@pytest.mark.parametrize("ending", ["parquet", "csv", "json"])
def test_two_writers_of_one_file_do_not_meet(project, ending):
    """The slow one is halted while it writes, and the quick one runs to its end."""
    out = project.top / "data/out"

    def body(rows):
        return {"sql": f"SELECT md5(range::VARCHAR) AS m FROM range({rows})", "rows": 0,
                "write_to": {"path": f"data/out/x.{ending}", "format": ending}}

    def writes():
        return out.exists() and any(p.name.endswith(".tmp") for p in out.iterdir())

    def begin():
        for _ in range(10):  # Until one is met in the middle: it may be over before we have looked.
            folder, process = project.begin("sql", body(1000000))
            wait_until(lambda: writes() or process.poll() is not None, 20, "a part")
            process.send_signal(signal.SIGSTOP)
            if writes():
                return folder, process
            process.send_signal(signal.SIGCONT)
            assert project.end(folder, process)[0] == 0
        raise AssertionError("all were over too soon")

    def rows():
        read = {"parquet": "read_parquet", "csv": "read_csv", "json": "read_json"}[ending]
        return duckdb.connect().execute(f"SELECT count(*) FROM {read}('{out}/x.{ending}')").fetchone()[0]

    slow = begin()
    code, outputs, log, _ = project.run("sql", body(10))
    assert code == 0 and outputs["row_count"] == 10 and rows() == 10, log
    slow[1].send_signal(signal.SIGCONT)
    code, outputs, log, _ = project.end(*slow)
    assert code == 0 and outputs["row_count"] == rows() == 1000000, log
    slow = begin()
    slow[1].kill()
    project.end(*slow)
    assert len(list(out.iterdir())) == 2  # What it has left goes with the next.
    assert project.run("sql", body(10))[0] == 0 and rows() == 10
    assert [p.name for p in out.iterdir()] == [f"x.{ending}"]


def test_sql_quotes_what_is_bound(project):
    nasty = "it's; DROP --"
    code, outputs, log, _ = project.run("sql", {
        "sql": "SELECT :s AS s, :n AS n, :b AS b, :z AS z, 1::INTEGER AS i", "bind": {
            "s": nasty, "n": -2.5, "b": True, "z": None}})
    assert code == 0, log
    assert outputs["rows"] == [{"s": nasty, "n": -2.5, "b": True, "z": None, "i": 1}]
    code, _, _, why = project.run("sql", {"sql": "SELECT 1", "bind": {"unused": 1}})
    assert code == 97 and why == 'the query has no ":unused", which `bind` gives'


@pytest.mark.parametrize("target", [None, "o.csv", "o.json", "o.parquet"])
def test_sql_runs_its_query_once(project, target):
    """What is written, shown and handed on is one result: random() would tell."""
    body = {"sql": "SELECT random() AS r, '007' AS t; -- E'\\'", "show": True}
    if target is not None:
        body["write_to"] = {"path": target, "format": target.split(".")[1]}
    code, outputs, log, _ = project.run("sql", body)
    assert code == 0, log
    row = outputs["rows"][0]
    assert row["t"] == "007" and 0 <= row["r"] < 1
    shown = [float(line.split("|")[0]) for line in log.splitlines() if line.strip()[:2] == "0."]
    assert shown == [row["r"]]
    if target is not None:
        written = duckdb.sql(f"SELECT r FROM '{project.top / target}'").fetchall()
        assert written == [(row["r"],)]


def test_sql_explains(project):
    code, _, log, _ = project.run("sql", {"sql": "DESCRIBE SELECT 1 AS a", "show": True})
    assert code == 0 and "INTEGER" in log


def test_sql_says_what_is_missing_and_is_skipped_if_so_told(project):
    missing = {"files": "skip", "columns": ["id", "nope"]}
    code, _, log, why = project.run("sql", {"sql": "FROM read_csv('data/none/**')",
                                            "if_missing": missing})
    assert code == 99 and why.startswith("No files found that match") and log.startswith("skipped")
    code, _, _, why = project.run("sql", {"sql": "SELECT nope FROM read_csv('data/in/**')",
                                          "if_missing": missing})
    assert code == 99 and 'column "nope" not found' in why
    code, _, log, _ = project.run("sql", {"sql": "FROM read_csv('data/none/**')"})
    assert code == 1 and log.startswith("error: ")
    code, _, _, _ = project.run("sql", {"sql": "SELECT other FROM read_csv('data/in/**')",
                                        "if_missing": missing})
    assert code in (1, 97)


def test_check_fails_or_warns_and_tells_of_all(project):
    code, outputs, log, _ = project.run("check", {"assert": ["0 > 0", "1 = 1", "NULL"],
                                                  "severity": "warn"})
    assert code == 0 and outputs == {"passed": False, "failed": ["0 > 0", "NULL"]}
    assert "warning: 2 of 3 assertions do not hold: 0 > 0" in log
    code, outputs, log, why = project.run("check", {"assert": "value > :least", "bind": {
        "least": 3}, "sql": "FROM read_csv('data/in/**')"})
    assert code == 1 and outputs["passed"] is False and "FAILED value > :least (1 rows)" in log
    assert why == "1 of 1 assertions does not hold: value > :least"
    assert project.run("check", {"assert": ["2 > 1"]})[1] == {"passed": True, "failed": []}


def test_a_wrong_key_is_told_and_no_try_helps(project):
    code, _, log, why = project.run("sql", {"sq": "SELECT 1"})
    assert code == 97 and "sq" in why and "Did you mean" in log


def test_a_launch_file_with_secrets_does_not_stay(project):
    assert project.run("sql", {"sql": "SELECT 1"}, masked=["hunter2"])[0] == 0
    assert not pathlib.Path(project.top / "t/1/launch.json").exists()


# ---- topics ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def broker():
    with Broker() as running:
        yield running


@pytest.fixture
def at(project, broker):
    """A project whose connection "broker" is a broker that runs."""
    host, port = broker.address.rsplit(":", 1)
    project.more = {"connections": [{"id": "broker", "type": "kafka", "host": host, "port": int(port)},
                                    {"id": "other", "type": "http", "host": host}]}
    return project


def test_topics_are_made_written_and_read(at, broker):
    topics = {"conn": "broker", "topics": ["plain", {
        "name": "made", "partitions": 3, "configs": {"retention.ms": 86400000}}]}
    for _ in range(2):  # A try that is repeated finds them.
        code, outputs, log, _ = at.run("topic.create", topics)
        assert code == 0 and outputs == {"topics": ["plain", "made"]}, log
    described = json.loads(subprocess.run(
        [MILLRACE, "topic", "describe", "made", "--json", "--bootstrap", broker.address],
        check=True, capture_output=True).stdout)
    assert len(described["partitions"]) == 3 and described["configs"]["retention.ms"] == "86400000"
    code, _, _, why = at.run("topic.create", {**topics, "if_exists": "fail"})
    assert code == 1 and "plain" in why
    code, _, _, why = at.run("topic.create", {"conn": "broker", "topics": [{"nam": "x"}]})
    assert code == 97 and "nam" in why

    lines = [{"id": i, "user": f"u{i % 5}", "text": "ä\n"} for i in range(5000)]
    (at.top / "in.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
    code, outputs, log, _ = at.run("topic.produce", {
        "conn": "broker", "topic": "made", "from": {"file": "in.jsonl"}, "key": "user",
        "headers": {"h": "v"}, "compression": "zstd"})
    assert code == 0 and outputs == {"row_count": 5000, "topic": "made"}, log
    records = [json.loads(x) for x in subprocess.run(
        [MILLRACE, "consume", "made", "--json", "--bootstrap", broker.address],
        check=True, capture_output=True, text=True).stdout.splitlines()]
    assert sorted(json.loads(x["value"])["id"] for x in records) == list(range(5000))
    assert all(x["key"] == json.loads(x["value"])["user"] for x in records)
    assert all(x["headers"] == [{"key": "h", "value": "v"}] for x in records)
    code, outputs, log, _ = at.run("topic.consume", {
        "conn": "broker", "topic": "made", "rows": 3, "print": False, "write_to": "out/made.jsonl"})
    assert code == 0 and outputs["row_count"] == 5000 and log == ""
    assert outputs["path"] == "out/made.jsonl" and len(outputs["rows"]) == 3
    written = (at.top / "out/made.jsonl").read_text().splitlines()
    assert sorted(json.loads(x)["id"] for x in written) == list(range(5000))
    assert outputs["rows"] == [json.loads(x) for x in written[:3]]
    assert [p.name for p in (at.top / "out").iterdir()] == ["made.jsonl"]


def test_values_go_to_a_topic_and_what_is_read_is_shown(at):
    code, outputs, log, _ = at.run("topic.produce", {
        "conn": "broker", "topic": "hello", "create": True, "values": ["hello", {"a": [1, 2]}, 7]})
    assert code == 0 and outputs["row_count"] == 3, log
    code, outputs, log, _ = at.run("topic.consume", {"conn": "broker", "topic": "hello"})
    assert code == 0 and outputs == {"row_count": 3, "rows": ["hello", {"a": [1, 2]}, 7]}
    assert log.splitlines() == ["hello", '{"a":[1,2]}', "7"] or \
        log.splitlines() == ["hello", '{"a": [1, 2]}', "7"]
    begun = time.monotonic()
    code, outputs, _, _ = at.run("topic.consume", {
        "conn": "broker", "topic": "hello", "from": "-1", "until": {"idle": "4s"}})  # A slow broker is not idle.
    assert code == 0 and outputs["rows"] == [7] and 4 <= time.monotonic() - begun < 60
    code, outputs, _, _ = at.run("topic.consume", {
        "conn": "broker", "topic": "hello", "until": {"count": 2, "duration": "2m"}})
    assert code == 0 and outputs["rows"] == ["hello", {"a": [1, 2]}]


def test_a_group_goes_on_where_it_was_and_only_when_all_was_done(at):
    def produce(*values):
        assert at.run("topic.produce", {"conn": "broker", "topic": "grouped", "create": True,
                                        "values": list(values)})[0] == 0

    read = {"conn": "broker", "topic": "grouped", "consumer_group": "readers"}
    produce("a", "b")
    (at.top / "taken").mkdir()
    code, _, log, _ = at.run("topic.consume", {**read, "write_to": "taken"})
    assert code == 1, log  # A folder: nothing was committed.
    assert not list(at.top.glob("taken*part")), "a failed try left its file"
    assert at.run("topic.consume", read)[1]["rows"] == ["a", "b"]
    produce("c")
    assert at.run("topic.consume", read)[1]["rows"] == ["c"]
    assert at.run("topic.consume", read)[1]["rows"] == []


def test_what_is_wrong_with_topics_is_told(at):
    code, _, _, why = at.run("topic.consume", {"conn": "broker", "topic": "nowhere"})
    assert code == 1 and "nowhere" in why
    code, _, _, why = at.run("topic.consume", {"conn": "other", "topic": "x"})
    assert code == 1 and why == 'connection "other" is of type http, not kafka'
    code, _, _, why = at.run("topic.consume", {"conn": "nobody", "topic": "x"})
    assert code == 97 and 'no connection "nobody"' in why
    code, _, _, why = at.run("topic.consume", {"topic": "x", "until": {"idl": "1s"}})
    assert code == 97 and "idl" in why
    code, _, _, why = at.run("topic.produce", {"topic": "x"})
    assert code == 97 and '"from" or "values"' in why
    (at.top / "bad.txt").write_text('{"k": 1}\nno\n')
    code, _, _, why = at.run("topic.produce", {
        "conn": "broker", "topic": "bad", "create": True, "key": "k", "from": "bad.txt"})
    assert code == 1 and why == "bad.txt, line 2: not a JSON object"
    for partition in (-2, 1 << 31, (1 << 32) + 1):
        code, _, _, why = at.run("topic.produce", {"topic": "x", "values": [1], "partition": partition})
        assert code == 97 and f"no partition {partition}" in why, why
    headers = {f"h{i}": "x" for i in range(65)}
    code, _, _, why = at.run("topic.produce", {"topic": "x", "values": [1], "headers": headers})
    assert code == 1 and why == "a record has 64 headers at the most, not 65"
    headers.popitem()
    (at.top / "headers.txt").write_text('{"value": "v", "headers": [{"key": "one", "value": "more"}]}\n')
    body = {"conn": "broker", "topic": "bad", "format": "json", "from": "headers.txt"}
    code, _, _, why = at.run("topic.produce", {**body, "headers": headers})
    assert code == 1 and why == "headers.txt, line 1: more than 64 headers"
    headers.popitem()
    assert at.run("topic.produce", {**body, "headers": headers})[0] == 0


def test_what_is_read_fits_an_output(at):
    """The first values whose JSON fits; they may be six times as long as they are."""
    values = ["\x01" * 5000 for _ in range(5)]
    assert at.run("topic.produce", {"conn": "broker", "topic": "control", "create": True, "values": values})[0] == 0
    code, outputs, log, _ = at.run("topic.consume", {"conn": "broker", "topic": "control"})
    assert code == 0 and outputs == {"row_count": 5, "rows": values[:2]}, log[-300:]
    values = ["\t\n" * 2000 for _ in range(9)]
    assert at.run("topic.produce", {"conn": "broker", "topic": "tabs", "create": True, "values": values})[0] == 0
    code, outputs, log, _ = at.run("topic.consume", {"conn": "broker", "topic": "tabs"})
    assert code == 0 and outputs == {"row_count": 9, "rows": values[:8]}, log[-300:]


def test_the_projects_broker_is_the_one_without_a_connection(at, broker, monkeypatch):
    (at.top / "data/broker").mkdir()
    (at.top / "data/broker/address").write_text(broker.address + "\n")
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    assert at.run("topic.create", {"topics": "near"})[0] == 0
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    code, _, _, why = at.run("topic.create", {"topics": "near", "connect_timeout": "1s"})
    assert code == 1 and "127.0.0.1:1" in why


# ---- connections ---------------------------------------------------------------------------------------


def test_connections_come_from_the_environment_the_store_and_the_file(at, broker, monkeypatch):
    def add(name, uri):
        subprocess.run([MILLRACE, "conn", "add", name, uri], cwd=at.top, check=True, capture_output=True)

    topics = {"topics": "through", "connect_timeout": "1s"}
    (at.top / "millrace.yaml").write_text("")
    add("stored", f"kafka://{broker.address}")
    more = {"store": "data/flow.db"}
    assert at.run("topic.create", {**topics, "conn": "stored"}, **more)[0] == 0
    assert at.run("topic.create", {**topics, "conn": "broker"}, **more)[0] == 0
    code, _, _, why = at.run("topic.create", {**topics, "conn": "store"}, **more)
    assert code == 97 and 'no connection "store"' in why
    add("broker", "kafka://127.0.0.1:1")  # Goes before the DAG's own.
    code, _, _, why = at.run("topic.create", {**topics, "conn": "broker"}, **more)
    assert code == 1 and "127.0.0.1:1" in why
    monkeypatch.setenv("MILLRACE_CONN_BROKER", f"kafka://{broker.address}")
    assert at.run("topic.create", {**topics, "conn": "broker"}, **more)[0] == 0
    add("closed", f"kafka://me:secret-word@{broker.address}")
    code, _, log, why = at.run("topic.create", {**topics, "conn": "closed"}, **more)
    assert code == 1 and why == 'connection "closed" has a login' and "secret-word" not in log


# ---- stream.run ----------------------------------------------------------------------------------------

PIPELINE = """
CREATE SERVER k FOREIGN DATA WRAPPER kafka OPTIONS (bootstrap_servers %s);
CREATE SERVER lake FOREIGN DATA WRAPPER parquet;
CREATE FOREIGN TABLE hits (id bigint NOT NULL, kind text, at timestamptz OPTIONS (watermark '10 seconds') NOT NULL)
  SERVER k OPTIONS (topic '${TOPIC}', format 'json', starting_offsets 'earliest');
CREATE FOREIGN TABLE sums () SERVER lake OPTIONS (mode 'append', trigger '1 second');
INSERT INTO sums SELECT kind, id FROM hits;
"""


@pytest.mark.parametrize("servers", ["'${KAFKA_BOOTSTRAP_SERVERS}'", "'embedded'"])
def test_a_pipeline_is_run_until_what_is_there_is_worked_off(at, servers, request):
    topic = f"hits{len(request.node.name)}"
    (at.top / "sql").mkdir()
    (at.top / "sql/hits.sql").write_text(PIPELINE % servers)
    job = {"job": "sql/hits.sql", "conn": "broker", "set": {"TOPIC": topic}}

    def produce(first, count):
        values = [{"id": i, "kind": "ab"[i % 2], "at": f"2026-01-01T00:{i // 60 % 60:02}:{i % 60:02}Z"}
                  for i in range(first, first + count)] + ["no JSON"]
        assert at.run("topic.produce", {"conn": "broker", "topic": topic, "create": True,
                                        "values": values})[0] == 0


    def lake():
        return sorted(duckdb.sql(f"SELECT id FROM '{at.top}/data/lake/sums/**/*.parquet'").fetchall())

    produce(0, 1000)
    code, outputs, log, _ = at.run("stream.run", {**job, "until": {"available_now": True}})
    assert code == 0, log
    assert outputs == {"input_rows": 1001, "input_rows_total": 1001, "bad_rows_total": 1,
                       "late_rows_total": 0, "rows_total": outputs["rows_total"]}
    assert outputs["rows_total"]["sums"] == 1000 and lake() == [(i,) for i in range(1000)]
    produce(1000, 500)  # Goes on where it was, by time this time.
    code, outputs, log, _ = at.run("stream.run", {**job, "until": "3s"})
    assert code == 0 and outputs["input_rows"] == 501 and outputs["input_rows_total"] == 1502, log
    assert lake() == [(i,) for i in range(1500)]
    code, outputs, log, _ = at.run("stream.run", {**job, "fresh": True})
    assert code == 0 and outputs["input_rows_total"] == 1502 and lake() == [(i,) for i in range(1500)]


def test_what_is_wrong_with_a_pipeline_is_told(at):
    (at.top / "p.sql").write_text("CREATE SERVER s FOREIGN DATA WRAPPER kafk;\nSELECT 1;\n")
    code, outputs, log, why = at.run("stream.run", {"job": "p.sql"})
    assert code != 0 and outputs == {} and "p.sql:1" in log and "kafk" in log and "kafk" in why
    code, _, _, why = at.run("stream.run", {"job": "none.sql"})
    assert code == 1 and "none.sql" in why
    code, _, _, why = at.run("stream.run", {"job": "p.sql", "until": "soon"})
    assert code == 97 and why == 'key "until" does not know "soon"'


# ---- http ----------------------------------------------------------------------------------------------


class Site(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked; /status/N with that status, /moved to /here, /slow after a second."""

    def answer(self):
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if self.command == "POST":
            self.server.posted.append((self.path, text))
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/here")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.path == "/slow":
            time.sleep(1)
        body = json.dumps({"method": self.command, "path": self.path, "body": text,
                           "headers": {k.lower(): v for k, v in self.headers.items()}}).encode()
        if self.path.startswith("/large"):
            body = b"x" * 100_000
        if self.path.startswith("/bytes/"):
            body = self.server.bytes
        status = self.server.status
        if self.path.startswith("/status/"):
            status = int(self.path.split("/")[2])
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.status = 200
    server.posted = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_request_says_what_it_is_told_and_hands_its_answer_on(project, site):
    code, outputs, log, _ = project.run("http", {
        "url": site.url + "/a?x=1", "query": {"y z": "ä&", "n": 2}, "headers": {"X-One": "1", "X-None": ""}})
    assert code == 0 and outputs["status"] == 200, log
    got = outputs["json"]
    assert json.loads(outputs["body"]) == got and got["method"] == "GET" and got["body"] == ""
    assert got["path"] == "/a?x=1&y%20z=%C3%A4%26&n=2" and got["headers"]["x-one"] == "1"
    assert got["headers"]["x-none"] == ""
    got = project.run("http", {"url": site.url, "json": {"a": [1, "ä"]}})[1]["json"]
    assert got["method"] == "POST" and json.loads(got["body"]) == {"a": [1, "ä"]}
    assert got["headers"]["content-type"] == "application/json"
    got = project.run("http", {"url": site.url, "method": "PUT", "body": "as it is",
                               "headers": {"Content-Type": "text/plain"}})[1]["json"]
    assert (got["method"], got["body"], got["headers"]["content-type"]) == ("PUT", "as it is", "text/plain")
    assert project.run("http", {"url": site.url, "method": "DELETE"})[1]["json"]["method"] == "DELETE"
    code, outputs, _, _ = project.run("http", {"url": site.url, "method": "HEAD"})
    assert code == 0 and outputs == {"status": 200, "body": ""}
    assert project.run("http", {"url": site.url + "/moved"})[1]["json"]["path"] == "/here"


def test_a_status_decides_and_large_answers_go_to_a_file(project, site):
    code, outputs, _, why = project.run("http", {"url": site.url + "/status/503"})
    assert code == 1 and outputs == {} and "/status/503\" answers 503: {" in why
    for expect in (503, "5xx", ["2xx", 503]):
        code, outputs, log, _ = project.run("http", {"url": site.url + "/status/503", "expect": expect})
        assert code == 0 and outputs["status"] == 503, log
    assert project.run("http", {"url": site.url, "expect": [404]})[0] == 1
    code, outputs, log, _ = project.run("http", {"url": site.url + "/large"})
    assert code == 0 and outputs == {"status": 200} and "100000 bytes, is no output" in log
    code, outputs, _, _ = project.run("http", {"url": site.url + "/large", "write_to": "out/x.bin"})
    assert code == 0 and outputs == {"status": 200, "path": "out/x.bin"}
    assert (project.top / "out/x.bin").read_bytes() == b"x" * 100_000
    code, _, _, why = project.run("http", {"url": site.url + "/large", "max_size": "1kB"})
    assert code == 1 and "more than" in why
    code, _, _, why = project.run("http", {"url": site.url + "/slow", "request_timeout": "200ms"})
    assert code == 1 and "/slow" in why
    code, _, _, why = project.run("http", {"url": "http://127.0.0.1:1/"})
    assert code == 1 and "127.0.0.1:1" in why


def test_an_answer_that_is_too_long_for_an_output_fails_nothing(project, site):
    for site.bytes, outputs in (
            (b"1\t2\n" * 5500, ["body", "status"]),  # 22,000 bytes, and 33,002 as JSON.
            (b"\x01" * 22_000, ["status"]),
            (b'"' + b"x" * 65_534 + b'"', ["json", "status"]), (b'"' + b"x" * 65_535 + b'"', ["status"]),
            (b"[" + b" " * 100_000 + b"1]", ["json", "status"]), (b"\xff", ["status"]),
            (b"x" * 65_534, ["body", "status"]), (b"x" * 65_535, ["status"])):
        code, got, log, _ = project.run("http", {"url": site.url + "/bytes/"})
        assert code == 0 and sorted(got) == outputs, (site.bytes[:9], log[:300])
        assert ("is no output" in log) == ("body" not in outputs)
        assert got.get("body", site.bytes.decode(errors="replace")) == site.bytes.decode(errors="replace")


def test_a_request_goes_through_a_connection_and_bad_keys_are_told(project, site):
    conn = {"id": "api", "type": "http", "host": "127.0.0.1", "port": site.server_port, "login": "me",
            "password": "hunter22", "extra": {"X-Team": "blue"}}
    code, outputs, log, _ = project.run("http", {"url": "v1/x", "conn": "api"}, connections=[conn])
    assert code == 0, log
    got = outputs["json"]
    assert got["path"] == "/v1/x" and got["headers"]["x-team"] == "blue" and "hunter22" not in log
    assert base64.b64decode(got["headers"]["authorization"].split()[1]) == b"me:hunter22"
    for body, words in (({"url": "v1/x"}, "is no URL"), ({"url": site.url, "expect": "ok"}, "no status"),
                        ({"url": site.url, "body": "a", "json": 1}, "exclude each other"),
                        ({"url": "file:///etc/passwd"}, "is no URL")):
        code, _, _, why = project.run("http", body)
        assert code == 97 and words in why, why


@pytest.mark.parametrize("uri", ["https://me:hunter22@127.0.0.1:%d", "http://me:hunter22@https%%3A%%2F%%2F127.0.0.1:%d",
                                 '{"type": "https", "host": "127.0.0.1", "login": "me", "password": "hunter22", "port": %d}'])
def test_an_https_connection_never_speaks_plainly(project, uri, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(120)
        heard = []

        def listen():
            one, _ = server.accept()
            with one:
                heard.append(one.recv(4096))

        thread = threading.Thread(target=listen)
        thread.start()
        monkeypatch.setenv("MILLRACE_CONN_API", uri % server.getsockname()[1])
        code, _, log, why = project.run("http", {"url": "/x", "conn": "api"})
        thread.join()
    assert code == 1 and "https://127.0.0.1:" in why, log
    assert heard[0][:1] == b"\x16" and b"GET" not in heard[0], heard  # TLS's first record.


# ---- wait ----------------------------------------------------------------------------------------------

NOT_YET = 98


def test_a_wait_for_files(project):
    def look(file):
        code, outputs, _, why = project.run("wait", {"file": file})
        return (outputs["paths"] if code == 0 else None), code, why

    assert look("data/in/b.csv") == (None, NOT_YET, 'there is no "data/in/b.csv"')
    assert look("data/none/*.csv")[1] == NOT_YET and look("data/in/*.json")[1] == NOT_YET
    (project.top / "data/in/sub/deep").mkdir(parents=True)
    (project.top / "data/in/sub/deep/b.csv").write_text("")
    (project.top / "data/in/.hidden.csv").write_text("")
    assert look("data/in/a.csv")[0] == ["data/in/a.csv"]
    assert look("data/in/*.csv")[0] == ["data/in/a.csv"]
    assert look("data/**/*.csv")[0] == ["data/in/a.csv", "data/in/sub/deep/b.csv"]
    assert look("data/in/*/deep/?.csv")[0] == ["data/in/sub/deep/b.csv"]
    assert look(f"{project.top}/data/i[mn]/*.csv")[0] == [f"{project.top}/data/in/a.csv"]


def test_a_wait_for_a_query_and_a_table(project):
    for query, value in (("SELECT 1", 1), ("SELECT 'x' AS a, 0 AS b", "x"), ("SELECT count(*) FROM 'data/in/a.csv'", 3)):
        code, outputs, log, _ = project.run("wait", {"sql": query})
        assert code == 0 and outputs == {"value": value}, log
    for query, words in (("SELECT 0", "gives 0"), ("SELECT NULL", "gives null"), ("SELECT ''", 'gives ""'),
                         ("SELECT 1 < 0", "gives false"), ("SELECT 1 WHERE false", "gives no row"),
                         ("FROM read_csv('data/none/**')", "No files found")):
        code, outputs, _, why = project.run("wait", {"sql": query})
        assert code == NOT_YET and outputs == {} and words in why
    assert project.run("wait", {"sql": "SELECT :n > 1", "bind": {"n": 2}})[0] == 0
    with tempfile.TemporaryDirectory() as elsewhere:  # As kind sql: any file of the machine.
        pathlib.Path(elsewhere, "x.csv").write_text("a\n5\n")
        code, outputs, log, _ = project.run("wait", {"sql": f"SELECT a FROM '{elsewhere}/x.csv'"})
        assert code == 0 and outputs == {"value": 5}, log
    begun = time.monotonic()
    code, _, _, why = project.run("wait", {
        "sql": "SELECT sum(a.range * b.range % 7) FROM range(10000000) a, range(10000000) b", "look_timeout": "500ms"})
    assert code == NOT_YET and why == "the query takes longer than look_timeout, 500 ms", why
    assert time.monotonic() - begun < 20
    assert project.run("wait", {"sql": "SELEC 1"})[0] not in (0, NOT_YET)
    code, _, _, why = project.run("wait", {"table": "sums"})
    assert code == NOT_YET and why == 'the lake has no table "sums"'
    (project.top / "p.sql").write_text("""
        CREATE SERVER f FOREIGN DATA WRAPPER file; CREATE SERVER lake FOREIGN DATA WRAPPER parquet;
        CREATE FOREIGN TABLE rows (id bigint, at timestamptz OPTIONS (watermark '1 second'))
          SERVER f OPTIONS (path 'rows.jsonl', format 'json');
        CREATE FOREIGN TABLE sums () SERVER lake OPTIONS (mode 'append', trigger '1 second');
        INSERT INTO sums SELECT id FROM rows;""")
    (project.top / "rows.jsonl").write_text('{"id": 1, "at": "2026-01-01T00:00:00Z"}\n')
    code, _, log, _ = project.run("stream.run", {"job": "p.sql"})
    assert code == 0, log
    assert project.run("wait", {"table": "sums"})[0] == 0


def test_a_wait_for_a_topic(at):
    code, _, _, why = at.run("wait", {"topic": "awaited", "conn": "broker", "look_timeout": "2s"})
    assert code == NOT_YET and "awaited" in why
    assert at.run("topic.produce", {"conn": "broker", "topic": "awaited", "create": True,
                                    "values": [1, 2, 3]})[0] == 0
    code, outputs, _, _ = at.run("wait", {"topic": "awaited", "conn": "broker"})
    assert code == 0 and outputs == {"records": 3}
    code, _, _, why = at.run("wait", {"topic": {"name": "awaited", "records": 4}, "conn": "broker"})
    assert code == NOT_YET and why == 'topic "awaited" has 3 records, not 4'
    gone = {"connections": [{"id": "broker", "type": "kafka", "host": "127.0.0.1:1"}]}
    assert at.run("wait", {"topic": "awaited", "conn": "broker", "look_timeout": "1s"}, **gone)[0] == NOT_YET


def test_a_wait_for_a_service(project, site):
    assert project.run("wait", {"http": site.url})[1] == {"status": 200}
    site.status = 503
    code, _, _, why = project.run("wait", {"http": site.url})
    assert code == NOT_YET and why == f'"{site.url}" answers 503'
    assert project.run("wait", {"http": {"url": site.url, "expect": [503]}})[0] == 0
    assert project.run("wait", {"http": "http://127.0.0.1:1/"})[0] == NOT_YET
    assert project.run("wait", {"http": "nowhere"})[0] == 97
    code, _, _, why = project.run("wait", {"http": site.url, "file": "x"})
    assert code == 97 and "not 2" in why
    assert project.run("wait", {})[0] == 97


def test_a_wait_for_another_dag(tmp_path):
    (tmp_path / "dags").mkdir()
    (tmp_path / "millrace.yaml").write_text("")
    (tmp_path / "dags/first.yaml").write_text(
        "id: first\ntasks:\n  - {id: a, type: shell, script: 'test -e go'}\n")
    (tmp_path / "dags/second.yaml").write_text(
        "id: second\ntasks:\n  - {id: w, type: wait, dag: first, poke_interval: 300ms}\n"
        "  - {id: v, type: wait, dag: {dag: first, task: a}, poke_interval: 300ms, depends_on: w}\n")

    def call(*words):  # What cannot be done yet says nothing.
        done = subprocess.run([MILLRACE, *words], cwd=tmp_path, capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else ""

    date = ("--logical-date", "2026-01-01T00:00:00Z")
    up = subprocess.Popen([MILLRACE, "up", "-c", "broker.listen=127.0.0.1:0"], cwd=tmp_path, start_new_session=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: call("dag", "trigger", "second", *date), 20, "up")
        wait_until(lambda: "is not there" in call("runs", "why", "second"), 20, "the first look")
        assert call("dag", "trigger", "first", *date)
        wait_until(lambda: "is failed" in call("runs", "why", "second"), 20, "the second look")
        (tmp_path / "go").write_text("")
        assert call("runs", "retry", "first")
        wait_until(lambda: json.loads(call("runs", "show", "second", "--json"))["state"] == "success", 20, "the end")
    finally:
        up.terminate()
        up.wait(120)


def test_a_wait_for_a_dag_outlasts_a_store_that_is_away(project):
    look = {"dag": {"dag": "first", "logical_date": "2026-01-01"}, "look_timeout": "1s"}
    for store in ("", "data/flow.db", "postgresql://u:pw@127.0.0.1:1/x"):
        code, _, _, why = project.run("wait", look, store=store)
        assert code == NOT_YET and why, (store, why)
    (project.top / "millrace.yaml").write_text("")
    subprocess.run([MILLRACE, "var", "set", "a", "1"], cwd=project.top, check=True)  # Its tables only.
    code, _, _, why = project.run("wait", look, store="data/flow.db")
    assert code == NOT_YET and why == "nothing has been scheduled in this project"
    code, _, _, why = project.run("wait", {"dag": {"dag": "first", "logical_date": "soon"}}, store="data/flow.db")
    assert code == 97 and "soon" in why


def test_a_webhook_is_sent_and_a_stopped_task_ends_at_once(tmp_path, site):
    (tmp_path / "dags").mkdir()
    (tmp_path / "millrace.yaml").write_text("flow:\n  kill_grace: 1h\n")
    (tmp_path / "dags/d.yaml").write_text(
        "id: d\ntasks:\n"
        "  - {id: c, type: topic.consume, topic: t, until: {idle: 1h}, depends_on: p}\n"
        "  - {id: p, type: topic.produce, topic: t, create: true, values: [one]}\n")
    (tmp_path / "dags/e.yaml").write_text(
        f"id: e\non_failure: {{webhook: \"{site.url}/hook\"}}\ntasks:\n  - {{id: f, type: shell, script: 'false'}}\n")

    def call(*words):
        done = subprocess.run([MILLRACE, *words], cwd=tmp_path, capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else ""

    up = subprocess.Popen([MILLRACE, "up", "-c", "broker.listen=127.0.0.1:0"], cwd=tmp_path, start_new_session=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: call("dag", "trigger", "d"), 20, "up")
        wait_until(lambda: "one" in call("runs", "logs", "d", "--task", "c"), 20, "the record in the log")
        assert call("runs", "stop", "d")
        wait_until(lambda: json.loads(call("runs", "show", "d", "--json"))["state"] != "running", 20, "the stop")
        assert call("dag", "trigger", "e")
        wait_until(lambda: site.posted, 20, "the webhook")
        path, body = site.posted[0]
        assert path == "/hook" and json.loads(body)["dag"] == "e"
    finally:
        up.terminate()
        up.wait(120)
