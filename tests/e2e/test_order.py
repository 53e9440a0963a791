"""Rows of one source partition reach a topic in its order, however many workers there are."""

import json
import random

import pytest

from broker_server import Broker
from conftest import millrace, read_all

ROWS = 120000
SQL = """
CREATE SERVER files FOREIGN DATA WRAPPER file;
CREATE SERVER kafka FOREIGN DATA WRAPPER kafka OPTIONS (bootstrap_servers '{address}');
CREATE FOREIGN TABLE events (id bigint, name text, t timestamptz OPTIONS (watermark '1 hour'))
  SERVER files OPTIONS (path '{path}', format 'json');
CREATE FOREIGN TABLE copied () SERVER kafka OPTIONS (topic 'copied', key 'name', partitions '2');
INSERT INTO copied SELECT {what} FROM events;
"""


@pytest.mark.parametrize("what", ["id, name", "DISTINCT ON (id, t) id, name"], ids=["copied", "once each"])
def test_the_order_of_a_partition_holds_with_four_workers(tmp_path, what):
    rng = random.Random(5)
    events = tmp_path / "events.jsonl"
    events.write_text("".join(
        f'{{"id": {n}, "name": "n{rng.randrange(9)}", "t": "2026-01-01T00:{n // 60 % 60:02}:{n % 60:02}Z"}}\n'
        for n in range(ROWS)), encoding="utf-8")
    with Broker() as broker:
        sql = tmp_path / "copy.sql"
        sql.write_text(SQL.format(address=broker.address, path=events, what=what), encoding="utf-8")
        millrace("run", sql, "--until", "end", "--data", tmp_path / "data", "-c", "exec.workers=4",
            "-c", "exec.chunk_bytes=64KiB", "-c", "exec.epoch_rows=30000")
        records = read_all(broker.address, "copied")
    assert len(records) == ROWS
    for partition in range(2):
        ids = [json.loads(m.value())["id"] for m in records if m.partition() == partition]
        assert len(ids) > ROWS // 10 and ids == sorted(ids), next(
            (i, ids[i - 2:i + 3]) for i in range(1, len(ids)) if ids[i] < ids[i - 1])
