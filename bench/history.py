"""Instructions per million rows of small fixed workloads, held against the last commit that recorded them.

    python3 bench/history.py             compares; fails when one takes over 5 % more (make history)
    python3 bench/history.py --record    the same, and appends to bench/history.jsonl
    python3 bench/history.py --repeat N  counts N times and says how far the counts are apart

One worker, epochs that end by rows alone and a fixed hash seed (the settings below), so the counts repeat
exactly. The cost of the start is taken off: it is measured with an input of no rows, and stands in a
workload of its own (instructions in all, not by row).

A line of history.jsonl: commit, date, machine, arch, compiler, {workload: instructions per million rows},
{workload: {layer: the same}} and the digests of the inputs: another input is not compared. The last line
of the same arch and compiler counts. Needs valgrind and Python only.
"""

import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import callgrind
from common import BUILD, MILLRACE, RETAIL, ROOT, SENSORS, SQL, TOOLS, Failure, Input, digest, machine, say

PATH = os.path.join(ROOT, "bench", "history.jsonl")
WORSE_MAX = 0.05
BETTER_SAY = 0.05
REPEAT_MAX = 0.005
SETTINGS = ["-c", "exec.workers=1", "-c", "exec.epoch=1 day", "-c", "exec.epoch_first=1 day",
            "-c", "exec.aside_trigger=1 day", "-c", "exec.seed=1", "-c", "exec.epoch_rows=25000"]

# name: (folder, pipeline, kind of input, rows, how the input is named)
PIPELINES = {
    "retail": (RETAIL, "sql/retail.sql", "retail", 100_000, "--source=events"),
    "sensors": (SENSORS, "sql/sensors.sql", "sensors", 100_000, "--source=readings"),
    "stateless": (ROOT, os.path.join(SQL, "stateless.sql"), "retail", 100_000, "--source=events"),
    "wide": (ROOT, os.path.join(SQL, "wide.sql"), "wide", 20_000, "--set=INPUT"),
    "distinct": (ROOT, os.path.join(SQL, "distinct.sql"), "ids", 1_000_000, "--set=INPUT"),
}
PARQUET_ROWS = 1_000_000
NAMES = [*PIPELINES, "parquet", "start"]
SLOWEST_FIRST = sorted(NAMES, key=["distinct", "retail", "sensors", "parquet", "stateless", "wide", "start"].index)


def _pipeline(name, path, work, out):
    folder, sql, _kind, _rows, how = PIPELINES[name]
    data = os.path.join(work, f"history-{name}")
    shutil.rmtree(data, ignore_errors=True)
    os.makedirs(data)
    flag, table = how.split("=")
    value = f"{table}=file:{path}" if flag == "--source" else f"{table}={path}"
    env = {"PATH": os.environ["PATH"], "RUN_ID": "bench", "LC_ALL": "C"}  # Nothing else of the user's.
    command = [MILLRACE, "run", sql, "--until", "end", "--data", data, "--progress", "none", flag, value, *SETTINGS]
    try:
        return callgrind.run(command, folder, os.path.join(work, f"history-{out}.out"), env)
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _by_layer(profile, rows):
    return {layer: cost * 1e6 / rows for layer, (cost, _functions) in profile.layers().items()}


class Counted:
    """A workload's count: per_million in all and by layer, and the profile behind it."""

    def __init__(self, rows, profile, start=None):
        begun = start.total if start is not None else 0
        self.rows, self.profile = rows, profile
        self.per_million = round((profile.total - begun) * 1e6 / rows)
        self.layers = _by_layer(profile, rows)
        if start is not None:
            for layer, cost in _by_layer(start, rows).items():
                self.layers[layer] = self.layers.get(layer, 0) - cost
        self.layers = {layer: round(cost) for layer, cost in self.layers.items() if abs(cost) >= 0.5}


def count(name, work):
    """Runs one workload. ret Counted, digest of its input."""
    if name == "parquet":
        bench = os.path.join(BUILD, "bench-parquet")
        command = [bench, os.path.join(work, "history.parquet"), "snappy", "codes", "1"]
        profile = callgrind.run(command, ROOT, os.path.join(work, "history-parquet.out"), toggle="bench_turn*")
        return Counted(PARQUET_ROWS, profile), digest(os.path.join(ROOT, "bench", "micro", "parquet.c"))
    empty = os.path.join(work, "empty.jsonl")
    with open(empty, "wb"):
        pass
    if name == "start":  # Not by row: so many for one start of the retail pipeline.
        return Counted(1_000_000, _pipeline("retail", empty, work, name)), "empty"
    _folder, _sql, kind, rows, _how = PIPELINES[name]
    given = Input(kind, rows)
    counted = Counted(rows, _pipeline(name, given.path, work, name), _pipeline(name, empty, work, f"{name}-empty"))
    return counted, digest(given.path)


# ---- the file ------------------------------------------------------------------------------------------


def _first_line(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0].strip()


def compiler():
    """The compiler of the program, as it says itself; the flags are the Makefile's."""
    words = open(os.path.join(BUILD, "flags"), encoding="utf-8").read().split()
    return f"{os.path.basename(words[0])} {_first_line(words[0], '-dumpfullversion', '-dumpversion')}"


def arch():
    """What decides which code runs: the processor's kind, and the vectors that callgrind lets it have."""
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        return platform.machine() + (" avx2" if " avx2 " in info.read() else "")


def commit():
    dirty = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no"], cwd=ROOT, capture_output=True,
                           text=True, check=False).stdout
    return _first_line("git", "-C", ROOT, "rev-parse", "--short=12", "HEAD") + ("+" if dirty else "")


def last(arch_now, compiler_now):
    found = None
    if os.path.exists(PATH):
        with open(PATH, encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if row["arch"] == arch_now and row["compiler"] == compiler_now:
                    found = row
    return found


def _moved(now, before):
    """The layers that moved most, as text."""
    moved = sorted(((now.get(layer, 0) - before.get(layer, 0), layer) for layer in {*now, *before}),
                   key=lambda m: -abs(m[0]))
    return ", ".join(f"{layer} {by / 1e6:+,.0f}" for by, layer in moved[:3] if abs(by) >= 0.5e6)


def judge(counts, inputs, base):
    """counts {name: (instructions, {layer: instructions})}; base: a line of the file or None. ret rows, failed."""
    rows, failed = [], []
    for name, (per_million, layers) in counts.items():
        row = {"name": name, "per_million": per_million}
        rows.append(row)
        if base is None or name not in base["instructions"]:
            continue
        if base["inputs"].get(name) != inputs[name]:
            row["note"] = "another input: not compared"
            continue
        row["before"] = base["instructions"][name]
        row["change"] = per_million / row["before"] - 1
        row["note"] = _moved(layers, base["layers"][name]) if abs(row["change"]) > REPEAT_MAX else ""
        if row["change"] > WORSE_MAX:
            failed.append(f"{name}: {row['change']:+.1%} instructions ({row['note']})")
    return rows, failed


def run(work, record=False):
    """Counts all workloads. ret {"rows": [...], "failed": [...], "profiles": {name: Counted}}."""
    if shutil.which("valgrind") is None:
        raise Failure("no valgrind: install it, or run scripts/setup bench")
    for _folder, _sql, kind, rows, _how in PIPELINES.values():
        Input(kind, rows)  # Before threads ask for the same one.
    say("history: counting instructions")
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:  # Counts do not mind company.
        done = list(pool.map(lambda name: count(name, work), SLOWEST_FIRST))
    found = dict(zip(SLOWEST_FIRST, done))
    counted = {name: found[name][0] for name in NAMES}
    inputs = {name: found[name][1] for name in NAMES}
    here = {"commit": commit(), "date": datetime.date.today().isoformat(), "machine": machine(), "arch": arch(),
            "compiler": compiler(), "instructions": {n: c.per_million for n, c in counted.items()},
            "layers": {n: c.layers for n, c in counted.items()}, "inputs": inputs}
    base = last(here["arch"], here["compiler"])
    rows, failed = judge({n: (c.per_million, c.layers) for n, c in counted.items()}, inputs, base)
    if record:
        with open(PATH, "a", encoding="utf-8") as out:
            out.write(json.dumps(here) + "\n")
    return {"commit": base["commit"] if base else None, "rows": rows, "failed": failed, "recorded": record,
            "profiles": counted}


def table(got):
    against = f" against {got['commit']}" if got["commit"] else ": the first of this compiler and processor"
    lines = [f"Callgrind, one worker; millions of instructions per million rows (start: in all){against}.", "",
             "| workload | instructions | before | change | moved most |", "|---|---:|---:|---:|---|"]
    for row in got["rows"]:
        before = f"{row['before'] / 1e6:,.1f}" if "before" in row else "–"
        change = f"{row['change']:+.2%}" if "change" in row else "–"
        lines.append(f"| {row['name']} | {row['per_million'] / 1e6:,.1f} | {before} | {change} | {row.get('note', '')} |")
    if any(row.get("change", 0) < -BETTER_SAY for row in got["rows"]) and not got["recorded"]:
        lines.append("\nSome are over 5 % better: keep that with `make bench-record`.")
    return "\n".join(lines)


def profile_table(counted, top=4):
    """Where the instructions of a workload go, by layer."""
    begun = counted.profile.layers().get("start", (0, []))[0]
    total = counted.profile.total
    lines = [f"{counted.rows:,} rows, one worker: {(total - begun) / counted.rows:,.0f} instructions a row, and "
             f"{begun / 1e6:,.1f} million for the start.", "",
             "| layer | instructions a row | share | most of it in (self, a row) |", "|---|---:|---:|---|"]
    for layer, (cost, functions) in sorted(counted.profile.layers().items(), key=lambda item: -item[1][0]):
        if layer != "start":
            most = ", ".join(f"`{name}` {part / counted.rows:,.1f}" for name, part in functions[:top]
                             if part / counted.rows >= 0.1)
            lines.append(f"| {layer} | {cost / counted.rows:,.1f} | {cost / (total - begun):.1%} | {most} |")
    return "\n".join(lines)


def _repeat(work, times):
    """Counts several times; ret the greatest distance of two counts of one workload, as a share."""
    runs = [run(work)["rows"] for _ in range(times)]
    worst = 0
    for rows in zip(*runs):
        counts = [row["per_million"] for row in rows]
        apart = max(counts) / min(counts) - 1
        worst = max(worst, apart)
        print(f"{rows[0]['name']:10} {apart:8.4%}  {', '.join(f'{c:,}' for c in counts)}")
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--repeat", type=int, metavar="N")
    args = parser.parse_args()
    os.makedirs(TOOLS, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="history-", dir=TOOLS) as work:
        try:
            if args.repeat:
                return 0 if _repeat(work, args.repeat) <= REPEAT_MAX else 1
            got = run(work, args.record)
        except (Failure, subprocess.CalledProcessError) as failure:
            say(str(failure))
            return 1
    print(table(got))
    for line in got["failed"]:
        say(f"FAILED: {line}")
    return 1 if got["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
