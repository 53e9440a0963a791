"""Counts the instructions of a run under callgrind, by function and by layer.

Why callgrind: its counts do not depend on what else the machine does, and are the same again for the
same input, so a change of a percent can be seen on a laptop at work.

Layers: a function belongs to the layer of its file. What all layers use (libc, base, column, aggregates,
HLL, ...) has none of its own: its cost goes to the layers that called it, in shares of what each of their
calls cost. Work that the compiler inlined counts for the function that it is now part of.
"""

import re
import subprocess
from collections import defaultdict

from common import ROOT, Failure

# The first match wins; None: to the callers' layers. Files of the program first, then other libraries.
LAYERS = [
    ("decode", r"^src/(codec/json|conn/(source_|lines|pace|pool|intake))"),
    ("late", r"^src/exec/(op_late|lanes|worker)\."),
    ("distinct", r"^src/exec/(op_distinct|idset|exchange)"),
    ("project", r"^src/exec/(op_project|op_filter|op_scan|eval|fn[._])"),
    ("join", r"^src/exec/(op_join|table)\."),
    ("panes", r"^src/exec/(op_aggregate|op_window|panes)\."),
    ("emit", r"^src/(exec/(emit|panes_emit|staging)\.|conn/sink_(console|jsonl|token)|codec/(csv|json_write))"),
    ("parquet", r"^src/(codec/(parquet|compress)|conn/(sink_parquet|publish))|lib(zstd|snappy|lz4|z)\."),
    ("commit", r"^src/(exec/(commit|epoch|record)|store/)"),
    ("start", r"^src/(sql|cli|job|port)/|^src/(exec/(driver|flow|eval_compile)|conn/(conn|loader))"
              r"|/ld-|ld-linux|lib(pg_query|protobuf|rdkafka|crypto|ssl|sasl)|^\./elf/"),
]
ORDER = [name for name, _pattern in LAYERS] + ["other"]


class Profile:
    """What callgrind wrote: self cost of each function and the calls between them."""

    def __init__(self, path):
        self.total = 0
        self._layers = None
        self.self_cost = defaultdict(int)   # (function, file, object) -> instructions
        self.called_by = defaultdict(lambda: defaultdict(int))  # callee -> {caller: inclusive}
        names = {"fn": {}, "file": {}, "ob": {}}

        def name_of(space, text):
            number, _, name = text.partition(" ")
            if name:
                names[space][number] = name.removeprefix(ROOT + "/")
            return names[space].get(number, text)

        file = target_file = ob = target_ob = target = function = None
        calls = False
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                line = line.rstrip("\n")
                if not line or line[0] == "#":
                    continue
                key, is_pair, value = line.partition("=")
                if line[0] in "0123456789+-*":
                    cost = int(line.split()[1])
                    if calls:
                        self.called_by[target][function] += cost
                        calls = False
                    else:
                        self.self_cost[function] += cost
                        self.total += cost
                elif not is_pair:
                    continue
                elif key == "fl":
                    file = name_of("file", value)
                elif key in ("fi", "fe"):
                    name_of("file", value)  # Inlined from there: it stays the function's.
                elif key == "ob":
                    ob = name_of("ob", value)
                elif key == "fn":
                    function = (name_of("fn", value), file, ob)
                    target_file, target_ob = file, ob
                elif key in ("cfi", "cfl"):
                    target_file = name_of("file", value)
                elif key == "cob":
                    target_ob = name_of("ob", value)
                elif key == "cfn":
                    target = (name_of("fn", value), target_file, target_ob)
                    target_file, target_ob = file, ob  # The next call is from here unless it says so.
                elif key == "calls":
                    calls = True

    def _layers_of_functions(self):
        own, shares = {}, {}
        functions = set(self.self_cost) | set(self.called_by)
        functions.update(caller for callers in self.called_by.values() for caller in callers)
        for f in functions:
            own[f] = layer_of(f)
            shares[f] = {own[f] or "other": 1.0}
        loose = [f for f in functions if own[f] is None and self.called_by.get(f)]
        for _round in range(25):  # Chains of such functions are short.
            for f in loose:
                mixed, weight = defaultdict(float), 0
                for caller, cost in self.called_by[f].items():
                    if caller != f:
                        weight += cost
                        for layer, share in shares[caller].items():
                            mixed[layer] += share * cost
                if weight > 0:
                    shares[f] = {layer: part / weight for layer, part in mixed.items()}
        return shares

    def layers(self):
        """{layer: (instructions, [(function, instructions), ...] the greatest first)}."""
        if self._layers is None:
            self._layers = self._sum_layers()
        return self._layers

    def _sum_layers(self):
        shares = self._layers_of_functions()
        total, parts = defaultdict(float), defaultdict(lambda: defaultdict(float))
        for f, cost in self.self_cost.items():
            for layer, share in shares[f].items():
                total[layer] += share * cost
                parts[layer][_short(f)] += share * cost
        return {layer: (total[layer], sorted(parts[layer].items(), key=lambda p: -p[1]))
                for layer in ORDER if layer in total}


def _short(function):
    """A name for the table: without what the compiler added, and a library's for what has none."""
    name, _file, ob = function
    if name.startswith("0x"):
        return re.sub(r"\.so.*", "", (ob or "?").rpartition("/")[2])
    return re.sub(r"(\.(isra|part|constprop)\.\d+)+$|'\d+$|\(.*|@@.*", "", name)


def layer_of(function):
    _name, file, ob = function
    for text in (file or "", (ob or "").rpartition("/")[2]):
        for layer, pattern in LAYERS:
            if re.search(pattern, text):
                return layer
    return None


def run(command, cwd, out, env=None, toggle=None, timeout=300):
    """Runs a command under callgrind; ret Profile. toggle: count within this function only."""
    options = ["--tool=callgrind", f"--callgrind-out-file={out}", "--dump-instr=no", "--compress-strings=yes"]
    if toggle is not None:
        options.append(f"--toggle-collect={toggle}")
    done = subprocess.run(["valgrind", *options, *command], cwd=cwd, env=env, capture_output=True, text=True,
                          timeout=timeout, check=False)
    if done.returncode != 0:
        raise Failure(f"under callgrind {command[0]} ended with {done.returncode}: {done.stderr[-800:]}")
    return Profile(out)
