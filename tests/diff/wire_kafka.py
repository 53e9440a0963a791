"""Kafka's messages: the tables of src/wire against kafka-python, every key and version.

    wire_kafka.py PROGRAM [MESSAGES]      PROGRAM: the dump program; MESSAGES a key, version and direction

For each key that the tables have, random messages are filled from Kafka's own definitions, encoded by
kafka-python, read by the tables, printed with their names, and written again: names, values and bytes must be
the same.
"""

import importlib
import json
import pkgutil
import random
import subprocess
import sys
import uuid

import kafka.protocol
from kafka.protocol.api_message import ApiMessage
from kafka.protocol.data_container import DataContainer

RENAMED = {"topic_authorized_operations": "authorized_operations",
           "cluster_authorized_operations": "authorized_operations"}
INTS = {"int8": 8, "int16": 16, "uint16": 17, "int32": 32, "int64": 64}


def all_messages():
    """{(key, is request): class} of all that kafka-python knows."""
    for found in pkgutil.walk_packages(kafka.protocol.__path__, "kafka.protocol."):
        if ".old" not in found.name and not found.name.endswith("generate_stubs"):
            importlib.import_module(found.name)
    messages, todo = {}, [ApiMessage]
    while todo:
        for cls in todo.pop().__subclasses__():
            todo.append(cls)
            if getattr(cls, "_json", None) and cls._json.get("apiKey") is not None:
                messages.setdefault((cls.API_KEY, cls.is_request()), cls)
    return messages


def scalar(rng, kind):
    if kind in INTS:
        bits = INTS[kind]
        low, high = (0, 65535) if kind == "uint16" else (-(1 << bits - 1), (1 << bits - 1) - 1)
        return rng.choice([low, high, 0, 1, rng.randint(low, high)])
    if kind == "bool":
        return rng.random() < 0.5
    if kind == "float64":
        return rng.uniform(-1e9, 1e9)
    if kind == "string":
        return "".join(rng.choice("aé\"\\z 中") for _ in range(rng.choice([0, 1, 5, 200])))
    if kind in ("bytes", "records"):
        return rng.randbytes(rng.choice([1, 3, 300]))
    if kind == "uuid":
        return uuid.UUID(bytes=rng.randbytes(16))
    if kind == "bitfield":  # kafka-python's form of the authorized operations.
        return set(rng.sample(range(31), rng.choice([0, 1, 5])))
    raise ValueError(kind)


def value(rng, field, version, owner):
    """A random value for a field, as kafka-python wants it."""
    kind = field._type_str
    nullable = field._nullable_versions
    if nullable and nullable[0] <= version <= nullable[1] and rng.random() < 0.25:
        return None
    if field.is_struct_array():
        return [filled(rng, field, version, field.data_class) for _ in range(rng.choice([0, 1, 3]))]
    if field.is_struct():
        return filled(rng, field, version, field.data_class)
    if kind.startswith("[]"):
        return [scalar(rng, kind[2:]) for _ in range(rng.choice([0, 1, 4]))]
    return scalar(rng, kind)


def filled(rng, struct, version, cls):
    values = {}
    for field in struct._fields:
        if field.for_version_q(version) and not (field._tag is not None and rng.random() < 0.3):
            values[field.name] = value(rng, field, version, cls)
    if cls is None:  # kafka-python makes the classes of deep structs late.
        cls = type(struct.type_str, (DataContainer,), {"_struct": struct})
    return cls(version=version, **values)


def plain(message, struct, version):
    """What the program prints for it."""
    shown = {}
    for field in struct._fields:
        if not field.for_version_q(version):
            continue
        got = getattr(message, field.name)
        if isinstance(got, list) and field.is_struct_array():
            got = [plain(item, field, version) for item in got]
        elif isinstance(got, list):
            got = [as_shown(item) for item in got]
        elif got is not None and field.is_struct():
            got = plain(got, field, version)
        shown[field.name] = as_shown(got)
    return shown


def as_shown(got):
    if isinstance(got, (set, frozenset)):
        return sum(1 << bit for bit in got)
    if isinstance(got, uuid.UUID):
        return got.hex
    return bytes(got).hex() if isinstance(got, (bytes, bytearray, memoryview)) else got


def same(want, got):
    """Equal, but for what kafka-python shows in its own way: defaults, and a name or two."""
    if want is None and isinstance(got, dict):  # A tagged struct that was left out.
        return all(same(-1, value) for value in got.values())
    if isinstance(got, dict) and isinstance(want, dict):
        got = {name if name in want else RENAMED.get(name, name): value for name, value in got.items()}
    if isinstance(want, dict):
        return isinstance(got, dict) and want.keys() == got.keys() and all(same(want[k], got[k]) for k in want)
    if isinstance(want, list) and isinstance(got, list):
        return len(want) == len(got) and all(map(same, want, got))
    return want == got or (got is None and want == "") or (want is None and got == 32 * "0")


def main():
    program, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 40
    rng = random.Random(7)
    known = all_messages()
    lines, wanted, unknown = [], [], []
    for row in subprocess.run([program, "apis"], capture_output=True, text=True, check=True).stdout.splitlines():
        name, key, low, high = row.split()
        for way in ("request", "response"):
            cls = known.get((int(key), way == "request"))
            if cls is None:
                unknown.append(f"{name} {way}")
                continue
            for version in range(int(low), int(high) + 1):
                for _ in range(count):
                    message = filled(rng, cls._struct, version, cls)
                    wire = message.encode(version=version)
                    lines.append(f"{key} {version} {way} {bytes(wire).hex()}")
                    wanted.append((f"{name} {way} v{version}", wire, plain(message, cls._struct, version)))
    out = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True).stdout
    passed, failed = set(), set()
    for (name, wire, want), line in zip(wanted, out.splitlines(), strict=True):
        got = json.loads(line)
        if "error" in got or got["again"] != bytes(wire).hex() or not same(want, got["message"]):
            if name not in failed:
                print(f"{name}:\n  bytes {bytes(wire).hex()}\n  want {want}\n  got  {got}")
            failed.add(name)
        passed.add(name)
    print(f"{len(passed - failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
