"""examples/pipeline, up with a broker of its own, its runs kept in SQLite or PostgreSQL; what comes out is compared with
DuckDB's answers over what went in, and topics are written and read by a client of others."""

import collections
import datetime
import json
import os
import random
import re
import subprocess

import duckdb
import pytest
from confluent_kafka.admin import AdminClient, ConfigResource

from conftest import EXAMPLES, MILLRACE, same_rows, wait_until
from example_project import ExampleProject, new_database, outputs, produce, records, states

START = datetime.datetime(2026, 3, 1, 8, tzinfo=datetime.timezone.utc)


@pytest.fixture
def make(tmp_path):
    """Starts the example; once a test."""
    made = []

    def start(**how):
        made.append(ExampleProject("pipeline", tmp_path, **how))
        return made[-1].up()
    yield start
    for project in made:
        project.close()


def ask(query, *values):
    """Rows of a query of DuckDB's own; times are UTC's, without a zone."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    return con.execute(query, values or None).fetchall()


def moment(text):
    """A time in ISO 8601 as UTC's, without a zone."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(datetime.timezone.utc).replace(tzinfo=None)


def after(**time):
    return (START + datetime.timedelta(**time)).isoformat()


def ask_of(rows, query, *values):
    """The same, over a list of objects as the lines of `lines`."""
    text = "\n".join(json.dumps(row) for row in rows)
    return ask(f"WITH lines AS (SELECT unnest(string_split(?, chr(10))) AS line) {query}", text, *values)


ADULTS = """SELECT line->>'name', line->>'name', (line->>'age')::int, line->>'city' FROM lines
            WHERE (line->>'age')::int >= 18"""


@pytest.mark.parametrize("kept", ["sqlite", "postgres"])
def test_create_produce_stream_consume(make, kept, request):
    server = request.getfixturevalue("postgres") if kept == "postgres" else None
    url = new_database(server) if server else None
    project = make(url=url)
    first = project.run("kafka_spark_pipeline")
    assert set(states(first).values()) == {"success"} and len(first["tasks"]) == 4
    assert outputs(first, "create_kafka_topics") == {"topics": ["input-topic", "output-topic"]}
    assert outputs(first, "produce_sample_data")["row_count"] == 5
    assert outputs(first, "consume_output_topic")["row_count"] == 3
    assert sorted(project.log(first["run"], "consume_output_topic")) == [
        '{"name":"Alice","age":25,"city":"NYC"}', '{"name":"Charlie","age":30,"city":"Chicago"}',
        '{"name":"Eve","age":22,"city":"Seattle"}']
    assert [len(AdminClient({"bootstrap.servers": project.address()}).list_topics(t, 10).topics[t].partitions)
            for t in ("input-topic", "output-topic")] == [3, 3]
    # Others write too; the second run takes what they wrote and its own five lines, each once.
    pick = random.Random(5)
    more = [{"name": f"n{i} ä", "age": pick.choice([None, 0, 17, 18, 19, 80]), "city": pick.choice([None, "Köln"])}
            for i in range(400)]
    produce(project.address(), "input-topic", more)
    second = project.run("kafka_spark_pipeline")
    sample = [json.loads(line) for line in (project.path / "sample.jsonl").read_text().splitlines()]
    want = ask_of(sample + more + sample, ADULTS)
    got = records(project.address(), "output-topic")
    same_rows("output-topic", want, [(key, v.get("name"), v.get("age"), v.get("city")) for key, v in got])
    assert all(list(v) == [name for name in ("name", "age", "city") if name in v] for _, v in got)
    assert outputs(second, "process_kafka_with_spark")["input_rows"] == 405
    assert outputs(second, "consume_output_topic")["row_count"] == len(want)
    if server:
        assert server_rows(server, url, "SELECT state, count(*) FROM task GROUP BY 1") == [["success", "8"]]
        assert not (project.path / "data" / "flow.db").exists()


def server_rows(server, url, query):
    return server.sql(query, database=url.rsplit("/", 1)[1])


def readings(count, pick, minutes):
    """Those of four sensors, out of order by less than the watermark's delay."""
    return [{"sensor_id": f"s{pick.randrange(4)}", "value": pick.random(),
             "timestamp": after(seconds=i * 60 * minutes // count + pick.randrange(90))} for i in range(count)]


COUNTS = """SELECT time_bucket(INTERVAL 1 minute, (line->>'timestamp')::timestamptz::timestamp), line->>'sensor_id', count(*)
            FROM lines GROUP BY ALL"""


def counted(project):
    """What sensor-aggregates says last of each minute and sensor, and how often it said something."""
    last, times = {}, collections.Counter()
    for _, value in records(project.address(), "sensor-aggregates"):
        window = [moment(value["window"][end]) for end in ("start", "end")]
        assert window[1] - window[0] == datetime.timedelta(minutes=1)
        key = (window[0], value["sensor_id"])
        last[key] = max(last.get(key, 0), value["count"])  # A count only grows; partitions have no common order.
        times[key] += 1
    return [(*key, count) for key, count in last.items()], times


def test_a_topic_is_worked_off_and_its_counts_grow(make):
    project = make(env={"TRIGGER": "100 milliseconds"})
    project.call("topic", "create", "sensor-data", "--partitions", "3")
    rows = readings(3000, random.Random(1), 30)
    produce(project.address(), "sensor-data", rows)
    first = project.run("streaming_pipeline")
    assert outputs(first, "process_stream")["input_rows"] == 3000
    counts, _ = counted(project)
    same_rows("sensor-aggregates", ask_of(rows, COUNTS), counts)
    # More of the minutes that are still open: the daily workflow's stream goes on where that one stopped.
    more = readings(200, random.Random(2), 2)
    more = [{**row, "timestamp": after(minutes=29, seconds=i % 60)} for i, row in enumerate(more)]
    produce(project.address(), "sensor-data", more)
    second = project.run("batch_then_stream", "--logical-date", "2026-01-01")
    assert outputs(second, "stream_realtime")["input_rows"] == 200
    counts, times = counted(project)
    same_rows("sensor-aggregates", ask_of(rows + more, COUNTS), counts)
    assert max(times.values()) > 1
    # Minutes that are over stand in the table, once and with their last count.
    greatest = max(moment(row["timestamp"]) for row in rows)
    closed = ask(f"SELECT window_start::timestamp, sensor_id, count FROM '{project.rows('sensor_counts')}'")
    assert len(closed) > 50 and len(closed) == len({row[:2] for row in closed})
    assert set(closed) <= set(ask_of(rows + more, COUNTS))
    assert max(row[0] for row in closed) + datetime.timedelta(minutes=6) <= greatest


def test_history_as_a_batch_then_what_is_new_as_a_stream(make):
    project = make()
    shown = project.run("batch_then_stream", "--logical-date", "2026-01-01")
    assert set(states(shown).values()) == {"success"}
    history = [json.loads(line) for line in (project.path / "history" / "2026-01-01.jsonl").read_text().splitlines()]
    written = project.path / "data" / "history_counts" / "2026-01-01.parquet"
    same_rows("history", ask_of(history, COUNTS),
              ask(f"SELECT window_start::timestamp, sensor_id, count FROM '{written}'"))
    none = project.run("batch_then_stream", "--logical-date", "2026-01-02")
    assert states(none) == {"batch_historical": "skipped", "stream_realtime": "success"}
    assert [p.name for p in written.parent.iterdir()] == ["2026-01-01.parquet"]


AIR = """, r AS (SELECT (line->>'timestamp')::timestamptz::timestamp AS t, line->>'location' AS place,
                         (line->>'pm25')::double AS pm25, (line->>'pm10')::double AS pm10,
                         (line->>'temperature')::double AS temperature, (line->>'humidity')::double AS humidity FROM lines),
              w AS (SELECT unnest(generate_series(?::timestamp, ?::timestamp, INTERVAL 1 minute)) AS s)
         SELECT s, s + INTERVAL 5 minute AS e, place, round(avg(pm25), 9) AS pm25, round(avg(pm10), 9),
                round(avg(temperature), 9), round(avg(humidity), 9)
         FROM w JOIN r ON t >= s AND t < s + INTERVAL 5 minute WHERE s + INTERVAL 5 minute <= ?::timestamp GROUP BY s, place"""


def air(count, pick):
    level = {"north": 20, "south": 35, "east": 60}
    rows = []
    for i in range(count):
        place = pick.choice(list(level))
        rows.append({"sensor_id": f"{place}-{pick.randrange(3)}", "location": place,
                     "timestamp": after(seconds=2 * i + pick.randrange(300)),
                     "pm25": round(level[place] + pick.gauss(0, 8), 3), "pm10": pick.choice([None, round(pick.random(), 3)]),
                     "temperature": round(pick.gauss(20, 2), 2), "humidity": round(pick.random() * 100, 1)})
    return rows


def test_alerts_of_averages_that_are_too_high(make):
    project = make(env={"STARTING_OFFSETS": "earliest", "TRIGGER": "100 milliseconds"})
    rows = air(2400, random.Random(3))
    end = START + datetime.timedelta(hours=3)  # One in each partition: the watermark is ten minutes behind.
    rows += [{"sensor_id": "last", "location": "end", "timestamp": end.isoformat(), "pm25": 0.0}] * 3
    produce(project.address(), "air-quality-raw", rows)
    delay = datetime.timedelta(minutes=10)
    first, closed = (moment(at.isoformat()) for at in (START - delay, end - delay))
    want = ask_of(rows, AIR, first, closed, closed)
    high = [row for row in want if row[3] > 35.4]
    assert 20 < len(high) < len(want) - 20
    found = []

    def all_there():
        found[:] = records(project.address(), "air-quality-alerts")
        return len(found) >= len(high)
    wait_until(all_there, 30, "alerts")
    got = [(moment(v["window"]["start"]), moment(v["window"]["end"]), v["location"], *(
        None if v.get(name) is None else round(v[name], 9) for name in ("avg_pm25", "avg_pm10", "avg_temp", "avg_humidity")))
        for _, v in found]
    same_rows("air-quality-alerts", high, got)
    query = f"""SELECT window_start::timestamp, window_end::timestamp, location, round(avg_pm25, 9), round(avg_pm10, 9),
                       round(avg_temp, 9), round(avg_humidity, 9)
                FROM read_parquet('{project.rows('air_quality_averages')}', hive_partitioning = true)"""
    wait_until(lambda: (project.path / "data/lake/air_quality_averages").exists() and
               len(ask(query)) >= len(want), 30, "averages")
    same_rows("air_quality_averages", want, ask(query))


def test_topics_with_settings_are_read_by_a_group(make):
    project = make()
    first = project.run("topic_settings")
    assert sorted(row["name"] for row in outputs(first, "consume")["rows"]) == ["Alice", "Bob", "Charlie", "Diana", "Eve"]
    admin = AdminClient({"bootstrap.servers": project.address()})
    assert len(admin.list_topics("high-throughput-topic", 10).topics["high-throughput-topic"].partitions) == 10
    resource = ConfigResource(ConfigResource.Type.TOPIC, "high-throughput-topic")
    configs = admin.describe_configs([resource])[resource].result(120)
    assert {name: configs[name].value for name in ("retention.ms", "compression.type", "max.message.bytes")} == {
        "retention.ms": "86400000", "compression.type": "snappy", "max.message.bytes": "10485760"}
    second = project.run("topic_settings")  # The group goes on behind what it has read.
    assert outputs(second, "consume")["row_count"] == 5
    assert len(records(project.address(), "high-throughput-topic")) == 10


def test_a_first_batch_job(make):
    project = make()
    shown = project.run("hello_spark")
    assert outputs(shown, "hello_spark_job")["row_count"] == 5
    want = ask(f"SELECT count(*), avg(age) FROM '{project.path}/sample.jsonl' WHERE age >= 18")
    assert [tuple(row.values()) for row in outputs(shown, "count_adults")["rows"]] == want
    text = "\n".join(project.log(shown["run"], "hello_spark_job"))
    assert "Hello from SQL | Alice" in text and "total: 5 rows" in text


def test_the_schedules_are_those_that_were_described(make):
    project = make(timed=True)
    dags = {row["dag"]: row for row in project.json("dag", "list")["dags"]}
    assert set(dags) == {"kafka_spark_pipeline", "hello_spark", "streaming_pipeline", "batch_then_stream", "topic_settings"}
    day = project.call("dag", "next", "batch_then_stream", "--from", "2026-01-01T12:00", "--count", "1", "--json").stdout
    assert json.loads(day)["runs_at"] == "2026-01-02T00:00:00+00:00"
    # Nothing but what was asked for, and no catching up; a midnight may just have struck.
    assert [run for run in project.json("runs", "list")["runs"] if run["type"] != "scheduled"] == []
    assert len(project.json("runs", "list")["runs"]) <= 1
    parts = {part["name"]: part["state"] for part in project.json("status")["parts"]}
    assert parts["adults"] == parts["sensor_counts"] == "stopped"


def test_every_line_of_its_page_can_be_typed(make, tmp_path):
    project = make(timed=True)
    project.close()
    with open(f"{EXAMPLES}/pipeline/README.md", encoding="utf-8") as page:
        script = "\n".join(re.findall(r"```sh\n(.*?)```", page.read(), re.S))
    (tmp_path / "bin").mkdir()
    os.symlink(MILLRACE, tmp_path / "bin" / "millrace")
    ran = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=project.path, capture_output=True, text=True,
                         env={**project.env, "PATH": f"{tmp_path}/bin:/usr/bin:/bin"}, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    assert ran.stdout.count("Hello Kafka\n") == 2 and ran.stdout.count('{"name":"Eve","age":22,"city":"Seattle"}') == 1


def test_its_cases_pass():
    ran = subprocess.run([MILLRACE, "test"], cwd=f"{EXAMPLES}/pipeline", capture_output=True, text=True, timeout=120,
                         check=False)
    assert ran.returncode == 0 and "3 passed, 0 failed" in ran.stdout, ran.stdout + ran.stderr
