"""A container engine for tests: Docker's API on a Unix socket or TCP, as its public description says.

Containers are processes of this machine: their command runs as it is, with their environment; the file of their
outputs is in a folder of their own. What goes wrong is asked for by `fault`: a step and what happens in it.
"""

import base64
import io
import json
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tarfile
import tempfile
import threading
import time
import urllib.parse

DROP, RESET, HANG, HALF, GARBAGE, BAD_CHUNK, HUGE_LINE, CUT, REFUSE, NO_JSON, DRIP, ENDLESS, SLOW = (
    "drop", "reset", "hang", "half", "garbage", "bad chunk", "huge line", "cut", "refuse", "no json", "drip",
    "endless", "slow")


class Gone(Exception):
    pass


class Container:
    def __init__(self, engine, name, body):
        self.engine, self.name, self.body = engine, name, body
        self.id = f"{len(engine.all):02x}" * 32
        self.folder = tempfile.mkdtemp(prefix="container-")
        self.log = []  # (stream, bytes, moment)
        self.changed = threading.Condition()
        self.process = None
        self.status, self.code, self.error, self.oom = "created", 0, "", False
        self.stopped = []  # How it was asked to end.
        self.hidden = False  # From lists.

    def start(self):
        words = (self.body.get("Entrypoint") or []) + (self.body.get("Cmd") or ["true"])
        env = dict(x.split("=", 1) for x in self.body["Env"])
        env = {"PATH": os.environ["PATH"], **env, "MILLRACE_OUTPUT": self.folder + "/millrace/output"}
        self.process = subprocess.Popen(words, env=env, cwd=self.folder, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        self.status = "running"
        readers = [threading.Thread(target=self.read, args=(s, f), daemon=True)
                   for s, f in ((1, self.process.stdout), (2, self.process.stderr))]
        for one in readers:
            one.start()
        threading.Thread(target=self.watch, args=(readers,), daemon=True).start()

    def read(self, stream, pipe):
        while piece := os.read(pipe.fileno(), 65536):
            with self.changed:
                for part in piece.splitlines(keepends=True) if self.engine.line_by_line else [piece]:
                    # Several have one moment, as with a coarse clock.
                    moment = time.time_ns() // 20_000_000 * 20_000_000 + 7
                    if self.engine.line_by_line and self.log:
                        moment = max(moment, self.log[-1][2] + 20_000_000)
                    self.log.append((stream, part, moment))
                self.changed.notify_all()

    def watch(self, readers):
        code = self.process.wait()
        for one in readers:
            one.join()
        with self.changed:
            self.code = code if code >= 0 else 128 - code
            self.status = "exited"
            self.changed.notify_all()

    def end(self, number):
        if self.status == "running":
            try:
                if number == signal.SIGKILL:  # Its namespace goes with it.
                    os.killpg(self.process.pid, number)
                else:
                    os.kill(self.process.pid, number)
            except ProcessLookupError:
                pass

    def wait(self, seconds):
        with self.changed:
            return self.changed.wait_for(lambda: self.status != "running", seconds)

    def state(self):
        return {"Id": self.id, "Name": "/" + self.name, "Config": {"Labels": self.body["Labels"]},
                "State": {"Status": self.status, "Running": self.status == "running", "ExitCode": self.code,
                          "OOMKilled": self.oom, "Error": self.error}}


class Engine:
    def __init__(self, path=None, podman=False, tls=None, version="1.41"):
        self.path, self.podman, self.tls, self.version = path, podman, tls, version
        self.images = {"app:latest": {"Os": "linux", "Architecture": "amd64"}}
        self.registry = {}  # Image: None, or (login, password).
        self.pulls = []     # (image, query, who)
        self.containers, self.all = {}, []
        self.requests = []  # "POST /containers/create"
        self.faults = []    # [pattern, kind, times]
        self.forbidden = None
        self.pull_lines = None
        self.bytes_before_cut = 0
        self.slow_seconds, self.slow_ends = 1, threading.Event()
        self.knows_filters = self.knows_times = True
        self.line_by_line = False    # Each with a moment of its own, however late we read them.
        self.on_kill = lambda: None  # Called when a container that ran was deleted, before anybody knows.
        self.open()

    # ---- connections

    def open(self):
        if self.path:
            if os.path.exists(self.path):
                os.unlink(self.path)
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.path)
            self.url = "unix://" + self.path
        else:
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(("127.0.0.1", 0))
            self.url = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.listener.listen(64)
        self.connections = []
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                c, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def away(self):
        """The engine ends; its containers go on."""
        listener, self.listener = self.listener, None
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        if self.path:
            os.unlink(self.path)
        for c in self.connections:
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        if self.listener:
            self.away()
        for c in self.all:
            c.end(signal.SIGKILL)
            c.wait(10)
            shutil.rmtree(c.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def fault(self, pattern, kind, times=1):
        self.faults.append([pattern, kind, times])

    def running(self):
        return [c for c in self.all if c.status == "running"]

    def serve(self, c):
        self.connections.append(c)
        try:
            if self.tls:
                c = self.tls.wrap_socket(c, server_side=True)
            self.request(c)
        except (Gone, OSError, ValueError, ssl.SSLError):
            pass
        finally:
            try:
                c.close()
            except OSError:
                pass

    def request(self, c):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = c.recv(65536)
            if not piece:
                return
            data += piece
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {k.lower(): v for k, v in (x.split(": ", 1) for x in lines[1:])}
        while len(body) < int(headers.get("content-length", 0)):
            body += c.recv(65536)
        path, _, query = target.partition("?")
        path, count = re.subn(r"^/v1\.\d+/", "/", path)
        query = dict(urllib.parse.parse_qsl(query))
        step = f"{method} {path}"
        self.requests.append(step)
        assert count or path in ("/_ping", "/version"), step
        kind = None
        for one in self.faults:
            if re.search(one[0], step) and one[2] > 0:
                one[2] -= 1
                kind = one[1]
                break
        if self.forbidden and re.search(self.forbidden, step):
            return self.plain(c, 403, b"<html>403 Forbidden</html>")
        self.answer(c, kind, step, path, query, headers, body)

    # ---- answers

    def plain(self, c, status, body=b"", more="", kind=None):
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode()
        if kind == HALF:
            c.sendall(head[:len(head) // 2])
        elif kind == CUT:
            c.sendall((head + body)[:-1])
        elif kind == DRIP:
            for i in range(len(head)):
                c.sendall(head[i:i + 1])
                time.sleep(0.002)
            c.sendall(body)
        else:
            c.sendall(head + body)

    def chunk(self, c, data):
        c.sendall(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def answer(self, c, kind, step, path, query, headers, body):
        if kind == DROP:
            raise Gone
        if kind == RESET:
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise Gone
        if kind == HANG:
            time.sleep(600)
        if kind == SLOW:
            self.slow_ends.wait(self.slow_seconds)
        if kind == GARBAGE:
            return c.sendall(b"\x15\x03\x01\x00\x02\x02\x0a" * 3 + b"\n\n")
        if kind == HUGE_LINE:
            return c.sendall(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 10_000_000)
        if kind == ENDLESS:
            while True:
                c.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if kind == REFUSE:
            return self.plain(c, 500, {"message": "the engine has a bad day"})
        if kind == NO_JSON:
            return self.plain(c, 200, b"<html>welcome</html>")
        if kind == BAD_CHUNK:
            return c.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcdefgh\r\n0\r\n\r\n")
        done = self.act(c, kind, step, path, query, headers, body)
        if done is not None:
            status, body, *more = done
            self.plain(c, status, body, *more, kind=kind)

    # ---- the API

    def act(self, c, kind, step, path, query, headers, body):
        if path == "/_ping":
            more = f"Api-Version: {self.version}\r\n" if self.version else ""
            return 200, b"OK", more + ("Libpod-API-Version: 4.3.1\r\n" if self.podman else "")
        if path == "/version":
            return 200, {"ApiVersion": "1.30", "Components": [{"Name": "Engine"}]}
        if found := re.fullmatch(r"GET /images/(.*)/json", step):
            image = self.images.get(found[1])
            return (200, image) if image else (404, {"message": f"No such image: {found[1]}"})
        if step == "POST /images/create":
            return self.pull(c, kind, query, headers)
        if step == "GET /containers/json":
            wanted = json.loads(query["filters"])["label"]
            wanted = [w.split("=", 1) for w in wanted] if self.knows_filters else []
            found = [x for x in self.containers.values()
                     if not x.hidden and all(x.body["Labels"].get(k) == v for k, v in wanted)]
            return 200, [{"Id": x.id, "Names": ["/" + x.name], "Labels": x.body["Labels"]} for x in found]
        if step == "POST /containers/create":
            return self.create(query, json.loads(body))
        found = re.fullmatch(r"(\w+) /containers/([^/]+)(/\w+)?", step)
        x = found and next((x for x in self.containers.values() if found[2] in (x.name, x.id)), None)
        if not x:
            return 404, {"message": f"No such container: {found[2] if found else path}"}
        return getattr(self, f"{found[1].lower()}{(found[3] or '').replace('/', '_')}")(c, kind, x, query, body)

    def pull(self, c, kind, query, headers):
        auth = headers.get("x-registry-auth")
        who = json.loads(base64.urlsafe_b64decode(auth)) if auth else None
        name = query["fromImage"] + (":" + query["tag"] if "tag" in query else "")
        self.pulls.append((name, query, who))
        if name not in self.registry:
            return 404, {"message": f"manifest for {name} not found: manifest unknown: manifest unknown"}
        wanted = self.registry[name]
        lines = [{"status": "Pulling from x", "id": query.get("tag", "")}, {"status": "Pulling fs layer", "id": "a"}]
        lines += [{"status": "Downloading", "id": "a", "progressDetail": {"current": i}} for i in range(50)]
        if wanted and (not who or (who["username"], who["password"]) != wanted):
            words = "unauthorized: incorrect username or password" if who else "pull access denied for x, repository " \
                "does not exist or may require 'docker login': denied: requested access to the resource is denied"
            lines.append({"errorDetail": {"message": words}, "error": words})
        else:
            self.images[name] = {"Os": "linux", "Architecture": query.get("platform", "linux/amd64").split("/")[1]}
            lines.append({"status": f"Status: Downloaded newer image for {name}"})
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        if self.pull_lines:
            for data in self.pull_lines:
                self.chunk(c, data)
        for number, line in enumerate(lines):
            data = json.dumps(line).encode() + b"\r\n"
            if kind == CUT and number == 10:
                self.images.pop(name, None)
                raise Gone
            if kind == DRIP:
                for i in range(0, len(data), 3):
                    self.chunk(c, data[i:i + 3])
            else:
                self.chunk(c, data)
        c.sendall(b"0\r\n\r\n")
        return None

    def create(self, query, body):
        name = query["name"]
        if any(x.name == name for x in self.containers.values()):
            return 409, {"message": f'Conflict. The container name "/{name}" is already in use by container "0"'}
        if body["Image"] not in self.images:
            return 404, {"message": f"No such image: {body['Image']}"}
        for mount in body["HostConfig"]["Mounts"]:
            if mount["Type"] == "bind" and not os.path.exists(mount["Source"]):
                return 400, {"message": 'invalid mount config for type "bind": bind source path does not exist: '
                                        + mount["Source"]}
        x = Container(self, name, body)
        x.query = query
        self.containers[x.id] = x
        self.all.append(x)
        return 201, {"Id": x.id, "Warnings": []}

    def post_start(self, c, kind, x, query, body):
        words = (x.body.get("Entrypoint") or []) + (x.body.get("Cmd") or ["true"])
        if words[0] == "/nope":
            return 400, {"message": f'OCI runtime create failed: exec: "{words[0]}": executable file not found in $PATH'}
        x.start()
        return 204, b""

    def post_stop(self, c, kind, x, query, body):
        x.stopped.append(f"stop {query['t']}")
        x.end(signal.SIGTERM)
        if not x.wait(int(query["t"])):
            x.end(signal.SIGKILL)
            x.wait(10)
        return 204, b""

    def post_wait(self, c, kind, x, query, body):
        c.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        x.wait(600)
        self.chunk(c, json.dumps({"StatusCode": x.code}).encode())
        c.sendall(b"0\r\n\r\n")

    def get_json(self, c, kind, x, query, body):
        return 200, x.state()

    def delete(self, c, kind, x, query, body):
        if x.status == "running" and query.get("force") != "1":
            return 409, {"message": "cannot remove a running container"}
        x.stopped.append("delete")
        ran = x.status == "running"
        x.end(signal.SIGKILL)
        x.wait(60)
        if ran:
            self.on_kill()
        self.containers.pop(x.id, None)
        return 204, b""

    def put_archive(self, c, kind, x, query, body):
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            assert [(m.name, m.mode) for m in archive] == [("millrace", 0o1777), ("millrace/output", 0o666)]
            archive.extractall(x.folder)
        return 200, b""

    def get_archive(self, c, kind, x, query, body):
        path = x.folder + query["path"]
        if not os.path.exists(path):
            return 404, {"message": f"Could not find the file {query['path']} in container {x.id}"}
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            archive.add(path, os.path.basename(path))
        return 200, out.getvalue()

    def post_attach(self, c, kind, x, query, body):
        assert self.podman and x.status == "created" and query == {"stream": "1", "stdout": "1", "stderr": "1"}
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n")
        self.show_log(c, kind, x, True, c.sendall)

    def get_logs(self, c, kind, x, query, body):
        follow = query.get("follow") == "1"
        assert not (self.podman and follow)  # It loses pieces.
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n"
                  b"Transfer-Encoding: chunked\r\n\r\n")
        self.show_log(c, kind, x, follow, lambda data: self.chunk(c, data), query)
        c.sendall(b"0\r\n\r\n")

    def show_log(self, c, kind, x, follow, send, query={}):
        plain, timed = x.body["Tty"], query.get("timestamps") == "1" and self.knows_times
        seconds, _, rest = query.get("since", "0.0").partition(".")
        since = int(seconds) * 10**9 + int(rest) if timed else 0
        at = sent = 0
        while True:
            with x.changed:
                if follow:
                    x.changed.wait_for(lambda: at < len(x.log) or x.status not in ("running", "created"))
                pieces, at = x.log[at:], len(x.log)
                over = x.status not in ("running", "created") or not follow
            for stream, data, moment in pieces:
                if since and moment < since:
                    continue
                since = 0  # As docker does: from the first one that is late enough on, all.
                if timed:
                    day = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment // 10**9))
                    data = f"{day}.{moment % 10**9:09}Z ".encode() + data
                data = data if plain else struct.pack(">BxxxI", stream, len(data)) + data
                if kind == "bad frame":
                    data = b"\x07\x01\x02\x03" + data
                if kind == CUT and sent + len(data) > self.bytes_before_cut:
                    part = data[:max(1, self.bytes_before_cut - sent)]
                    send(part)
                    raise Gone
                sent += len(data)
                if kind == DRIP:
                    for i in range(len(data)):
                        send(data[i:i + 1])
                else:
                    send(data)
            if over and at == len(x.log):
                return
