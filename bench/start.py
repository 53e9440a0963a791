"""How long each command takes to start: the median of 20, from fork to end.

The target is for those that do nothing but start: neither DuckDB's library nor a commit's sync is in it.
"""

import os
import shutil
import statistics
import subprocess
import time

from common import MILLRACE, RETAIL, Failure

TARGET_MS = 30
TURNS = 20
# name: (arguments, why the target is not for it)
COMMANDS = {
    "--version": (["--version"], None),
    "--help": (["--help"], None),
    "check": (["check", "sql/retail.sql"], None),
    "explain": (["explain", "sql/retail.sql"], None),
    "generate --count 1": (["generate", "retail", "--count", "1"], None),
    "doctor": (["doctor", "--data", "{data}"], None),
    "run, of no rows": (["run", "sql/retail.sql", "--fresh", "--until", "end", "--source", "events=file:{empty}",
                         "--data", "{data}"], "syncs its first commit"),
    "sql": (["sql", "SELECT 1", "--data", "{data}"], "loads DuckDB"),
}


def run(work):
    """ret [{"command", "median_ms", "min_ms", "target_ms" or None, "excuse" or None}]."""
    data, empty = os.path.join(work, "start"), os.path.join(work, "empty.jsonl")
    with open(empty, "wb"):
        pass
    rows = []
    for name, (words, excuse) in COMMANDS.items():
        command = [MILLRACE, *(word.format(data=data, empty=empty) for word in words)]
        took = []
        for turn in range(TURNS + 1):
            begun = time.perf_counter()
            done = subprocess.run(command, cwd=RETAIL, capture_output=True, check=False)
            if turn > 0:  # The first one fills the page cache.
                took.append((time.perf_counter() - begun) * 1e3)
            if done.returncode != 0:
                raise Failure(f"millrace {name} ended with {done.returncode}: {done.stderr.decode()[-300:]}")
        rows.append({"command": name, "median_ms": round(statistics.median(took), 2),
                     "min_ms": round(min(took), 2), "target_ms": None if excuse else TARGET_MS, "excuse": excuse})
    shutil.rmtree(data, ignore_errors=True)
    return rows


def table(rows):
    lines = ["| command | median | least | target |", "|---|---:|---:|---:|"]
    for row in rows:
        target = f"{row['target_ms']} ms" if row["target_ms"] else f"– ({row['excuse']})"
        lines.append(f"| `{row['command']}` | {row['median_ms']:.1f} ms | {row['min_ms']:.1f} ms | {target} |")
    return "\n".join(lines)
