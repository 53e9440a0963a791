"""Tasks of type container against a real engine: Podman, in namespaces of its own where this is root. Long tests
(MILLRACE_SOAK=1) only; skipped where no container can run. The image is made here, of a static busybox."""

import json
import os
import resource
import shutil
import signal
import subprocess
import tarfile
import threading
import time

import pytest

from broker_server import wait_until
from conftest import MILLRACE, SOAK
from test_tasks import Project

pytestmark = pytest.mark.skipif(not SOAK, reason="a long test")
IMAGE = "localhost/millrace-test:1"
TOOLS = ("sh", "cat", "echo", "env", "id", "sleep", "seq", "nc", "ls", "touch", "mkdir", "head", "tr", "kill")


class Podman:
    def __init__(self, top):
        self.top = top
        self.socket = str(top / "p.sock")
        nofile, nproc = (resource.getrlimit(x)[1] for x in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC))
        cap = lambda most, n: n if most == resource.RLIM_INFINITY else min(most, n)  # noqa: E731
        (top / "containers.conf").write_text(
            f'[containers]\ndefault_ulimits = ["nofile={cap(nofile, 1024)}:{cap(nofile, 1024)}", '
            f'"nproc={cap(nproc, 1000)}:{cap(nproc, 1000)}"]\n[engine]\nevents_logger = "file"\n'
            f'cgroup_manager = "cgroupfs"\nruntime = "{"runc" if shutil.which("runc") else "crun"}"\n')
        self.env = {**os.environ, "CONTAINERS_CONF": str(top / "containers.conf")}
        self.words = ["podman", "--root", str(top / "root"), "--runroot", str(top / "run"), "--storage-driver", "vfs"]
        # What it mounts and which networks it makes must not stay on this machine.
        self.space = None
        if os.geteuid() == 0:
            self.space = subprocess.Popen(["unshare", "-m", "-n", "--propagation", "private", "sh", "-c",
                                           "ip link set lo up && exec sleep infinity"])
            wait_until(lambda: b"sleep" in self.of_space("cmdline"), 10, "the namespaces")
        with tarfile.open(top / "image.tar", "w") as archive:
            archive.add(shutil.which("busybox"), "bin/busybox")
            for name in TOOLS:
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                archive.addfile(link)
            for name in ("tmp", "etc", "proc", "sys", "dev"):
                folder = tarfile.TarInfo(name)
                folder.type, folder.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
                archive.addfile(folder)
        self.call("import", str(top / "image.tar"), IMAGE)
        self.call("run", "--rm", "--network", "host", IMAGE, "/bin/echo", "it runs")
        self.start()

    def of_space(self, name):
        with open(f"/proc/{self.space.pid}/{name}", "rb") as file:
            return file.read()

    def inside(self, *words):
        if self.space is None:
            return list(words)
        return ["nsenter", f"--mount=/proc/{self.space.pid}/ns/mnt", f"--net=/proc/{self.space.pid}/ns/net", *words]

    def call(self, *words):
        done = subprocess.run(self.inside(*self.words, *words), env=self.env, capture_output=True, text=True,
                              timeout=120)
        if done.returncode != 0:
            self.close()
            pytest.skip(f"podman cannot run here: {done.stderr[-300:]}")
        return done.stdout

    def start(self):
        self.log = open(self.top / "service.log", "ab")
        self.service = subprocess.Popen(self.inside(*self.words, "system", "service", "--time", "0",
                                                    "unix://" + self.socket), env=self.env, stdout=self.log,
                                        stderr=self.log)
        wait_until(lambda: subprocess.run(["curl", "-sf", "--unix-socket", self.socket, "http://d/_ping"],
                                          capture_output=True).returncode == 0, 20, "the service")

    def stop(self):
        self.service.kill()
        self.service.wait()
        if os.path.exists(self.socket):
            os.unlink(self.socket)

    def left(self):
        return self.call("ps", "-a", "--format", "{{.Names}}").split()

    def close(self):
        if getattr(self, "service", None):
            for name in self.left():
                self.call("rm", "-f", name)
            self.stop()
        if self.space:
            self.space.kill()
            self.space.wait()


@pytest.fixture(scope="module")
def podman(tmp_path_factory):
    if not (shutil.which("podman") and shutil.which("busybox")):
        pytest.skip("podman or a static busybox is not installed")
    made = Podman(tmp_path_factory.mktemp("podman"))
    yield made
    made.close()


@pytest.fixture
def project(tmp_path, podman, monkeypatch):
    for name in ("DOCKER_HOST", "KAFKA_BOOTSTRAP_SERVERS"):
        monkeypatch.delenv(name, raising=False)
    made = Project(tmp_path)
    made.more = {"env": ["A=1"], "grace_us": 8_000_000}
    made.podman = podman
    yield made
    assert podman.left() == []


def body_of(project, script, **body):
    body = {"image": IMAGE, "pull": "never", "engine": "unix://" + project.podman.socket, "network": "host",
            "command": ["/bin/sh", "-c", script], **body}
    return {k: v for k, v in body.items() if v is not None}


def run(project, script, **body):
    return project.run("container", body_of(project, script, **body))


def launch(project, script, **body):
    project.number += 1
    folder = project.top / "t" / str(project.number)
    folder.mkdir(parents=True)
    (folder / "launch.json").write_text(json.dumps({
        "kind": "container", "dag": "d", "run_id": "r", "task": "t", "map_index": -1, "number": project.number,
        "data_dir": "data", "words": ["task"], "masked": [], "body": body_of(project, script, **body), **project.more}))
    log = open(folder / "log", "wb")
    return folder, subprocess.Popen([MILLRACE, "__task", folder], cwd=project.top, stdout=log, stderr=subprocess.STDOUT)


def test_it_runs_logs_and_puts_out(project):
    code, outputs, log, _ = run(project, 'echo "out $A"; echo err >&2; echo n=5 >> $MILLRACE_OUTPUT')
    assert code == 0 and outputs == {"n": 5} and sorted(log.splitlines()) == ["err", "out 1"]
    code, outputs, log, _ = run(project, "id -u; pwd; echo m=1 >> $MILLRACE_OUTPUT; exit 3", user="1234:1234",
                                working_dir="/tmp")
    assert code == 3 and log.splitlines()[:2] == ["1234", "/tmp"]
    code, outputs, log, _ = run(project, "echo k=7 >> $MILLRACE_OUTPUT", user="1234:1234")
    assert code == 0 and outputs == {"k": 7}, log
    code, _, log, _ = run(project, "echo a terminal; [ -t 1 ] && exit 7", tty=True)
    assert code == 7 and "a terminal" in log


def test_mounts_and_limits(project):
    (project.top / "data/in/x").write_text("from the host\n")
    code, _, log, _ = run(project, "cat /in/x; touch /in/y || echo read only; echo z > /out/z; cat /sys/fs/cgroup/memory/"
                          "memory.limit_in_bytes /sys/fs/cgroup/memory.max 2> /dev/null; true",
                          mounts=["data/in:/in:ro", "./data:/out"], memory="64MiB", cpus=0.5)
    assert code == 0 and log.startswith("from the host\n") and "read only" in log, log
    assert (project.top / "data/z").read_text() == "z\n"


def test_a_large_log_comes_whole(project):
    for _ in range(3):
        code, _, log, _ = run(project, "seq 1 100000; echo -n ends without a line")
        assert code == 0 and log.splitlines() == [str(i) for i in range(1, 100001)] + ["ends without a line"]


def test_what_cannot_run_is_told(project):
    assert "has no image" in run(project, "true", image="localhost/none:1")[3]
    code, _, _, why = run(project, "", command=["/nope"])
    assert code != 0 and "/nope" in why


def test_a_stop_asks_first_and_kills_then(project):
    folder, task = launch(project, "trap 'echo ending; exit 5' TERM; echo up; while :; do sleep 0.1; done")
    wait_until(lambda: "up" in (folder / "log").read_text(), 30, "the container")
    task.send_signal(signal.SIGTERM)
    assert task.wait(120) == 1 and "ending" in (folder / "log").read_text() and not (folder / "outside").exists()
    folder, task = launch(project, "trap '' TERM; echo up; while :; do sleep 0.1; done")
    wait_until(lambda: "up" in (folder / "log").read_text(), 30, "the container")
    begun = time.monotonic()
    task.send_signal(signal.SIGTERM)
    assert task.wait(120) == 1 and 4 < time.monotonic() - begun


def test_a_killed_try_is_ended_by_its_note_or_by_the_next(project):
    folder, task = launch(project, "echo up; sleep 600")
    wait_until(lambda: "up" in (folder / "log").read_text(), 30, "the container")
    task.kill()
    task.wait()
    assert len(project.podman.left()) == 1
    done = subprocess.run([MILLRACE, "__task", folder, "end"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and project.podman.left() == [], done.stderr
    folder, task = launch(project, "echo up; sleep 600")
    wait_until(lambda: "up" in (folder / "log").read_text(), 30, "the container")
    task.kill()
    task.wait()
    code, _, log, _ = run(project, "echo second")
    assert code == 0 and "which an earlier try has left, is ended" in log and log.endswith("second\n")


def test_the_service_may_be_started_again(project):
    folder, task = launch(project, "for i in $(seq 1 60); do echo line $i; sleep 0.1; done; echo n=1 >> $MILLRACE_OUTPUT")
    wait_until(lambda: "line 10\n" in (folder / "log").read_text(), 30, "the container")
    project.podman.stop()
    time.sleep(1)
    project.podman.start()
    assert task.wait(240) == 0, (folder / "log").read_text()
    lines = [x for x in (folder / "log").read_text().splitlines() if x.startswith("line ")]
    assert [x for x in lines if lines.count(x) > 1] == []
    assert lines == [f"line {i}" for i in range(1, 61)] and (folder / "output").read_text() == "n=1\n"


def test_a_container_on_the_bridge_reaches_the_broker(project, podman):
    """The broker is where the engine is: in its network's namespace."""
    data = project.top / "data"
    broker = subprocess.Popen(podman.inside(MILLRACE, "broker", "--data", str(data), "--insecure", "-c",
                                            "broker.listen=127.0.0.1:9092,all=0.0.0.0:9093"),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    threading.Thread(target=broker.stdout.read, daemon=True).start()
    try:
        wait_until(lambda: (data / "broker/listeners").exists(), 20, "the broker")
        code, _, log, why = run(project, "echo $KAFKA_BROKERS; nc -w 5 ${KAFKA_BROKERS%:*} ${KAFKA_BROKERS#*:} "
                                "< /dev/null && echo reached", network="bridge", broker_env="KAFKA_BROKERS")
        if "netavark" in why or "iptables" in why or "CNI" in why:
            pytest.skip(f"podman has no bridge here: {why}")
        assert code == 0 and log.splitlines() == ["host.containers.internal:9093", "reached"], log
    finally:
        broker.terminate()
        broker.wait(120)
