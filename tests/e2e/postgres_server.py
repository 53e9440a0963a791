"""A real PostgreSQL on loopback, in a folder of its own, started and stopped by its process id.

PostgreSQL refuses to run as root: then it runs as the user of Debian's package.
"""

import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

from kafka_server import free_ports

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "40",
    "shared_buffers": "16MB",
    "fsync": "off",  # Nothing here outlives the test.
    "autovacuum": "off",
}


def programs():
    """Where Debian keeps initdb and postgres: below a folder for each version."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
    if not found:
        raise RuntimeError("no PostgreSQL server: run scripts/setup test")
    return os.path.dirname(found[-1])


class PostgresServer:
    """with PostgresServer() as server: server.url is of its database "millrace"."""

    password = "a b/c@d:e"  # What must be percent-encoded in a URL.

    def __init__(self):
        self.bin = programs()
        self.home = tempfile.mkdtemp(prefix="millrace-postgres-")
        self.port = free_ports(1)[0]
        self.process = None
        self.user = "postgres" if os.getuid() == 0 else None
        if self.user:
            entry = pwd.getpwnam(self.user)
            os.chown(self.home, entry.pw_uid, entry.pw_gid)

    @property
    def url(self):
        return self.url_of("millrace")

    def url_of(self, database):
        return f"postgresql://tester:a%20b%2Fc%40d%3Ae@127.0.0.1:{self.port}/{database}"

    def __enter__(self):
        try:
            secret = os.path.join(self.home, "password")
            with open(secret, "w", encoding="utf-8") as out:
                out.write(self.password)
            os.chmod(secret, 0o644)
            self._run("initdb", "-D", self._data(), "-U", "tester", "-E", "UTF8", "--locale=C", "--no-sync",
                      "-A", "scram-sha-256", f"--pwfile={secret}")
            self.start()
            self.sql("CREATE DATABASE millrace", database="postgres")
        except Exception:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error):
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def start(self):
        words = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        with open(os.path.join(self.home, "server.log"), "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(self.bin, "postgres"), "-D", self._data(), "-p", str(self.port), *words],
                stdout=log, stderr=log, user=self.user, cwd=self.home, start_new_session=True)
        end = time.monotonic() + 300
        while subprocess.run([os.path.join(self.bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)],
                             check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > end:
                with open(os.path.join(self.home, "server.log"), encoding="utf-8", errors="replace") as log:
                    raise RuntimeError(f"PostgreSQL did not start:\n{log.read()[-3000:]}")
            time.sleep(0.05)

    def stop(self, how=signal.SIGINT):
        """SIGINT: its fast shutdown; SIGQUIT: as after a crash."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def sql(self, text, database="millrace"):
        """Runs it with psql; ret: rows of cells, as text."""
        done = self._run("psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1",
                         "-d", self.url_of(database), "-c", text)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def _data(self):
        return os.path.join(self.home, "data")

    def _run(self, program, *words):
        done = subprocess.run([os.path.join(self.bin, program), *words], user=self.user, cwd=self.home, text=True,
                              capture_output=True, timeout=300, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{program}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done
