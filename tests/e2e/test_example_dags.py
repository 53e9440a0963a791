"""The examples' workflows, run for a day by `dag test`, against queries of our own over the same files."""

import shutil

import duckdb
import pytest

from conftest import EXAMPLES, millrace, start


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


def test_retail_daily(project):
    top = project("retail")
    millrace("generate", "retail", "--count", 20000, "--seed", 3, "--to", "events.jsonl", cwd=top)
    millrace("run", "sql/retail.sql", "--source", "events=file:events.jsonl", "--until", "end", cwd=top)
    lake = top / "data/lake/segment_metrics"
    days = [str(d) for d, in duckdb.sql(f"SELECT DISTINCT event_date FROM read_parquet('{lake}/**/*.parquet')").fetchall()]
    assert days
    for day in days:
        run = millrace("dag", "test", "dags/kafka_spark_etl.yaml", "--date", day, cwd=top)
        expected = duckdb.sql(RETAIL_DAY.format(lake=lake, day=day)).fetchall()
        out = top / f"data/daily_segment_metrics/metrics_{day}.parquet"
        found = duckdb.sql(f"""SELECT country, is_premium, round(total_revenue, 4), total_events, round(revenue, 4)
                               FROM '{out}' ORDER BY ALL""").fetchall()
        assert found == expected and len(found) > 3
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
