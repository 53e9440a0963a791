"""Static tables: read at the start, read again when their file has changed and reads whole."""

import json
import time

from conftest import start

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


def wait_for(folder, wanted, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(rows(folder)) < wanted:
        time.sleep(0.05)
    assert len(rows(folder)) == wanted, rows(folder)


def add(folder, text):
    with open(folder / "in/e.jsonl", "a", encoding="utf-8") as file:
        file.write(text)


def test_a_changed_file_is_taken_between_epochs(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "p.sql").write_text(PIPELINE)
    (tmp_path / "d.csv").write_text("id,name\n1,one\n")
    add(tmp_path, '{"id":1}\n')
    life = start("run", "p.sql", "--until", "60s", cwd=tmp_path)
    try:
        wait_for(tmp_path, 1)
        (tmp_path / "d.csv").write_text("id,name\n1,uno\n")
        time.sleep(4)  # Still for a second, and looked at once a second.
        add(tmp_path, '{"id":1}\n')
        wait_for(tmp_path, 2)
        (tmp_path / "d.csv").write_text("id,name\nx,broken\n")
        time.sleep(4)
        add(tmp_path, '{"id":1}\n')
        wait_for(tmp_path, 3)
    finally:
        life.signal(15)
        life.wait(30)
    assert life.code == 130, life.err
    assert [row["name"] for row in rows(tmp_path)] == ["one", "uno", "uno"]
    assert 'table "d" keeps its former rows: d.csv:2: column "id"' in life.err
