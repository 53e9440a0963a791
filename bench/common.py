"""What the parts of the benchmark share: places, failures, tools written in C, and cached inputs."""

import glob
import hashlib
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
TOOLS = os.path.join(BUILD, "bench")
INPUTS = os.path.join(TOOLS, "input")
SQL = os.path.join(ROOT, "bench", "sql")
RETAIL = os.path.join(ROOT, "examples", "retail")
SENSORS = os.path.join(ROOT, "examples", "sensors")
MILLRACE = os.path.abspath(os.environ.get("MILLRACE", os.path.join(BUILD, "millrace")))
SEED = 1


class Failure(Exception):
    """A run that has no figure, with the reason."""


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


# ---- tools -------------------------------------------------------------------------------------------

_C = ["cc", "-std=gnu17", "-D_GNU_SOURCE", "-O2"]
_BUILDS = {
    "generate": [*_C, "bench/generate.c"],
    "measure": [*_C, "bench/measure.c"],
    "limits": [*_C, "bench/limits.c", "-lpthread"],
    "consume": [*_C, "bench/consume.c", "-lrdkafka"],
    "produce": [*_C, "bench/produce.c", "-lrdkafka"],
    "latency": [*_C, "bench/latency.c", "-lrdkafka", "-lpthread"],
    "syncs": [*_C, "-shared", "-fPIC", "bench/syncs.c"],
    "simdjson": ["c++", "-std=c++17", "-O3", "bench/simdjson.cpp", "-lsimdjson", "-lpthread"],
}


def tool(name):
    """The path of a tool, compiled when its source is newer."""
    command, path = _BUILDS[name], os.path.join(TOOLS, name)
    source = next(os.path.join(ROOT, word) for word in command if word.startswith("bench/"))
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(source):
        os.makedirs(TOOLS, exist_ok=True)
        objects = [word for word in command if not word.startswith("-l")]
        libraries = [word for word in command if word.startswith("-l")]
        subprocess.run([*objects, "-o", path, *libraries], cwd=ROOT, check=True)
    return path


def compile_tools():
    for name in _BUILDS:
        tool(name)


def run_tool(name, *args, timeout=600):
    """What a tool printed, which is one JSON object."""
    done = subprocess.run([tool(name), *map(str, args)], capture_output=True, text=True, timeout=timeout,
                          check=False)
    if done.returncode != 0:
        raise Failure(f"{name}: {done.stderr.strip()}")
    return json.loads(done.stdout)


# ---- inputs ------------------------------------------------------------------------------------------


class Input:
    """Events in a file. Kept in build/bench/input until the generator or what is asked of it changes."""

    def __init__(self, kind, events, partitions=0):
        by_millrace = kind == "sensors"  # Its own generator knows it.
        maker = os.path.join(ROOT, "src", "conn", "generate.c") if by_millrace else \
            os.path.join(ROOT, "bench", "generate.c")
        self.kind, self.events, self.partitions = kind, events, partitions
        self.name = f"{kind}-{events}-{partitions}"
        self.path = os.path.join(INPUTS, f"{self.name}-{SEED}-{digest(maker)[:6]}.jsonl")
        facts = self.path.replace(".jsonl", ".json")
        if not os.path.exists(facts):  # It is written last.
            os.makedirs(INPUTS, exist_ok=True)
            for old in glob.glob(os.path.join(INPUTS, f"{self.name}-*")):
                os.remove(old)
            say(f"making {events:,} {kind} events")
            if by_millrace:
                subprocess.run([MILLRACE, "generate", kind, "--count", str(events), "--seed", str(SEED),
                                "--to", self.path], check=True, stderr=subprocess.DEVNULL)
                made = {"rows": events}
            else:
                made = run_tool("generate", kind, events, SEED, self.path, partitions)
            with open(facts, "w", encoding="utf-8") as out:
                json.dump(made, out)
        with open(facts, encoding="utf-8") as lines:
            self.facts = json.load(lines)
        self.bytes = os.path.getsize(self.path)

    def remove(self):
        for path in glob.glob(self.path.replace(".jsonl", ".json*")):
            os.remove(path)


def machine():
    model, memory = "unknown", 0
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), model)
    with open("/proc/meminfo", encoding="utf-8") as info:
        memory = int(info.readline().split()[1]) // 1024**2
    return f"{model}, {os.cpu_count()} cores, {memory} GiB"
