"""Kafka's messages: the tables of src/wire against Kafka's own classes, every key, record and version of both.

    wire_java.py PROGRAM LIBS [MESSAGES]      PROGRAM: the dump program; LIBS: folder of Kafka's jars;
                                              MESSAGES a key, version and direction

Random messages are filled from the definitions in Kafka's jars and written by Kafka's classes; the tables read the
bytes, print them with their names, and write them again: names, values and bytes must be the same.
"""

import base64
import glob
import json
import os
import random
import re
import subprocess
import sys
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
RENAMED = {74}  # Keys whose fields have other names since Kafka 4.
PACKAGES = {"kafka-clients": "org.apache.kafka.common.message.",
            "kafka-group-coordinator": "org.apache.kafka.coordinator.group.generated.",
            "kafka-transaction-coordinator": "org.apache.kafka.coordinator.transaction.generated."}
INTS = {"int8": 8, "int16": 16, "uint16": 17, "int32": 32, "int64": 64}


def definition(text):
    lines = [re.sub(r"(^|[\s,{\[])//.*$", r"\1", line) for line in text.split("\n")]
    return json.loads("\n".join(lines))


def all_definitions(libs):
    """[(class, definition)] of all messages in the jars."""
    found = []
    for jar, package in PACKAGES.items():
        path = [p for p in glob.glob(os.path.join(libs, jar + "-*.jar")) if re.search(r"-[\d.]+jar$", p[len(libs):])]
        with zipfile.ZipFile(path[0]) as file:
            for name in file.namelist():
                if name.startswith("common/message/") and name.endswith(".json"):
                    found.append((package, definition(file.read(name).decode())))
    return found


def snake(name):
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name).lower().replace("_i_ds", "_ids")


def within(versions, version):
    if versions in (None, "none"):
        return False
    low, _, high = versions.partition("-")
    return version >= int(low.rstrip("+")) and (versions.endswith("+") or version <= int(high or low))


class Filler:
    """Random JSON of a definition, for Kafka's converter, beside what the tables should print."""

    def __init__(self, rng, message, version):
        self.rng, self.version = rng, version
        self.common = {struct["name"]: struct["fields"] for struct in message.get("commonStructs", [])}

    def scalar(self, kind):
        rng = self.rng
        if kind in INTS:
            bits = INTS[kind]
            low, high = (0, 65535) if kind == "uint16" else (-(1 << bits - 1), (1 << bits - 1) - 1)
            value = rng.choice([low, high, 0, 1, rng.randint(low, high)])
            return value, value
        if kind == "bool":
            value = rng.random() < 0.5
            return value, value
        if kind == "float64":
            value = rng.uniform(-1e9, 1e9)
            return value, value
        if kind == "string":
            value = "".join(rng.choice("aé\"\\z 中") for _ in range(rng.choice([0, 1, 5, 200])))
            return value, value
        if kind == "uuid":
            value = rng.randbytes(16)
            return base64.urlsafe_b64encode(value).decode().rstrip("="), value.hex()
        if kind in ("bytes", "records"):
            value = rng.randbytes(rng.choice([1, 3, 300]))
            return base64.b64encode(value).decode(), value.hex()
        raise ValueError(kind)

    def value(self, field, kind, inner):
        return self.struct(inner) if inner is not None else self.scalar(kind)

    def field(self, field):
        kind = field["type"]
        many, kind = kind.startswith("[]"), kind.removeprefix("[]")
        if within(field.get("nullableVersions"), self.version) and self.rng.random() < 0.25:
            return None, None
        inner = field.get("fields") or self.common.get(kind)
        if not many:
            return self.value(field, kind, inner)
        items = [self.value(field, kind, inner) for _ in range(self.rng.choice([0, 1, 3]))]
        return [item[0] for item in items], [item[1] for item in items]

    def struct(self, fields):
        sent, shown = {}, {}
        for field in fields:
            if not within(field.get("versions", field.get("taggedVersions")), self.version):
                continue
            name = snake(field["name"])
            sent[camel(field["name"])], shown[name] = self.field(field)
        return sent, shown


def camel(name):
    return name[0].lower() + name[1:]


def same(want, got):
    """Equal, but that the tables know fields with tags that this Kafka does not."""
    if isinstance(want, dict):
        return (isinstance(got, dict) and want.keys() <= got.keys() and
                all(same(want[name], got[name]) for name in want) and
                all(got[name] in (0, -1, 32 * "0", (1 << 63) - 1) for name in got.keys() - want.keys()))
    if isinstance(want, list) and isinstance(got, list):
        return len(want) == len(got) and all(map(same, want, got))
    return want == got


def subjects(program, definitions):
    """(what the program calls it, its way, class, definition, versions that both have)"""
    def rows(what):
        out = subprocess.run([program, what], capture_output=True, text=True, check=True).stdout
        return [line.split() for line in out.splitlines()]

    apis = {int(key): (name, int(low), int(high)) for name, key, low, high in rows("apis")}
    records = {name: (int(low), int(high)) for name, low, high in rows("records")}
    for package, message in definitions:
        name, known = message["name"], [v for v in range(100) if within(message["validVersions"], v)]
        if message["type"] in ("request", "response") and message["apiKey"] in apis.keys() - RENAMED:
            _, low, high = apis[message["apiKey"]]
            versions = [v for v in known if low <= v <= high]
            yield str(message["apiKey"]), message["type"], package + name + "Data", message, versions
        elif message["type"] == "data" and snake(name) in records:
            low, high = records[snake(name)]
            versions = [v for v in known if low <= v <= high]
            yield snake(name), "record", package + name, message, versions


def main():
    program, libs = sys.argv[1], sys.argv[2]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 10
    rng, asked, wanted = random.Random(11), [], []
    for name, way, cls, message, versions in subjects(program, all_definitions(libs)):
        for version in versions:
            for _ in range(count):
                sent, shown = Filler(rng, message, version).struct(message["fields"])
                prefix = "prefixed" if way == "record" else "plain"
                asked.append(f"{cls} {version} {prefix} {json.dumps(sent)}")
                wanted.append((f"{name} {version} {way}", shown))
    java = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", os.path.join(libs, "*"),
            os.path.join(HERE, "WireJson.java")]
    wires = subprocess.run(java, input="\n".join(asked) + "\n", capture_output=True, text=True, check=True).stdout
    wires = wires.splitlines()
    lines = [f"{subject} {wire}" for (subject, _), wire in zip(wanted, wires, strict=True)]
    out = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True).stdout
    passed, failed = set(), set()
    for (subject, want), wire, line in zip(wanted, wires, out.splitlines(), strict=True):
        got = json.loads(line)
        if wire.startswith("error") or "error" in got or got["again"] != wire or not same(want, got["message"]):
            if subject not in failed:
                print(f"{subject}:\n  bytes {wire}\n  want {want}\n  got  {got}")
            failed.add(subject)
        passed.add(subject)
    print(f"{len(passed - failed)} passed, {len(failed)} failed")
    return 1 if failed or len(passed) < 400 else 0


if __name__ == "__main__":
    sys.exit(main())
