"""The examples' workflows, run for a day by `dag test`, and beside their streams in a project that is up, its runs in
SQLite or PostgreSQL; against queries of our own over the same files."""

import glob
import json
import shutil

import duckdb
import pytest

from conftest import EXAMPLES, millrace, wait_until
from example_project import ExampleProject, new_database, outputs, states


@pytest.fixture
def project(tmp_path):
    def copy(name):
        folder = tmp_path / name
        shutil.copytree(f"{EXAMPLES}/{name}", folder, ignore=shutil.ignore_patterns("data"))
        return folder
    return copy


# Counted anew from the windows that the stream wrote, with no word of the workflow's query.
RETAIL_DAY = """
    WITH w AS (SELECT *, coalesce(segment IN ('gold', 'platinum'), false) AS premium
               FROM read_parquet('{lake}/**/*.parquet', hive_partitioning => true)
               WHERE strftime(event_date, '%Y-%m-%d') = '{day}')
    SELECT country, premium, round(sum(total_amount), 4), sum(unique_events)::bigint,
           round(sum(CASE WHEN epoch(window_start)::bigint % 60 = 0 THEN total_amount END), 4)
    FROM w GROUP BY ALL ORDER BY ALL"""


def same_day(lake, day, out):
    """The day's file holds what the windows say; ret: its rows."""
    expected = duckdb.sql(RETAIL_DAY.format(lake=lake, day=day)).fetchall()
    found = duckdb.sql(f"""SELECT country, is_premium, round(total_revenue, 4), total_events, round(revenue, 4)
                           FROM '{out}' ORDER BY ALL""").fetchall()
    assert found == expected and len(found) > 3
    return found


def test_retail_daily(project):
    top = project("retail")
    millrace("generate", "retail", "--count", 20000, "--seed", 3, "--to", "events.jsonl", cwd=top)
    millrace("run", "sql/retail.sql", "--source", "events=file:events.jsonl", "--until", "end", cwd=top)
    lake = top / "data/lake/segment_metrics"
    days = [str(d) for d, in duckdb.sql(f"SELECT DISTINCT event_date FROM read_parquet('{lake}/**/*.parquet')").fetchall()]
    assert days
    for day in days:
        run = millrace("dag", "test", "dags/kafka_spark_etl.yaml", "--date", day, cwd=top)
        out = top / f"data/daily_segment_metrics/metrics_{day}.parquet"
        found = same_day(lake, day, out)
        # Each event is in two windows, of which one begins on a full minute.
        assert all(row[2] == pytest.approx(2 * row[4]) for row in found)
        assert f"ok     {len(found)} > 0" in run.out + run.err
        before = out.read_bytes()
        millrace("dag", "test", "dags/kafka_spark_etl.yaml", "--date", day, cwd=top)
        assert out.read_bytes() == before  # The same day again is the same file.
    assert len(list((top / "data/daily_segment_metrics").iterdir())) == len(days)


def test_a_day_without_events_is_told_and_is_no_failure(project):
    top = project("retail")
    millrace("generate", "retail", "--count", 2000, "--seed", 3, "--to", "events.jsonl", cwd=top)
    millrace("run", "sql/retail.sql", "--source", "events=file:events.jsonl", "--until", "end", cwd=top)
    run = millrace("dag", "test", "dags/kafka_spark_etl.yaml", "--date", "2025-11-03", cwd=top)
    text = run.out + run.err
    assert "FAILED 0 > 0" in text and "warning" in text and "quality_check: success" in text
    assert duckdb.sql(f"SELECT count(*) FROM '{top}/data/daily_segment_metrics/metrics_2025-11-03.parquet'").fetchone() == (0,)


def sensors(top):
    return millrace("dag", "test", "dags/spark_parquet_validation_dag.yaml", cwd=top)


def test_sensors_report_what_is_missing(project):
    top = project("sensors")
    text = sensors(top).out
    assert "head: skipped, No files found" in text and "run: success" in text
    folder = top / "data/lake/run_1/id=1"
    folder.mkdir(parents=True)
    assert "head: skipped, No files found" in sensors(top).out  # A folder without files.
    duckdb.sql("SELECT 1 AS id, 'x' AS source").write_parquet(str(folder / "a.parquet"))
    text = sensors(top).out
    assert "head: success" in text and "aggregate_parquet: skipped" in text and "value" in text


def test_sensors_counts_and_means(project):
    top = project("sensors")
    for sensor, values in {1: [1.0, 2.0, 6.0], 2: [10.5]}.items():
        folder = top / f"data/lake/run_7/id={sensor}"
        folder.mkdir(parents=True)
        duckdb.sql(f"SELECT unnest({values}::double[]) AS value, 's' AS source").write_parquet(str(folder / "a.parquet"))
    run = sensors(top)
    lines = [" ".join(line.split()) for line in (run.out + run.err).splitlines()]
    for row in ("1 | 3 | 3", "2 | 1 | 10.5"):
        assert any(row in line.replace(".0", "") for line in lines), lines
    assert any(line.endswith("| 4") for line in lines), lines
    for task in ("head", "aggregate_parquet", "total"):
        assert f"{task}: success" in run.out


# ---- beside their streams, by the scheduler ------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgres"])
def make(request, tmp_path):
    """Starts an example with its runs kept here or there; once a test."""
    server = request.getfixturevalue("postgres") if request.param == "postgres" else None
    made = []

    def begin(name, *changes, **how):
        project = ExampleProject(name, tmp_path, url=new_database(server) if server else None, **how)
        for old, new in changes:
            sql = project.path / "sql" / f"{name}.sql"
            text = sql.read_text(encoding="utf-8")
            assert old in text
            sql.write_text(text.replace(old, new), encoding="utf-8")
        made.append(project)
        return project.up()
    yield begin
    for project in made:
        project.close()
        if server:  # All of it is there, and nothing of it here.
            states_kept = "SELECT DISTINCT state FROM run WHERE type <> 'scheduled'"
            kept = server.sql(states_kept, database=project.url.rsplit("/", 1)[1])
            assert kept == [["success"]] and not (project.path / "data" / "flow.db").exists()


def told(project, name, key):
    """A number of a pipeline's part of `status`; 0 before its first commit with rows."""
    return next(part for part in project.json("status")["parts"] if part["name"] == name).get(key, 0)


def has_begun(project, name, topic):
    """Whether the first record of its log, which says where it begins, is there."""
    return any(f"{topic}/2".encode() in log.read_bytes() for log in (project.path / "data/state" / name).glob("commit-*.log"))


def test_retail_from_the_producer_to_the_day(make):
    project = make("retail", env={"TRIGGER": "100 milliseconds"}, timed=True)
    # Five and a half hours around a midnight of India.
    project.call("generate", "retail", "--count", 20000, "--seed", 8, "--start", "2026-01-01T16:00:00Z", "--event-rate", 1,
                 "--to", f"kafka://{project.address()}/events")
    wait_until(lambda: told(project, "retail", "rows") == 20000, 30, "the stream to be done")
    days = ["2026-01-01", "2026-01-02"]

    def there():
        found = project.rows("segment_metrics")
        return bool(glob.glob(found, recursive=True)) and [
            str(day) for day, in duckdb.sql(f"SELECT DISTINCT event_date FROM '{found}' ORDER BY 1").fetchall()] == days
    wait_until(there, 30, "windows of both days")
    project.call("stream", "stop", "retail")
    made = json.loads(project.call("dag", "backfill", "kafka_spark_etl", "--from", "2026-01-01", "--to", "2026-01-03",
                                   "--json").stdout)
    assert made["backfill"] is not None
    runs = []

    def over():
        runs[:] = project.json("runs", "list", "--dag", "kafka_spark_etl", "--type", "backfill")["runs"]
        return len(runs) == 3 and all(run["state"] not in ("queued", "running") for run in runs)
    wait_until(over, 60, "the days")
    for run in runs:
        shown = project.ended(run["run"])
        assert set(states(shown).values()) == {"success"}
        day = outputs(shown, "prepare_params")["batch_params"]["run_date"]
        out = project.path / f"data/daily_segment_metrics/metrics_{day}.parquet"
        count, = duckdb.sql(f"SELECT count(*) FROM '{out}'").fetchone()
        assert outputs(shown, "run_batch")["row_count"] == count
        assert outputs(shown, "quality_check")["passed"] == (count > 0) == (day in days)
        if day in days:
            same_day(project.path / "data/lake/segment_metrics", day, out)


def test_sensors_from_the_producer_to_the_report(make):
    project = make("sensors", ("trigger '10 seconds'", "trigger '100 milliseconds'"))
    wait_until(lambda: has_begun(project, "sensors", "events"), 20, "the stream to know where it begins")
    project.call("generate", "sensors", "--count", 5000, "--seed", 8, "--to", f"kafka://{project.address()}/events")
    wait_until(lambda: told(project, "sensors", "rows") == 5000, 30, "the stream to be done")
    lake = str(project.path / "data/lake/run_*/**/*.parquet")
    bad = told(project, "sensors", "bad_rows")

    def rows():
        return duckdb.sql(f"SELECT count(*) FROM '{lake}'").fetchone()[0]
    wait_until(lambda: list((project.path / "data/lake").glob("run_*/id=*")) and rows() == 5000 - bad, 20, "all rows")
    shown = project.run("spark_parquet_validation_dag")
    assert set(states(shown).values()) == {"success"}
    table = [[cell.strip() for cell in line.split("|")] for line in project.log(shown["run"], "aggregate_parquet")]
    want = duckdb.sql(f"""SELECT id, count(*), avg(value) FROM read_parquet('{lake}', hive_partitioning = true)
                          GROUP BY id ORDER BY id""").fetchall()
    got = [(int(cells[0]), int(cells[1]), float(cells[2])) for cells in table if len(cells) == 3 and cells[0].isdigit()]
    assert got == [(sensor, count, pytest.approx(mean)) for sensor, count, mean in want] and len(got) > 5
    assert outputs(shown, "total")["rows"] == [{"total_rows": 5000 - bad}]
