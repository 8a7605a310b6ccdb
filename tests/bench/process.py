# SPDX-License-Identifier: Apache-2.0
"""Processes of the benchmark: each pinned to a core, measured whole with everything it started, and
ended by its pid whatever happens."""
import contextlib
import ctypes
import os
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 30  # seconds that a tool may take beyond its own time

_libc = ctypes.CDLL(None, use_errno=True)
_servers = set()  # pids of ours that are no part of any tool


class Late(Exception):
    """A tool did not come to its end."""


def become_reaper():
    """What a tool leaves behind becomes our child, so it can be counted and ended."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _stat(pid):
    """The fields of /proc/PID/stat from the state on, or None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rpartition(")")[2].split()
    except OSError:
        return None


def descendants(root):
    """All processes below root but our servers, children first."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in _servers:
            stat = _stat(name)
            if stat:
                children.setdefault(int(stat[1]), []).append(int(name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found[:0:-1]


def cpu_seconds(pid):
    """User and system time of a living process."""
    stat = _stat(pid)
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK") if stat else 0.0


def peak_kib(pid):
    """Peak resident memory of a living process."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0


def end_all():
    """Ends whatever a tool has left, by pid."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        pids = descendants(os.getpid())
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + 2
        while descendants(os.getpid()) and time.monotonic() < deadline:
            _reap(os.WNOHANG)
            time.sleep(0.01)


def _reap(flags):
    """CPU seconds of the orphans that have ended."""
    seconds = 0.0
    for pid in descendants(os.getpid()):
        with contextlib.suppress(ChildProcessError):
            _, _, usage = os.wait4(pid, flags)
            seconds += usage.ru_utime + usage.ru_stime
    return seconds


def _prepare(core):
    def prepare():
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if core is not None:
            os.sched_setaffinity(0, {core})

    return prepare


def _on_alarm(_number, _frame):
    raise Late


class Ended:
    """How a tool ended: status, output, CPU time of all its processes, their peak memory."""

    def __init__(self, status, output, cpu, peak):
        self.status, self.output, self.cpu, self.peak_kib = status, output, cpu, peak


def run(argv, core, seconds, out_path, environment, watch_memory=False):
    """Runs a tool to its end on one core. In a session of its own, so that Ctrl-C is ours alone."""
    peaks = {}
    with open(out_path, "wb") as out:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=_prepare(core), env=environment)
    old = signal.signal(signal.SIGALRM, _on_alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds + PATIENCE)
    try:
        while watch_memory:
            for pid in descendants(os.getpid()):
                peaks[pid] = max(peaks.get(pid, 0), peak_kib(pid))
            ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended:
                break
            time.sleep(0.05)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        cpu = usage.ru_utime + usage.ru_stime + _reap(0)
    except BaseException:
        signal.setitimer(signal.ITIMER_REAL, 0)
        end_all()
        process.poll()
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    with open(out_path, encoding="utf-8", errors="replace") as f:
        return Ended(process.returncode, f.read(), cpu, sum(peaks.values()))


class Server:
    """A null server of its own for each measurement; its count is the second opinion."""

    def __init__(self, program, core, flags=()):
        argv = [program] + list(flags)
        self._process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            start_new_session=True, preexec_fn=_prepare(core))
        _servers.add(self._process.pid)
        self.port = int(self._process.stdout.readline().rpartition(":")[2])
        self.answered = None

    def __enter__(self):
        return self

    def cpu_seconds(self):
        return cpu_seconds(self._process.pid)

    def __exit__(self, *_):
        self._process.terminate()
        said, _ = self._process.communicate(timeout=10)
        _servers.discard(self._process.pid)
        words = said.split()
        if "answered" in words:
            self.answered = int(words[words.index("answered") + 1])
