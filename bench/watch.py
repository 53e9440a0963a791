"""Watching processes: what Spark's many take, the broker's CPU, and who else was on the machine."""

import os
import resource
import subprocess
import threading
import time

from common import Failure

TICK = os.sysconf("SC_CLK_TCK")


def session_usage(session):
    """{pid: CPU seconds} of the processes of a session."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            continue  # It ended meanwhile.
        if int(fields[3]) == session:
            found[int(name)] = (int(fields[11]) + int(fields[12])) / TICK
    return found


def memory_bytes(pids):
    """What the processes hold in memory, pages that they share counted once (PSS)."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as rollup:
                total += next(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue  # It ended meanwhile.
    return total


class Watch:
    """Runs a command in a session of its own and samples what it uses; seen() tells of its first row.

    For programs of many processes that run for seconds: what is sampled takes a few percent of a core.
    Short runs of one process go through bench/measure.c.
    """

    def __init__(self, command, env, cwd, log, seen):
        self.samples = []  # (wall clock, CPU seconds so far)
        self.peak_bytes = 0  # Of all its processes at one moment.
        self.first_row_seconds = None
        self._cpu = {}
        self._seen = seen
        self._log = log
        self.begun_at = time.time()
        self.process = subprocess.Popen(command, env=env, cwd=cwd, stdout=log, stderr=log, start_new_session=True)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def _sample(self):
        while not self._ended.wait(0.05):
            self._take(with_memory=len(self.samples) % 10 == 0)

    def _take(self, with_memory):
        usage = session_usage(self.process.pid)
        for pid, cpu in usage.items():
            self._cpu[pid] = max(cpu, self._cpu.get(pid, 0.0))
        if with_memory:  # Not each time: the kernel walks the page tables for it.
            self.peak_bytes = max(self.peak_bytes, memory_bytes(usage))
        self.samples.append((time.time(), sum(self._cpu.values())))
        if self.first_row_seconds is None and self._seen():
            self.first_row_seconds = time.time() - self.begun_at

    def wait(self, timeout):
        killer = threading.Timer(timeout, self.process.kill)
        killer.start()
        code = self.process.wait()
        killer.cancel()
        self._ended.set()
        self._thread.join()
        if code != 0:
            raise Failure(f"exit code {code}, see {self._log.name}")

    def cpu_at(self, moment):
        before = [cpu for at, cpu in self.samples if at <= moment]
        return before[-1] if before else 0.0


class Disturbance:
    """How much of the machine went to programs that are no part of a run. Such a run's speed is no figure."""

    def __init__(self, broker_cpu):
        self._broker_cpu = broker_cpu
        self._at, self._busy, self._ours = time.monotonic(), self._machine(), self._own()

    @staticmethod
    def _machine():
        with open("/proc/stat", encoding="utf-8") as stat:
            user, nice, system, _idle, _wait, irq, softirq = map(int, stat.readline().split()[1:8])
        return (user + nice + system + irq + softirq) / TICK

    def _own(self):
        return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
                   ) + self._broker_cpu()

    def share(self):
        seconds = (time.monotonic() - self._at) * os.cpu_count()
        return max(0.0, self._machine() - self._busy - (self._own() - self._ours)) / seconds
