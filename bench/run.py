"""Measures everything that is promised, on one machine in one run; bench/README.md says how to read it.

    bench/run [--only NAME,...] [--quick] [--events N] [--runs N] [--record] [--note TEXT]

A run whose output is not DuckDB's answer has no figure. Ends with 1 when a run failed, when a workload of
the history regressed, or, in a complete run on a quiet machine, when a target was missed.
"""

import argparse
import fnmatch
import os
import shutil
import subprocess
import sys

import duckdb

import report
from common import MILLRACE, TOOLS, Failure, compile_tools, say
from systems import ONCE, ROWS, TABLES, Bench
from watch import Disturbance

EVENTS, EVENTS_QUICK = 4_000_000, 200_000
RUNS = 3


def median(runs):
    """The run whose speed is the middle one; its fellows' speeds beside it. Any failure is the result."""
    for bad in runs:
        if "events" not in bad:
            return bad
    ordered = sorted(runs, key=lambda r: r["events_per_second"])
    middle = dict(ordered[(len(ordered) - 1) // 2])
    return dict(middle, all_events_per_second=[r["events_per_second"] for r in runs],
                peak_bytes=max((r["peak_bytes"] for r in runs if r.get("peak_bytes")), default=None))


def run_row(bench, name):
    runs = []
    for turn in range(1 if name in ONCE else bench.runs):
        say(f"{name} ..." if turn == 0 else f"{name} ... again")
        before, others = bench.served_cpu(), Disturbance(bench.broker_cpu)
        try:
            result = ROWS[name](bench)
        except (Failure, OSError, duckdb.Error) as failure:
            say(f"{name}: {failure}")
            result = {"error": str(failure)}
        except subprocess.TimeoutExpired as failure:
            result = {"error": f"not done in {failure.timeout:.0f} s"}
        if "events" in result:
            result["broker_cpu_seconds"] = round(bench.served_cpu() - before, 2)
            result["others_share"] = round(others.share(), 3)
        runs.append(result)
        if "events" not in result:
            break
    return median(runs)


def run_table(bench, name, record):
    say(f"{name} ...")
    try:
        got = TABLES[name](bench, record)
        return got if isinstance(got, dict) else {"rows": got}
    except (Failure, OSError, subprocess.TimeoutExpired) as failure:  # What the others measured is kept.
        say(f"{name}: {failure}")
        return {"error": str(failure)}


def pick(words):
    """The names that words mean: a name, a pattern, or what stands before a dash."""
    known = [*ROWS, *TABLES]
    picked = set()
    for word in words:
        found = [n for n in known if fnmatch.fnmatch(n, word) or n.startswith(f"{word}-")]
        if not found:
            sys.exit(f"bench: nothing is called {word}; there are {', '.join(known)}")
        picked.update(found)
    return [n for n in known if n in picked]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help=f"of {', '.join([*ROWS, *TABLES])}; patterns such as distinct-*")
    parser.add_argument("--quick", action="store_true", help="small inputs, one run each: does it work?")
    parser.add_argument("--events", type=int, help=f"of the retail rows, default {EVENTS:,}")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--runs", type=int, help=f"of each short row, default {RUNS}; the median counts")
    parser.add_argument("--record", action="store_true", help="append the instruction counts to bench/history.jsonl")
    parser.add_argument("--shuffle-partitions", default="8", help="Spark's; the published program has 8")
    parser.add_argument("--outputs", choices=["both", "parquet"], default="both", help="of Spark's program")
    parser.add_argument("--note", default="", help="goes into the report")
    parser.add_argument("--timeout", type=int, default=300, help="seconds a run may take")
    parser.add_argument("--keep", action="store_true", help="leave the working folder, with logs and outputs")
    args = parser.parse_args()
    args.complete = not args.only and not args.quick and args.events is None
    args.events = args.events or (EVENTS_QUICK if args.quick else EVENTS)
    args.runs = args.runs or (1 if args.quick else RUNS)
    return args


def main():
    args = arguments()
    names = pick(args.only.replace(",", " ").split()) or [*ROWS, *TABLES]
    if not os.access(MILLRACE, os.X_OK):
        sys.exit(f"bench: no {MILLRACE}: run make")
    os.makedirs(TOOLS, exist_ok=True)
    bench = Bench(args)
    rows, tables = {}, {}
    try:
        if any(name in ROWS for name in names):
            compile_tools()
        for name in names:
            if name in ROWS:
                rows[name] = run_row(bench, name)
        bench.stop()  # Before starts are timed.
        for name in names:
            if name in TABLES:
                tables[name] = run_table(bench, name, args.record)
        results = report.Results(bench, rows, tables, args.note, args.complete)
        say(f"kept in {report.write(results)}")
    finally:
        bench.stop()
        failed = any("error" in r for r in [*rows.values(), *tables.values()])
        if args.keep or failed:
            say(f"logs and outputs are in {bench.work}")
        else:
            shutil.rmtree(bench.work, ignore_errors=True)
    for line in results.failed():
        say(f"FAILED: {line}")
    missed = [t for t in results.targets() if not t["ok"]]
    judged = args.complete and not results.disturbed()
    return 1 if results.failed() or (missed and judged) else 0


if __name__ == "__main__":
    sys.exit(main())
