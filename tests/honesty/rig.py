# SPDX-License-Identifier: Apache-2.0
"""What a test has: an origin that misbehaves as told and counts for itself, the tool under test,
and what that tool says of its run. Every process is ended by its pid."""
import contextlib
import json
import math
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE = 25  # seconds that a tool may take beyond what it was told

_processes = set()
_lock = threading.Lock()
_stopping = threading.Event()


class Broken(Exception):
    """A test that could not be carried out."""


class Skipped(Exception):
    """A test that this machine does not allow, in words."""


def begin(argv, **how):
    with _lock:
        if _stopping.is_set():
            raise Broken("interrupted")
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, start_new_session=True, **how)
        _processes.add(process)
    return process


def end(process, patience=5):
    """A process of ours and its session; a private daemon has one of its own, and goes when
    rpsctl does."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    _processes.discard(process)


def end_all():
    """For good: whatever still runs, and nothing begins any more."""
    _stopping.set()
    for process in list(_processes):
        end(process, patience=1)


def children(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(word) for word in f.read().split()]
    return []


class Origin:
    """rpsctl origin with its flags; counts is its own account once it has ended."""

    def __init__(self, rig, flags, listen="127.0.0.1:0", inside=()):
        self.gaps_path = rig.path("gaps")
        argv = list(inside) + [rig.rpsctl, "origin", "--listen", listen, "--json", *flags]
        argv = [self.gaps_path if word == "GAPS" else word for word in argv]
        self._process = begin(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env=rig.environment, text=True)
        self.counts = None
        said, _, _ = select.select([self._process.stdout], [], [], 10)
        line = self._process.stdout.readline() if said else ""
        if not line:
            end(self._process)
            raise Broken("the origin does not start: " + " ".join(flags))
        self.address = json.loads(line)["address"]
        self.url = f"http://{self.address}/"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self._process)
        with self._process.stdout as out:
            said = out.read().splitlines()
        if said:
            self.counts = json.loads(said[-1])

    def __getattr__(self, name):
        """requests, errors, hung …; p50_ns and its like as ms: p50."""
        counts = self.__dict__.get("counts") or {}
        if name in counts:
            return counts[name]
        if counts.get(name + "_ns") is not None:
            return counts[name + "_ns"] / 1e6
        raise AttributeError(name)

    def instants(self):
        """When requests came, in seconds since the first."""
        with open(self.gaps_path, encoding="ascii") as f:
            return [int(line.split()[0]) / 1e9 for line in f if line[0] != "#"]


class Said:
    """What a tool says of its run; None is what it does not say, infinity a percentile that it
    says has no answer. Times in ms."""
    COUNTS = ("planned", "sent", "ok", "errors", "timeouts")
    TIMES = ("min", "mean", "p50", "p90", "p99", "p99_9", "max", "first_byte")

    def __init__(self):
        self.doc, self.text, self.status, self.warning = None, "", 0, ""
        self.has_rate, self.resolution = True, 0.0
        for name in self.COUNTS + self.TIMES:
            setattr(self, name, None)

    def at(self, path):
        """A figure of rpsd's document: "latency.response.p99_ns", in ms where it is a time."""
        node = self.doc
        for part in path.split("."):
            node = node.get(part) if isinstance(node, dict) else None
        return node / 1e6 if node is not None and path.endswith("_ns") else node

    def audit(self):
        """The audit's verdict, with its reasons, where it is not content."""
        if not self.doc or self.doc["generator"]["verdict"] == "ok":
            return ""
        notes = [n["text"] for n in self.doc["generator"]["notes"]
                 if n["code"] in ("our-delay", "steal", "stalled", "rx-slack", "cpu", "late",
                                  "throttled", "run-queue", "short")]
        delay = self.at("latency.our_delay.p99_ns") or 0  # the closed model has none
        return f"{self.doc['generator']['verdict']}, our delay p99 {delay:.2f} ms" + \
            "".join("; " + text for text in notes[:2])


def _of_rpsd(said):
    ledger = said.doc["ledger"]
    said.planned, said.sent, said.ok = ledger["planned"], ledger["sent"], ledger["ok"]
    said.timeouts = ledger["timeout"] + ledger["expired"]
    said.errors = ledger["planned"] - ledger["ok"] - said.timeouts
    offered = said.doc.get("offered") or {}
    for name in ("p50", "p90", "p99", "p99_9"):
        value = offered.get(name + "_ns")
        setattr(said, name, math.inf if value is None else value / 1e6)
    for name in ("min", "mean", "max"):
        setattr(said, name, said.at(f"latency.response.{name}_ns"))
    said.first_byte = said.at("latency.first_byte.p50_ns")
    if said.doc["generator"]["verdict"] != "ok":
        said.warning = said.doc["generator"]["verdict"]


def _of_adapter(said, lines):
    for line in lines:
        name, is_one, value = line.partition("=")
        name = name.removesuffix("_ms")
        if not is_one or not value.strip():
            continue
        if name == "rate":
            said.has_rate = value.strip() != "none"
        elif name == "resolution":
            said.resolution = float(value)
        elif name == "warning":
            said.warning = value.strip()
        elif name in Said.COUNTS:
            setattr(said, name, round(float(value)))
        elif name in Said.TIMES:
            setattr(said, name, float(value))


class Rig:
    """One test's share of the run: a folder, the tool, and all that the tool has said."""

    def __init__(self, build, tool, directory, rows):
        self.build, self.tool, self.directory, self.rows = build, tool, directory, rows
        self.rpsctl = os.path.join(build, "rpsctl")
        self.environment = dict(os.environ, LC_ALL="C", HOME=directory,
                                XDG_STATE_HOME=directory)
        self.environment.pop("RPSCTL_SOCKET", None)
        self.said, self._n = [], 0
        os.makedirs(directory, exist_ok=True)

    def is_rpsd(self):
        return self.tool == "rpsd"

    def path(self, name):
        with _lock:
            self._n += 1
            return os.path.join(self.directory, f"{name}.{self._n}")

    def origin(self, *flags, **how):
        return Origin(self, flags, **how)

    def program(self, name):
        """One that `make honesty` builds."""
        path = os.path.join(self.build, name)
        if not os.path.exists(path):
            raise Skipped(f"{name} is not built")
        return path

    def _argv(self, url, rate, connections, seconds, timeout, flags, result):
        if not self.is_rpsd():
            return [os.path.join(HERE, "adapters", self.tool)]
        argv = [self.rpsctl, "run", url, "-q", "-o", result, "--timeout", f"{timeout}s"]
        if rate:  # else the flags have stages
            argv += ["-r", str(rate), "-d", f"{seconds}s"]
        if connections:
            argv += ["-c", str(connections), "--set", "connections.exhausted=queue"]
        return argv + list(flags)

    def load(self, url, rate, connections, seconds, timeout=30, flags=(), inside=(), meanwhile=None,
             environment=None):
        """Runs the tool to its end. flags are rpsd's; meanwhile(process) is called while it
        runs."""
        result = self.path("result") + ".json"
        out_path = self.path("out")
        host, _, port = url.split("/")[2].partition(":")
        told = dict(self.environment, URL=url, HOST=host, PORT=port, RATE=str(rate or ""),
                    CONNECTIONS=str(connections or 1), DURATION=str(seconds), TIMEOUT=str(timeout),
                    **(environment or {}))
        argv = list(inside) + self._argv(url, rate, connections, seconds, timeout, flags, result)
        with open(out_path, "wb") as out:
            process = begin(argv, stdout=out, stderr=subprocess.STDOUT, env=told)
        try:
            if meanwhile:
                meanwhile(process)
            process.wait(seconds + timeout + PATIENCE)
        except subprocess.TimeoutExpired:
            raise Broken(f"{self.tool} does not come to its end") from None
        finally:
            end(process, 5 if self.is_rpsd() else 0.2)
        return self._read(process.returncode, out_path, result)

    def _read(self, status, out_path, result):
        said = Said()
        said.status = status
        with open(out_path, encoding="utf-8", errors="replace") as f:
            said.text = f.read()
        if self.is_rpsd():
            if not os.path.exists(result):
                last = (said.text.strip().splitlines() or ["it said nothing"])[-1]
                raise Broken(f"no result, exit {status}: {last}")
            with open(result, encoding="utf-8") as f:
                said.doc = json.load(f)
            said.path = result
            _of_rpsd(said)
        else:
            _of_adapter(said, said.text.splitlines())
        with _lock:
            self.said.append(said)
            self.rows.resolution_ms = said.resolution
        return said


def missing(tool):
    """Why a tool cannot be tried, or None."""
    if tool == "rpsd":
        return None
    adapter = os.path.join(HERE, "adapters", tool)
    if not os.access(adapter, os.X_OK):
        names = ", ".join(sorted(os.listdir(os.path.join(HERE, "adapters"))))
        return f"there is no adapters/{tool} (there are {names}; README.md says how to add one)"
    if shutil.which(tool) is None:
        return f"{tool} is not installed; `make deps-bench` installs wrk, hey, h2load and ab"
    return None


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
