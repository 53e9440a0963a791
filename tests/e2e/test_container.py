"""Tasks of type container, against an engine of the tests' own (engine_server.py) that also misbehaves."""

import contextlib
import http.server
import json
import os
import re
import signal
import ssl
import subprocess
import threading
import time

import pytest

import engine_server as es
from broker_server import wait_until
from conftest import MILLRACE, SOAK
from test_tasks import Project

SH = ["/bin/sh", "-c"]
FOREIGN = ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "XDG_RUNTIME_DIR", "KAFKA_BOOTSTRAP_SERVERS")


@pytest.fixture(autouse=True)
def no_names_of_this_machine(monkeypatch):
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path)
    made.more = {"env": ["A=1", "B=two words"], "grace_us": 10_000_000}
    return made


@pytest.fixture
def engine(tmp_path):
    with es.Engine(str(tmp_path / "e.sock")) as running:
        yield running


@pytest.fixture(params=["docker", "podman"])
def either(engine, request):
    engine.podman = request.param == "podman"
    return engine


def run(project, at, script="true", more=None, **body):
    body = {"image": "app", "engine": at.url, "command": SH + [script], "connect_timeout": "10s", **body}
    body = {k: v for k, v in body.items() if v is not None}
    return project.run("container", body, **(more or {}))


def note(project):
    return (project.top / "t" / str(project.number) / "outside").exists()


# ---- what it does --------------------------------------------------------------------------------------


def test_a_container_runs_logs_puts_out_and_goes(project, either):
    code, outputs, log, _ = run(project, either, 'echo out; echo err >&2; echo "$A|$B|$MILLRACE_TASK|$MILLRACE_TRY_NUMBER";'
                                ' echo rows=7 >> $MILLRACE_OUTPUT; echo \'list=[1, "x"]\' >> $MILLRACE_OUTPUT')
    assert code == 0, log
    assert outputs == {"rows": 7, "list": [1, "x"]}
    assert sorted(log.splitlines()) == ["1|two words|t|1", "err", "out"]
    assert either.containers == {} and not note(project)
    [made] = either.all
    assert made.stopped == ["delete"] and re.fullmatch(r"millrace-d-t-[0-9a-f]{16}", made.name)
    labels = made.body["Labels"]
    assert labels["millrace.try"] == str(project.top / "t/1") and labels["millrace.task"] == "d/r/t"
    assert labels["millrace.project"] == str(project.top / "data")
    assert made.body["Image"] == "app:latest" and either.pulls == []
    assert "MILLRACE_OUTPUT=/millrace/output" in made.body["Env"]


def test_all_keys_reach_the_engine(project, engine):
    (project.top / "in put").mkdir()
    code, _, log, _ = run(
        project, engine, command=["echo", "a b", 7], entrypoint=["/usr/bin/env"], working_dir="/w", user="1000:1000",
        network="host", memory="64MiB", cpus=1.5, platform="linux/amd64", hosts={"db": "10.0.0.7"},
        mounts=["./in put:/in:ro", "cache:/c", {"type": "tmpfs", "target": "/t"}])
    assert code == 0 and log == "a b 7\n"
    body, host = engine.all[0].body, engine.all[0].body["HostConfig"]
    assert body["Entrypoint"] == ["/usr/bin/env"] and body["Cmd"] == ["echo", "a b", "7"]
    assert (body["WorkingDir"], body["User"], body["Tty"]) == ("/w", "1000:1000", False)
    assert (host["NetworkMode"], host["Memory"], host["NanoCpus"]) == ("host", 64 << 20, 1_500_000_000)
    assert host["ExtraHosts"] == ["db:10.0.0.7"] and host["AutoRemove"] is False
    assert host["Mounts"] == [
        {"Type": "bind", "Target": "/in", "Source": str(project.top / "in put"), "ReadOnly": True},
        {"Type": "volume", "Target": "/c", "Source": "cache", "ReadOnly": False},
        {"Type": "tmpfs", "Target": "/t", "ReadOnly": False}]
    assert engine.all[0].query["platform"] == "linux/amd64"


def test_its_exit_code_is_the_tasks(project, either):
    for number in (1, 3, 97, 99, 137):
        code, _, log, why = run(project, either, f"echo partial | tr -d '\\n'; exit {number}")
        words = f"the container ended with exit code {number}"
        assert (code, why) == (number, words) and log == f"partial\n{words}\n"
        assert either.containers == {} and not note(project)
    code, _, _, why = run(project, either, command=["/nope"])
    assert code == 97 and "executable file not found" in why and either.containers == {}


def test_memory_that_was_short_is_told(project, engine, monkeypatch):
    monkeypatch.setattr(es.Container, "oom", property(lambda self: True, lambda self, value: None), raising=False)
    code, _, log, why = run(project, engine, "exit 137", memory="64MiB")
    assert code == 137 and why == "the container was out of memory, and ended with exit code 137"
    assert "Raise memory:" in log or "out of memory" in log


def test_a_terminals_log_has_no_frames(project, either):
    code, _, log, _ = run(project, either, "printf '\\001\\000\\000\\000\\000\\000\\000\\005hello'", tty=True)
    assert code == 0 and log == "\1\0\0\0\0\0\0\5hello\n"


def test_a_large_log_comes_whole_and_in_order(project, either):
    code, _, log, _ = run(project, either, "seq 1 200000; head -c 3000000 /dev/zero | tr '\\0' x")
    assert code == 0
    lines = log.splitlines()
    assert lines[:200000] == [str(i) for i in range(1, 200001)] and lines[200000] == "x" * 3000000


def test_too_large_outputs_fail(project, engine):
    code, _, _, why = run(project, engine, "head -c 5000000 /dev/zero | tr '\\0' x >> $MILLRACE_OUTPUT")
    assert code == 1 and "MILLRACE_OUTPUT" in why and engine.containers == {}


# ---- images --------------------------------------------------------------------------------------------


def test_an_image_is_fetched_when_it_must_be(project, engine):
    engine.registry = {"r.org:5000/team/app:1.2": None, "app:latest": None}
    code, _, log, _ = run(project, engine, "echo done", image="r.org:5000/team/app:1.2")
    assert code == 0 and engine.pulls[0][0] == "r.org:5000/team/app:1.2" and engine.pulls[0][2] is None
    assert log.splitlines() == ["fetching image r.org:5000/team/app:1.2", "1.2: Pulling from x",
                                "Status: Downloaded newer image for r.org:5000/team/app:1.2", "done"]
    assert run(project, engine, image="r.org:5000/team/app:1.2")[0] == 0 and len(engine.pulls) == 1
    assert run(project, engine, image="app", pull="always")[0] == 0 and len(engine.pulls) == 2
    code, _, log, why = run(project, engine, image="other", pull="never")
    assert code == 1 and why == f'engine "{engine.url}" has no image "other:latest"' and "pull: missing" in log
    code, _, log, why = run(project, engine, image="other:7")
    assert code == 1 and 'cannot fetch image "other:7": manifest for other:7 not found' in why
    assert "look at the image's name" in log


def test_another_platforms_image_is_not_taken(project, engine):
    engine.registry = {"app:latest": None}
    assert run(project, engine, platform="linux/arm64")[0] == 0
    assert engine.pulls[0][1]["platform"] == "linux/arm64"
    assert run(project, engine, platform="linux/arm64")[0] == 0 and len(engine.pulls) == 1
    assert "for linux/s390x" in run(project, engine, platform="linux/s390x", pull="never")[3]


def test_who_may_fetch_a_private_image(project, engine):
    engine.registry = {"r.org/app:1": ("ann", "pa+ss/wörd")}
    code, _, log, why = run(project, engine, image="r.org/app:1")
    assert code == 1 and "denied" in why and "registry: a connection of type docker" in log
    conn = {"id": "reg", "type": "docker", "host": "r.org", "login": "ann", "password": "wrong"}
    code, _, log, why = run(project, engine, image="r.org/app:1", registry="reg", more={"connections": [conn]})
    assert code == 1 and "incorrect username" in why and 'connection "reg"' in log and "wrong" not in log
    good = {**conn, "password": "pa+ss/wörd"}
    code, _, log, _ = run(project, engine, image="r.org/app:1", registry="reg", more={"connections": [good]})
    assert code == 0 and "pa+ss" not in log
    assert engine.pulls[-1][2] == {"username": "ann", "password": "pa+ss/wörd", "serveraddress": "r.org"}
    code, _, _, why = run(project, engine, image="r.org/app:1", registry="reg",
                          more={"connections": [{**good, "type": "http"}]})
    assert code == 1 and "is of type http, not docker" in why


@pytest.mark.parametrize("image, host, port, told", [
    ("r.org/app:1", "other.org", None, ("r.org", "other.org")),
    ("r.org:5000/app:1", "r.org", None, ("r.org:5000", "r.org")),
    ("r.org:5000/app:1", "r.org", 5001, ("r.org:5000", "r.org:5001")),
    ("app:1", "r.org", None, ("docker.io", "r.org")),
    ("r.org/app:1", None, None, ("r.org", "docker.io")),
    ("r.org:5000/app:1", "R.org", 5000, None),
    ("r.org:5000/app:1", "r.org:5000", None, None),
    ("r.org/app:1", "https://r.org:443/v2/", None, None),
    ("localhost/app:1", "localhost", 443, None),
    ("app:1", "https://index.docker.io/v1/", None, None),
    ("team/app:1", "registry-1.docker.io", None, None),
    ("index.docker.io/team/app:1", "docker.io", None, None),
    ("docker.io/team/app:1", None, None, None),
])
def test_a_password_goes_to_its_own_registry_alone(project, engine, image, host, port, told):
    engine.registry = {image: ("ann", "secret")}
    conn = {"id": "reg", "type": "docker", "host": host, "port": port, "login": "ann", "password": "secret"}
    conn = {k: v for k, v in conn.items() if v is not None}
    code, _, log, why = run(project, engine, image=image, registry="reg", more={"connections": [conn]})
    if told:
        assert code == 97 and engine.pulls == [] and "secret" not in log
        assert why == f'image "{image}" is of registry "{told[0]}", connection "reg" of "{told[1]}"'
    else:
        assert code == 0, log
        address = engine.pulls[0][2]["serveraddress"]
        assert address == ("https://index.docker.io/v1/" if "r.org" not in image and "local" not in image
                           else image[:image.index("/")])


def test_what_a_pull_says_may_be_strange(project, engine):
    engine.registry = {"x:1": None}
    engine.pull_lines = [b'{"status":"' + b"y" * 3_000_000 + b'"}\r\n', b"\r\n\r\n", b"no JSON\n", b'{"error":""}\n',
                         b'[1]\n{"status":7}\n{"stat', b'us":"two pieces"}\n']
    engine.fault("POST /images/create", es.DRIP)
    code, _, log, _ = run(project, engine, image="x:1")
    assert code == 0 and "two pieces" in log and len(log) < 1000
    engine.images.pop("x:1")
    engine.pull_lines = [b'{"errorDetail":{"message":"no space left on device"}}\n']
    code, _, log, why = run(project, engine, image="x:1")
    assert code == 1 and "no space left" in why and "Make room" in log


# ---- the broker ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("listeners, network, podman, wanted", [
    ("127.0.0.1:9092", "host", False, "127.0.0.1:9092"),
    ("127.0.0.1:9092\n0.0.0.0:9093", None, False, "host.docker.internal:9093"),
    ("127.0.0.1:9092\n0.0.0.0:9093?sasl\n0.0.0.0:9094", None, False, "host.docker.internal:9094"),
    ("127.0.0.1:9092\n0.0.0.0:9093", "bridge", True, "host.containers.internal:9093"),
    ("127.0.0.1:9092\n172.17.0.1:9095", None, False, "172.17.0.1:9095"),
    ("127.0.0.1:9092\n0.0.0.0:9093@kafka.example.org:19093?tls", None, False, "kafka.example.org:19093"),
])
def test_the_broker_is_handed_in_as_it_is_reached(project, engine, listeners, network, podman, wanted):
    engine.podman = podman
    (project.top / "data/broker").mkdir()
    (project.top / "data/broker/address").write_text("127.0.0.1:9092\n")
    (project.top / "data/broker/listeners").write_text(listeners + "\n")
    code, _, log, _ = run(project, engine, "echo $KAFKA_BOOTSTRAP_SERVERS $KAFKA_BROKERS", network=network,
                          broker_env="KAFKA_BROKERS")
    assert code == 0 and log == f"{wanted} {wanted}\n"
    hosts = engine.all[0].body["HostConfig"]["ExtraHosts"]
    assert hosts == (["host.docker.internal:host-gateway"] if "docker" in wanted else [])


def test_a_broker_that_is_out_of_reach_is_told(project, engine, monkeypatch):
    (project.top / "data/broker").mkdir()
    (project.top / "data/broker/address").write_text("127.0.0.1:9092\n")
    (project.top / "data/broker/listeners").write_text("127.0.0.1:9092\n")
    code, _, log, _ = run(project, engine, "echo $KAFKA_BOOTSTRAP_SERVERS.")
    assert code == 0 and log.splitlines()[-1] == "."
    assert log.startswith("note: the broker listens at 127.0.0.1:9092 only") and "network: host" in log
    code, _, _, why = run(project, engine, broker_env=["K"])
    assert code == 97 and why.startswith("the broker listens at 127.0.0.1:9092 only")
    assert run(project, engine, network="none", broker_env=["K"])[0] == 97
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka.example.org:9092,k2:9093")
    code, _, log, _ = run(project, engine, "echo $KAFKA_BOOTSTRAP_SERVERS")
    assert code == 0 and log == "kafka.example.org:9092,k2:9093\n"


def test_an_engine_of_this_machine_is_known_by_any_address(project):
    (project.top / "data/broker").mkdir()
    (project.top / "data/broker/address").write_text("127.0.0.1:9092\n")
    (project.top / "data/broker/listeners").write_text("127.0.0.1:9092\n0.0.0.0:9093\n")
    with es.Engine() as engine:
        for host in ("127.0.0.1", "0.0.0.0", "localhost"):
            code, _, log, _ = run(project, engine, "echo $KAFKA_BOOTSTRAP_SERVERS",
                                  engine=engine.url.replace("127.0.0.1", host))
            assert code == 0 and log == "host.docker.internal:9093\n", log


def test_no_variable_is_given_twice(project, engine):
    (project.top / "data/broker").mkdir()
    (project.top / "data/broker/address").write_text("k.example.org:9092\n")
    project.more["env"] = ["K=mine", "MILLRACE_TASK=mine", "A=1", "A=2", "KK=3"]
    code, _, log, _ = run(project, engine, "echo $K $MILLRACE_TASK $A $KK", broker_env=["K", "KAFKA_BOOTSTRAP_SERVERS"])
    assert code == 0 and log == "k.example.org:9092 t 2 3\n"
    names = [x.split("=")[0] for x in engine.all[0].body["Env"]]
    assert len(names) == len(set(names)) and "KAFKA_BOOTSTRAP_SERVERS" in names


# ---- where the engine is -------------------------------------------------------------------------------


def test_the_engine_is_looked_for(project, engine, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", engine.url)
    assert run(project, engine, engine=None)[0] == 0
    monkeypatch.delenv("DOCKER_HOST")
    (tmp_path / "run/podman").mkdir(parents=True)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    with es.Engine(str(tmp_path / "run/podman/podman.sock")) as other:
        if not os.path.exists("/var/run/docker.sock"):
            assert run(project, engine, engine=None)[0] == 0 and len(other.all) == 1
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    if not any(map(os.path.exists, ("/var/run/docker.sock", "/run/podman/podman.sock"))):
        code, _, log, why = run(project, engine, engine=None)
        assert code == 1 and "no container engine is there" in why and "/run/podman/podman.sock" in why
        assert "engine: tcp://" in log


def test_an_engine_that_is_not_there_is_told(project, engine, tmp_path):
    code, _, log, why = run(project, engine, engine=f"unix://{tmp_path}/none.sock", connect_timeout="2s")
    assert code == 1 and "nobody listens" in why and "systemctl" in log
    code, _, log, why = run(project, engine, engine="tcp://127.0.0.1:1", connect_timeout="2s")
    assert code == 1 and "Connection refused" in why and "trying again" in log
    for bad in ("npipe:////./pipe/docker", "localhost:2375", "tcp://", "tcp://h:99999", "unix://relative"):
        code, _, _, why = run(project, engine, engine=bad)
        assert code == 97 and why == f'"{bad}" is no address of a container engine'
    assert "ssh -nNT" in run(project, engine, engine="ssh://me@host")[2]


def test_an_engine_on_tcp_behind_a_proxy_with_rules(project):
    with es.Engine() as engine:
        assert run(project, engine)[0] == 0
        assert run(project, engine, engine=engine.url.replace("tcp", "http") + "/")[0] == 0
        host, port = engine.url[6:].split(":")
        conn = [{"id": "far", "type": "docker", "host": host, "port": int(port)}]
        assert run(project, engine, engine=None, conn="far", more={"connections": conn})[0] == 0
        conn = [{"id": "far", "type": "docker", "host": engine.url}]
        assert run(project, engine, engine=None, conn="far", more={"connections": conn})[0] == 0
        engine.forbidden = "POST /containers"
        code, _, log, why = run(project, engine)
        assert code == 1 and "403" in why and "must allow CONTAINERS, IMAGES and POST" in log


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca",
            "-days", "2")
    for name, extension in (("server", "subjectAltName=IP:127.0.0.1"), ("client", "extendedKeyUsage=clientAuth")):
        (folder / "ext").write_text(extension)
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
                f"{name}.pem", "-days", "2", "-extfile", "ext")
    client = folder / "client"
    client.mkdir()
    for source, target in (("ca.pem", "ca.pem"), ("client.pem", "cert.pem"), ("client.key", "key.pem")):
        (client / target).write_bytes((folder / source).read_bytes())
    return folder


def test_an_engine_behind_tls(project, certificates, monkeypatch, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    context.load_verify_locations(certificates / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with es.Engine(tls=context) as engine:
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates / "client"))
        code, outputs, log, _ = run(project, engine, "seq 1 20000; echo a=1 >> $MILLRACE_OUTPUT")
        assert code == 0 and log.splitlines() == [str(i) for i in range(1, 20001)] and outputs == {"a": 1}
        monkeypatch.delenv("DOCKER_TLS_VERIFY")
        host = engine.url.replace("tcp", "https")
        assert run(project, engine, engine=host)[0] == 0
        code, _, _, why = run(project, engine)  # Plain text to TLS.
        assert code == 1 and "engine" in why
        monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
        code, _, log, why = run(project, engine, engine=host)
        assert code == 1 and "is not trusted" in why and "DOCKER_CERT_PATH" in log
        conn = {"id": "far", "type": "docker", "host": host,
                "extra": {"cert_path": str(certificates / "client"), "tls": True}}
        assert run(project, engine, engine=None, conn="far", more={"connections": [conn]})[0] == 0
        monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates / "client"))
        code, _, _, why = run(project, engine, engine=host.replace("127.0.0.1", "localhost"))
        assert code == 1 and "hostname mismatch" in why


def test_what_is_no_engine_is_told(project, engine):
    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"hi")

        def log_message(self, *_):
            pass

    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    code, _, _, why = run(project, engine, engine=f"tcp://127.0.0.1:{site.server_address[1]}")
    site.shutdown()
    assert code == 1 and "is no container engine" in why
    engine.version = "1.20"
    code, _, _, why = run(project, engine)
    assert code == 1 and "at least 1.25 is needed" in why
    engine.version = None  # A proxy that eats headers: /version tells.
    assert run(project, engine)[0] == 0 and "GET /version" in engine.requests
    engine.version = "1.99"
    assert run(project, engine)[0] == 0


# ---- its end -------------------------------------------------------------------------------------------


def launch(project, engine, script, env=None, **body):
    """A try that is under way."""
    project.number += 1
    folder = project.top / "t" / str(project.number)
    folder.mkdir(parents=True)
    body = {"image": "app", "engine": engine.url, "command": SH + [script], "connect_timeout": "10s", **body}
    (folder / "launch.json").write_text(json.dumps({
        "kind": "container", "dag": "d", "run_id": "r", "task": "t", "map_index": -1, "number": project.number,
        "data_dir": "data", "words": ["task"], "masked": [], "body": body, **project.more}))
    log = open(folder / "log", "wb")
    return folder, subprocess.Popen([MILLRACE, "__task", folder], cwd=project.top, stdout=log,
                                    stderr=subprocess.STDOUT, env={**os.environ, **(env or {})})


def test_one_that_is_asked_to_end_stops_its_container(project, either):
    folder, task = launch(project, either, "trap 'echo ending; exit 5' TERM; echo up; while :; do sleep 0.1; done")
    wait_until(lambda: "up" in (folder / "log").read_text(), 10, "the container")
    task.send_signal(signal.SIGTERM)
    assert task.wait(60) == 1
    assert either.all[0].stopped == ["stop 7", "delete"] and either.containers == {} and not (folder / "outside").exists()
    assert (folder / "log").read_text().splitlines()[:3] == ["up", "stopping the container", "ending"]


def test_one_that_does_not_end_is_killed_in_time(project, engine):
    project.more["grace_us"] = 4_000_000
    folder, task = launch(project, engine, "trap '' TERM; echo up; while :; do sleep 0.1; done")
    wait_until(lambda: "up" in (folder / "log").read_text(), 10, "the container")
    task.send_signal(signal.SIGTERM)
    assert task.wait(60) == 1 and engine.all[0].stopped == ["stop 1", "delete"]
    assert engine.running() == [] and engine.containers == {}


def test_a_stop_while_an_image_is_fetched(project, engine):
    project.more["grace_us"] = 3_600_000_000  # It takes none of it.
    engine.registry = {"x:1": None}
    engine.fault("POST /images/create", es.HANG)
    folder, task = launch(project, engine, "true", image="x:1")
    wait_until(lambda: "POST /images/create" in engine.requests, 10, "the fetching")
    task.send_signal(signal.SIGTERM)
    assert task.wait(50) == 1 and engine.all == []  # The engine would be given a minute.


@pytest.mark.parametrize("point", ["noted", "created", "started", "ended"])
def test_a_container_of_a_killed_try_is_ended(project, engine, point):
    folder, task = launch(project, engine, "echo up; sleep 60" if point != "ended" else "true",
                          env={"MILLRACE_CRASH": f"container.{point}:1"})
    assert task.wait(120) == -signal.SIGKILL
    assert (folder / "outside").exists()
    assert len(engine.running()) == (point == "started")
    done = subprocess.run([MILLRACE, "__task", folder, "end"], cwd="/", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert engine.running() == [] and engine.containers == {} and not (folder / "outside").exists()


def test_what_nobody_has_ended_is_ended_by_the_next_try(project, engine):
    folder, task = launch(project, engine, "echo up; sleep 60")
    wait_until(lambda: "up" in (folder / "log").read_text(), 10, "the container")
    task.kill()
    task.wait()
    other = es.Container(engine, "other", {"Labels": {"millrace.task": "d/r/other"}, "Env": [], "Tty": False,
                                           "Cmd": ["sleep", "60"]})
    engine.all.append(other)
    engine.containers[other.id] = other
    other.start()
    code, _, log, _ = run(project, engine, "echo second")
    assert code == 0 and re.search("container 00000000.*, which an earlier try has left, is ended", log)
    assert engine.running() == [other] and engine.all[0].stopped == ["delete"]


def test_two_deployments_on_one_engine_leave_each_other_alone(project, engine):
    """Of one machine's image, with the same folders: only the data folder's own number tells."""
    folder, task = launch(project, engine, "echo up; sleep 60")
    wait_until(lambda: "up" in (folder / "log").read_text(), 10, "the container")
    task.kill()
    task.wait()
    [theirs] = engine.running()
    own = (project.top / "data/flow.id").read_text()
    assert re.fullmatch("[0-9a-f]{32}\n", own) and theirs.body["Labels"]["millrace.deployment"] == own[:-1]
    (project.top / "data/flow.id").write_text("0" * 32 + "\n")
    for engine.knows_filters in (True, False):
        assert run(project, engine)[0] == 0 and engine.running() == [theirs]
    project.number = 0  # The same try, as the other deployment counts.
    (folder / "launch.json").unlink()
    folder.rename(project.top / "kept")
    code, _, log, _ = run(project, engine)
    assert code == 0 and engine.running() == [theirs] and engine.all[-1].name != theirs.name, log
    (project.top / "data/flow.id").write_text(own)
    project.number = 10
    code, _, log, _ = run(project, engine)
    assert code == 0 and engine.running() == [] and "which an earlier try has left" in log
    (project.top / "data/flow.id").write_text("none")
    code, _, _, why = run(project, engine)
    assert code == 1 and "flow.id\" is not 32 hexadecimal digits" in why


@pytest.mark.parametrize("grace, left", [(10_000_000, False), (2_000_000, True)])
def test_a_stop_while_a_container_is_made_leaves_none(project, engine, grace, left):
    project.more["grace_us"] = grace
    engine.slow_seconds = 60 if left else 1  # Of a grace of 10 s it waits for 7, of one of 2 s not at all.
    engine.fault("POST /containers/create", es.SLOW)
    folder, task = launch(project, engine, "true")
    wait_until(lambda: "POST /containers/create" in engine.requests, 10, "the making")
    task.send_signal(signal.SIGTERM)
    assert task.wait(60) == 1 and (folder / "outside").exists() == left
    if left:  # Nobody has waited for it: whoever finds the note does.
        threading.Timer(0.3, engine.slow_ends.set).start()
        done = subprocess.run([MILLRACE, "__task", folder, "end"], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 and "was ended" in done.stderr
    assert [x.status for x in engine.all] == ["created"] and engine.containers == {}
    assert not (folder / "outside").exists()


def test_a_name_that_is_taken(project, engine):
    assert run(project, engine)[0] == 0
    first = engine.all[0]
    # Of this very try, of a life that has ended: it goes.
    again = es.Container(engine, first.name, {**first.body, "Cmd": ["sleep", "60"]})
    again.hidden = True  # From lists: the sweep does not find it.
    engine.all.append(again)
    engine.containers[again.id] = again
    again.start()
    folder = project.top / "t/1"
    done = subprocess.run([MILLRACE, "__task", folder], cwd=project.top, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert again.stopped == ["delete"] and again.wait(5)
    # Somebody else's: it is not touched.
    theirs = es.Container(engine, first.name, {**first.body, "Labels": {}, "Cmd": ["sleep", "60"]})
    engine.all.append(theirs)
    engine.containers[theirs.id] = theirs
    theirs.start()
    done = subprocess.run([MILLRACE, "__task", folder], cwd=project.top, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "is already in use" in done.stderr


# ---- engines that misbehave ----------------------------------------------------------------------------

STEPS = ["/_ping", "GET /containers/json", "GET /images/", "POST /containers/create", "PUT /.*/archive", "POST .*/start",
         "GET .*/logs", "POST .*/attach", "POST .*/wait", "GET .*/containers/mill.*/json", "GET .*/archive", "DELETE "]
KINDS = [es.DROP, es.RESET, es.HALF, es.GARBAGE, es.BAD_CHUNK, es.HUGE_LINE, es.CUT, es.REFUSE, es.NO_JSON, es.DRIP,
         es.ENDLESS]


@pytest.mark.parametrize("step", STEPS)
def test_no_fault_of_an_engine_hangs_or_leaves_a_container(project, engine, step):
    engine.podman = "attach" in step
    for number, kind in enumerate(KINDS):
        for times in (1, 1000) if SOAK else (1,) if number % 2 else (1000,):
            engine.faults = []
            engine.fault(step, kind, times)
            begun = time.monotonic()
            code, outputs, log, why = run(project, engine, "echo first; sleep 0.2; echo second; echo a=1 >> $MILLRACE_OUTPUT",
                                          connect_timeout="600ms")
            took = time.monotonic() - begun
            said = f"{step}, {kind}, {times} times: code {code}, {took:.1f} s\n{log}"
            assert took < 55, said  # The longest that an answer is waited for is a minute.
            own = why.startswith("the container ended")  # It missed the file of its outputs.
            assert code == 0 or (why != "" and log.count("error: ") == (not own)), said
            if code == 0:
                assert outputs == {"a": 1}, said
                assert "first\nsecond\n" in log or "cannot be read" in log, said
                assert log.count("first") == 1 or "log" in step, said
            # What could not be removed is known by its note, and ended when the engine is well again.
            assert not engine.containers or note(project), said
            engine.faults = []
            folder = project.top / "t" / str(project.number)
            if note(project):
                done = subprocess.run([MILLRACE, "__task", folder, "end"], capture_output=True, text=True, timeout=120)
                assert done.returncode == 0, said + done.stderr
            assert engine.containers == {} and engine.running() == [], said


@pytest.mark.parametrize("at", [1, 3, 8, 9, 60, 300, 1111, 5000])
def test_a_log_that_breaks_off_goes_on_where_it_was(project, either, at):
    either.bytes_before_cut = at
    either.fault("/logs|/attach", es.CUT, 3)
    code, _, log, _ = run(project, either, "for i in $(seq 1 300); do echo line $i; done; sleep 1; echo end; echo e >&2")
    assert code == 0
    lines = [x for x in log.splitlines() if "engine" not in x]
    assert [x for x in lines if x != "e"] == [f"line {i}" for i in range(1, 301)] + ["end"] and lines.count("e") == 1


def test_a_silent_container_whose_log_breaks_often_keeps_its_log(project, engine):
    engine.fault("/logs", es.DROP, 6)
    code, _, log, _ = run(project, engine, "sleep 4.5; echo late; sleep 1; echo later")
    assert code == 0 and [x for x in log.splitlines() if "engine" not in x] == ["late", "later"]
    assert log.count("breaks off") == 1 and "cannot be read" not in log


@pytest.mark.parametrize("kept", [10, 15])
def test_a_log_whose_beginning_is_deleted_goes_on(project, engine, kept):
    """As an engine does that keeps so many bytes of a log, while nobody reads it."""
    engine.line_by_line = True
    folder, task = launch(
        project, engine, "for i in $(seq 1 10); do echo line $i; sleep 0.03; done; until [ -e go ]; do sleep 0.05; done;"
        " for i in $(seq 11 20); do echo line $i; sleep 0.03; done; sleep 1", connect_timeout="20s")
    wait_until(lambda: "line 10\n" in (folder / "log").read_text(), 10, "the container")
    engine.away()
    [one] = engine.all
    with open(one.folder + "/go", "w", encoding="ascii"):
        pass
    wait_until(lambda: one.log[-1][1].endswith(b"line 20\n"), 10, "the rest")
    with one.changed:
        first = next(i for i, x in enumerate(one.log) if b"line %d\n" % kept in x[1])
        del one.log[:first]
    engine.open()
    assert task.wait(120) == 0
    log = (folder / "log").read_text().splitlines()
    missing = [x for x in log if "may be missing here: the engine has deleted them" in x]
    assert len(missing) == (kept > 10)
    lines = [x for x in log if x.startswith("line ")]
    assert lines == [f"line {i}" for i in range(1, 21) if i <= 10 or i >= kept]


def test_an_engine_that_gives_no_times_is_followed_without(project, engine):
    engine.knows_times = False
    engine.bytes_before_cut = 60
    engine.fault("/logs", es.CUT, 2)
    code, _, log, _ = run(project, engine, "for i in $(seq 1 20); do echo 2025-11-26 line $i; sleep 0.02; done")
    assert code == 0
    assert [x for x in log.splitlines() if "engine" not in x] == [f"2025-11-26 line {i}" for i in range(1, 21)]


def test_a_log_that_an_engine_refuses_for_a_moment_comes(project, engine):
    engine.fault("/logs", es.REFUSE, 2)
    code, _, log, _ = run(project, engine, "echo a; sleep 1.5; echo b")
    assert code == 0 and log == "a\nb\n"


def test_frames_that_are_none_end_the_log_but_not_the_container(project, engine):
    engine.fault("GET .*/logs", "bad frame", 1000)
    code, outputs, log, _ = run(project, engine, "echo x; sleep 0.5; echo ok=true >> $MILLRACE_OUTPUT")
    assert code == 0 and outputs == {"ok": True}
    assert "log cannot be read" in log and "07 01 02 03" in log


def test_an_engine_that_is_started_again_is_waited_for(project, either):
    folder, task = launch(project, either, "echo up; sleep 3; echo over; echo n=1 >> $MILLRACE_OUTPUT",
                          connect_timeout="20s")
    wait_until(lambda: "up" in (folder / "log").read_text(), 10, "the container")
    either.away()
    time.sleep(1)
    either.open()
    assert task.wait(120) == 0
    log = (folder / "log").read_text().splitlines()
    assert log[0] == "up" and log[-1] == "over" and log.count("up") == 1
    assert (folder / "output").read_text() == "n=1\n" and either.containers == {}


def test_an_engine_that_stays_away_fails_the_try_and_the_next_ends_the_container(project, either):
    folder, task = launch(project, either, "echo up; sleep 60", connect_timeout="2s")
    wait_until(lambda: "up" in (folder / "log").read_text(), 10, "the container")
    either.away()
    assert task.wait(120) == 1
    why = (folder / "why").read_text()
    assert why.startswith("the engine is gone while the container runs") and (folder / "outside").exists()
    either.open()
    assert len(either.running()) == 1
    assert run(project, either, "echo second")[0] == 0
    assert either.running() == []


def test_a_container_that_somebody_removes(project, either):
    folder, task = launch(project, either, "echo up; sleep 60")
    wait_until(lambda: "up" in (folder / "log").read_text(), 10, "the container")
    [one] = either.running()
    either.containers.clear()
    one.end(signal.SIGKILL)
    assert task.wait(120) == 1
    assert (folder / "why").read_text() == "somebody else has removed the container"


# ---- in workflows --------------------------------------------------------------------------------------

# A second one at the same time would be seen: the folder is there already.
ALONE = ('mkdir alone || echo two at once >> effects; trap "rmdir alone; echo ended >> effects; exit 1" TERM; '
         'echo begun >> effects; %s; rmdir alone; echo done >> effects')


class Workflows:
    def __init__(self, top, engine, script, **task):
        self.top = top
        (top / "dags").mkdir()
        (top / "millrace.yaml").write_text("broker:\n  listen: '127.0.0.1:0'\nflow:\n  kill_grace: 5s\n")
        task = {"id": "t", "type": "container", "image": "app", "engine": engine.url, "connect_timeout": "10s",
                "command": SH + [f"cd {top}; " + ALONE % script], **task}
        then = {"id": "then", "type": "shell", "script": "echo {{ outputs.t.n }} >> effects", "depends_on": "t"}
        (top / "dags/c.yaml").write_text(json.dumps({"id": "c", "tasks": [task, then]}))
        self.up()

    def up(self):
        self.process = subprocess.Popen([MILLRACE, "up"], cwd=self.top, start_new_session=True,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def call(self, *words, given=None):
        done = subprocess.run([MILLRACE, *words], cwd=self.top, capture_output=True, text=True, input=given)
        return done.stdout if done.returncode == 0 else ""

    def trigger(self):
        wait_until(lambda: self.call("dag", "trigger", "c"), 20, "up")

    def state(self):
        shown = self.call("runs", "show", "c", "--json")
        return json.loads(shown)["state"] if shown else ""

    def effects(self):
        path = self.top / "effects"
        return path.read_text().split() if path.exists() else []

    def processes(self):
        """Of the try: the task, its supervisor, the spawner."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
                if b"__task" in words and str(self.top).encode() in words[words.index(b"__task") + 1] and \
                        b"end" not in words:
                    parents = [int(pid)]
                    for _ in range(2):
                        with open(f"/proc/{parents[-1]}/stat", encoding="ascii") as file:
                            parents.append(int(file.read().rsplit(")", 1)[1].split()[1]))
                    return parents
            except (OSError, IndexError):
                pass
        return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def test_a_workflow_with_a_container_hands_on_its_outputs_and_hides_secrets(tmp_path, engine):
    more = {"env": {"KEY": {"secret": "key"}}}
    with Workflows(tmp_path, engine, "echo the key is $KEY; echo n=42 >> $MILLRACE_OUTPUT", **more) as w:
        subprocess.run([MILLRACE, "secret", "set", "key"], cwd=tmp_path, input="hunter2-word", text=True, check=True)
        w.trigger()
        wait_until(lambda: w.state() in ("success", "failed"), 30, "the end")
        assert w.state() == "success", w.call("runs", "logs", "c")
        assert w.effects() == ["begun", "done", "42"]
        assert "the key is ***" in w.call("runs", "logs", "c", "--task", "t")
        assert engine.all[0].body["Env"].count("KEY=hunter2-word") == 1


def test_a_container_whose_time_is_over_is_ended(tmp_path, engine):
    with Workflows(tmp_path, engine, "sleep 60 & wait", execution_timeout="5s") as w:
        w.trigger()
        wait_until(lambda: w.state() == "failed", 30, "the timeout")
        assert w.effects() == ["begun", "ended"] and engine.running() == [] and engine.containers == {}


def test_a_run_that_is_stopped_ends_its_container(tmp_path, engine):
    with Workflows(tmp_path, engine, "sleep 60 & wait") as w:
        w.trigger()
        wait_until(lambda: w.effects() == ["begun"], 30, "the container")
        assert w.call("runs", "stop", "c")
        wait_until(lambda: w.state() not in ("running", "queued"), 20, "the stop")
        assert w.effects() == ["begun", "ended"] and engine.running() == []


@pytest.mark.parametrize("who", ["task", "supervisor", "task and supervisor", "all"])
def test_killed_processes_leave_no_container_and_start_none_twice(tmp_path, engine, who):
    script = "test -e again && echo n=1 >> $MILLRACE_OUTPUT || { touch again; sleep 60 & wait; }"
    with Workflows(tmp_path, engine, script, retries=1, retry_delay="100ms") as w:
        w.trigger()
        wait_until(lambda: (tmp_path / "again").exists() and w.processes(), 30, "the container")
        engine.on_kill = (tmp_path / "alone").rmdir  # The container is killed: it cannot.
        task, supervisor, spawner = w.processes()
        doomed = {"task": [task], "supervisor": [supervisor], "task and supervisor": [supervisor, task],
                  "all": [w.process.pid, spawner, supervisor, task]}[who]
        for pid in doomed:
            with contextlib.suppress(ProcessLookupError):  # It ends with the one before it.
                os.kill(pid, signal.SIGKILL)
        if who == "all":
            w.process.wait()
            assert len(engine.running()) == 1
            w.up()
        wait_until(lambda: w.state() in ("success", "failed"), 40, "the second try")
        assert w.state() == "success" and w.effects() == ["begun", "begun", "done", "1"], w.call("runs", "logs", "c")
        assert engine.all[0].stopped[-1] == "delete" and engine.running() == [] and engine.containers == {}
