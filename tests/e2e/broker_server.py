"""The embedded broker by itself, as a process: started on a free port, stopped or killed by its process id."""

import os
import signal
import socket
import struct
import subprocess
import tempfile
import time

from kafka_server import LIBS, ROOT

MILLRACE = os.path.abspath(os.environ.get("MILLRACE", os.path.join(ROOT, "build", "millrace")))


class Broker:
    """start() returns when clients can use it. The data folder outlives stop() and kill()."""

    def __init__(self, data=None, settings=(), host="127.0.0.1"):
        self.host = host
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-broker-") if data is None else None
        self.data = data if data is not None else self.folder.name
        self.settings = list(settings)
        self.process = None
        self.address = None
        self.port = None

    def start(self):
        listen = f"{self.host}:{self.port or 0}"
        args = [MILLRACE, "broker", "--data", self.data, "-c", f"broker.listen={listen}"]
        for setting in self.settings:
            args += ["-c", setting]
        self.errors = open(os.path.join(self.data, "stderr.log"), "ab")
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=self.errors, start_new_session=True)
        line = self.process.stdout.readline().decode().strip()
        assert line, f"the broker did not start: {self.log()}"
        self.address, self.port = line, int(line.rsplit(":", 1)[1])
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        if self.folder is not None:
            self.folder.cleanup()

    def stop(self, timeout=120):
        """Stops it as an administrator would; returns its exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the broker did not stop: {self.log()}") from None
        self._reaped()
        return status

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._reaped()

    def _reaped(self):
        self.process.stdout.close()
        self.errors.close()
        self.process = None

    def log(self):
        with open(os.path.join(self.data, "stderr.log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def java(main, *args, stdin=None, timeout=300, libs=LIBS):
    """A tool of Apache Kafka, of 3.9 unless another version's jars are named."""
    return subprocess.run(
        ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", os.path.join(libs, "*"), main, *args],
        input=stdin, capture_output=True, timeout=timeout, check=False)


def kcat(*args, stdin=None, timeout=120):
    done = subprocess.run(["kcat", "-m", "60", *args], input=stdin, capture_output=True, timeout=timeout, check=False)
    assert done.returncode == 0, (args, done.stderr.decode())
    return done.stdout


# ---- a client of bytes ---------------------------------------------------------------------------------


class Wire:
    """A socket that speaks frames; for requests that no client would send."""

    def __init__(self, port, timeout=60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.correlation = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, key, version, body=b"", client=b"wire", flexible=False):
        self.correlation += 1
        head = struct.pack(">hhih", key, version, self.correlation, len(client)) + client
        frame = head + (b"\0" if flexible else b"") + body
        self.socket.sendall(struct.pack(">i", len(frame)) + frame)
        return self.correlation

    def raw(self, data):
        self.socket.sendall(data)

    def receive(self, count):
        data = b""
        while len(data) < count:
            got = self.socket.recv(count - len(data))
            if not got:
                raise EOFError(f"closed after {len(data)} of {count} bytes")
            data += got
        return data

    def answer(self):
        """(correlation, rest of the frame)"""
        length, = struct.unpack(">i", self.receive(4))
        frame = self.receive(length)
        return struct.unpack(">i", frame[:4])[0], frame[4:]

    def closed(self):
        """Waits until the other side closes; False when it answers instead."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def wait_until(true, timeout=10, what="it"):
    """timeout: seconds on a machine with nothing else to do; one six times as slow is waited for."""
    end = time.monotonic() + 6 * timeout
    while not true():
        assert time.monotonic() < end, f"waited {timeout} s for {what}"
        time.sleep(0.02)
