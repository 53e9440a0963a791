"""Clients' own public test suites, pointed at the embedded broker, with MILLRACE_SOAK=1.

Each comes from its registry, at the version named here, and is run as it is. What fails must be listed in stock.LISTED
with the reason why it cannot apply; anything else is a defect of the broker. SUITE_BROKER=host:port runs them against
another broker instead (such as Apache Kafka's), and writes nothing.
"""

import contextlib
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile

import pytest

import stock
from broker_server import Broker
from conftest import SOAK
from kafka_server import ROOT

pytestmark = pytest.mark.skipif(not SOAK, reason="only with MILLRACE_SOAK=1")
DEPS = os.path.join(ROOT, "build", "deps")
FRANZ_GO, LIBRDKAFKA, KAFKA_PYTHON = "1.22.2", "4.10.0+2.12.1", "3.0.12"
# As the suites ask for: a session of 3 s, ACLs that are on but open, and the right to do everything.
SETTINGS = ["broker.acls=true", "broker.acls_optional=true", "broker.group_session_min=1s"]
ALL = "its own suite, all that apply (see below)"
OTHER = os.environ.get("SUITE_BROKER")


@pytest.fixture(scope="module")
def address():
    if OTHER:
        yield OTHER
        return
    with Broker(settings=SETTINGS) as one:
        yield one.address


def fetched(*args, cwd=None):
    """What a registry's own client prints; a machine that cannot reach it skips the test."""
    if shutil.which(args[0]) is None:
        pytest.skip(f"no {args[0]}")
    done = subprocess.run(args, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"{' '.join(args)}: {(done.stderr or done.stdout)[-500:]}")
    return done.stdout


def build(*args, cwd):
    done = subprocess.run(["nice", *args], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (args, done.stdout[-1000:], done.stderr[-2000:])


def run(args, cwd, env, timeout):
    """Output of a suite, which may end with any code: its cases say what has failed."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        done = subprocess.run(["nice", *args], cwd=cwd, env={**os.environ, **env}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout, check=False)
        return done.stdout.decode(errors="replace")
    raise AssertionError(f"{args[0]}: not done after {timeout} s")


def judge(client, version, cases, output):
    """cases: name to PASSED, FAILED or SKIPPED."""
    passed, failed = ([name for name, what in cases.items() if what == kind] for kind in ("PASSED", "FAILED"))
    unlisted = sorted(set(failed) - set(stock.LISTED.get(client, {})))
    print(f"{client}: {len(passed)} passed, failed: {failed}")
    with contextlib.ExitStack() as row:
        if not OTHER:
            row.enter_context(stock.shows(client, f"{version}: {len(passed)} cases", ALL))
        assert passed, output[-3000:]
        assert not unlisted, (unlisted, output[-6000:])


def test_franz_go(address, tmp_path):
    """pkg/kgo: records, groups, transactions in chains of topics, each partition and key checked."""
    if shutil.which("go") is None and os.path.exists("/usr/local/go/bin/go"):
        os.environ["PATH"] += ":/usr/local/go/bin"
    (tmp_path / "go.mod").write_text("module millrace/suites\n\ngo 1.26.0\n", encoding="utf-8")
    got = fetched("go", "mod", "download", "-json", f"github.com/twmb/franz-go@v{FRANZ_GO}", cwd=tmp_path)
    package = os.path.join(json.loads(got)["Dir"], "pkg", "kgo")
    program = str(tmp_path / "kgo.test")
    build("go", "test", "-p", "2", "-mod=mod", "-c", "-o", program, ".", cwd=package)
    out = run([program, "-test.v", "-test.timeout", "850s", "-test.parallel", "3"], package,
              {"KGO_TEST_RF": "1", "KGO_TEST_RECORDS": "20000", "KGO_TEST_MAX_TOPIC_PARTS": "7", "KGO_SEEDS": address},
              900)
    found = re.findall(r"^ *--- (PASS|FAIL|SKIP): (\S+)", out, re.MULTILINE)
    words = {"PASS": "PASSED", "FAIL": "FAILED", "SKIP": "SKIPPED"}
    judge("franz-go's pkg/kgo", FRANZ_GO, {name: words[what] for what, name in found}, out)


@pytest.fixture(scope="module")
def librdkafka(tmp_path_factory):
    """The folder of the tests, built; kept, since that takes minutes."""
    home = os.path.join(DEPS, f"librdkafka-{LIBRDKAFKA}")
    tests = os.path.join(home, "tests")
    if os.access(os.path.join(tests, "test-runner"), os.X_OK):
        return tests
    crate = tmp_path_factory.mktemp("crate")
    (crate / "src").mkdir()
    (crate / "src" / "main.rs").write_text("fn main() {}\n", encoding="utf-8")
    (crate / "Cargo.toml").write_text('[package]\nname = "suites"\nversion = "0.1.0"\nedition = "2021"\n'
                                      f'[dependencies]\nrdkafka-sys = "={LIBRDKAFKA}"\n', encoding="utf-8")
    fetched("cargo", "fetch", cwd=crate)
    cargo = os.environ.get("CARGO_HOME", os.path.expanduser("~/.cargo"))
    source, = glob.glob(os.path.join(cargo, "registry", "src", "*", f"rdkafka-sys-{LIBRDKAFKA}", "librdkafka"))
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(source, home)
    build("./configure", "--disable-gssapi", "--disable-curl", cwd=home)
    build("make", "-j2", "libs", cwd=home)
    build("make", "-j2", "test-runner", cwd=tests)
    return tests


def kafka_path(folder):
    """A KAFKA_PATH with the scripts that librdkafka's tests call."""
    mains = {"kafka-topics": "org.apache.kafka.tools.TopicCommand", "kafka-acls": "kafka.admin.AclCommand"}
    os.makedirs(folder / "bin")
    for name, main in mains.items():
        script = folder / "bin" / f"{name}.sh"
        script.write_text(f'#!/bin/sh\nexec java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 '
                          f'-cp "{os.path.join(DEPS, "kafka", "libs", "*")}" {main} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return str(folder)


def test_librdkafka(address, librdkafka, tmp_path):
    """Its tests that need a broker, in quick mode."""
    config = tmp_path / "test.conf"
    config.write_text(f"metadata.broker.list={address}\ntest.timeout.multiplier=4\n", encoding="utf-8")
    out = run(["./test-runner", "-Q", "-L", "-p3"], librdkafka, {
        "RDKAFKA_TEST_CONF": str(config), "TEST_KAFKA_VERSION": "3.9.1", "TEST_LEVEL": "1", "BROKERS": address,
        "TESTS_SKIP": "0038", "LD_LIBRARY_PATH": "../src:../src-cpp", "KAFKA_PATH": kafka_path(tmp_path / "kafka"),
    }, 1500)
    out = re.sub(r"\x1b\[[0-9;]*m", "", out)
    cases = dict(re.findall(r"^\| (\d\d\d\d_\w+) +\| +([A-Z]+) \|", out, re.MULTILINE))
    judge("librdkafka's tests", LIBRDKAFKA.split("+")[1], cases, out)


def test_kafka_python(address, tmp_path):
    """test/integration of its source package, which lacks two files: a package's mark and what would start a broker."""
    fetched(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "kafka-python",
            f"kafka-python=={KAFKA_PYTHON}", cwd=tmp_path)
    with tarfile.open(glob.glob(str(tmp_path / "*.tar.gz"))[0]) as archive:
        archive.extractall(tmp_path, filter="data")
    home = tmp_path / f"kafka_python-{KAFKA_PYTHON}"
    (home / "test" / "__init__.py").touch()
    (home / "test" / "service.py").write_text(
        "class ExternalService:\n    def __init__(self, host, port):\n        pass\n\n"
        "    def stop(self):\n        pass\n\n\nclass SpawnedService:\n    pass\n", encoding="utf-8")
    out = run([sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir=.", "-p", "no:cacheprovider", "-q", "-rA",
               "--tb=line", "--show-capture=no", "test/integration"], str(home),
              {"KAFKA_VERSION": "3.9.1", "KAFKA_URI": f"kafka://{address}", "KAFKA_ROOT": str(tmp_path)}, 900)
    found = re.findall(r"^(PASSED|FAILED|ERROR) test/integration/(\w+)\.py::(\S+)", out, re.MULTILINE)
    cases = {name: "PASSED" if what == "PASSED" else "FAILED" for what, _file, name in found}
    judge("kafka-python's test/integration", KAFKA_PYTHON, cases, out)
