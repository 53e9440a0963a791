"""A broker that cannot serve clients any more must not stay as if it did: the process ends, and says why."""

import os
import socket
import subprocess

import pytest

from broker_server import Broker
from conftest import MILLRACE, wait_until

# epoll_wait fails once the file is there.
SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
static int bad(void) { const char *path = getenv("SHIM_FAILS"); return path != NULL && access(path, F_OK) == 0; }
int epoll_wait(int fd, struct epoll_event *events, int most, int timeout) {
    int (*real)(int, struct epoll_event *, int, int) = dlsym(RTLD_NEXT, "epoll_wait");
    int got = bad() ? 0 : real(fd, events, most, timeout);
    if (bad()) { errno = EBADF; return -1; }
    return got;
}
"""


@pytest.fixture
def shim(tmp_path, monkeypatch):
    """The file that makes epoll_wait fail in what is started from here on."""
    source, library, fails = tmp_path / "shim.c", tmp_path / "shim.so", tmp_path / "fails"
    source.write_text(SHIM, encoding="utf-8")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("SHIM_FAILS", str(fails))
    return fails


def knock(address):
    """Any connection wakes the thread that takes them."""
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=60).close()
    except OSError:
        pass


def test_a_broker_whose_server_thread_failed_ends(shim):
    broker = Broker().start()
    shim.touch()
    knock(broker.address)
    assert broker.process.wait(120) == 1
    said = broker.log()
    assert "the server thread that takes connections ends" in said
    assert "could not serve clients any more" in said and "Start it again" in said
    broker._reaped()
    broker.folder.cleanup()


def test_a_project_whose_broker_failed_ends(shim, tmp_path):
    (tmp_path / "sql").mkdir()
    (tmp_path / "millrace.yaml").write_text("broker:\n  listen: 127.0.0.1:0\n", encoding="utf-8")
    up = subprocess.Popen([MILLRACE, "up"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    found = []

    def there():
        for folder, _, files in os.walk(tmp_path):
            if "address" in files:
                found.append(os.path.join(folder, "address"))
        return found
    wait_until(there, 20, "the broker")
    shim.touch()
    with open(found[0], encoding="utf-8") as file:
        knock(file.read().strip())
    said, _ = up.communicate(timeout=120)
    assert up.returncode == 1, said
    assert "the broker could not serve clients any more" in said
