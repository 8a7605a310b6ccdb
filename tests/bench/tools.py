# SPDX-License-Identifier: Apache-2.0
"""The tools that are compared: how each is started, and how its own report is read."""
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Unreadable(Exception):
    """A tool's report does not hold what it should."""


class Report:
    """What a tool says of its own run."""

    def __init__(self, requests, seconds, failed=0, **more):
        self.requests, self.seconds, self.failed = requests, seconds, failed
        self.more = more


def _find(pattern, text, default=None):
    match = re.search(pattern, text, re.MULTILINE)
    if match:
        return match[1]
    if default is None:
        last = text.strip().splitlines()[-1:] or ["it printed nothing"]
        raise Unreadable(last[0][:100])
    return default


def _seconds(text):
    """'2.00s', '998.51ms', '1.2m' as seconds."""
    match = re.fullmatch(r"([\d.]+)(us|ms|s|m|h)", text)
    if not match:
        raise Unreadable(f"a time of {text}")
    return float(match[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}[match[2]]


def _plain_report(text, _dir):
    """floor and the talk's forms: requests N seconds S."""
    return Report(int(_find(r"^requests (\d+)", text)), float(_find(r"seconds ([\d.]+)", text)))


def wrk_report(text, _dir):
    errors = _find(r"Socket errors: (.*)", text, "")
    return Report(
        int(_find(r"(\d+) requests in", text)), _seconds(_find(r"requests in (\S+),", text)),
        sum(int(n) for n in re.findall(r"(?:connect|read|write) (\d+)", errors)) +
        int(_find(r"Non-2xx or 3xx responses: (\d+)", text, "0")))


def h2load_report(text, _dir):
    return Report(
        int(_find(r"requests:.* (\d+) done", text)), _seconds(_find(r"finished in (\S+),", text)),
        int(_find(r"requests:.* (\d+) failed", text)))


def _hey_report(text, _dir):
    answers = [int(n) for n in re.findall(r"^\s*\[\d+\]\s+(\d+) responses", text, re.MULTILINE)]
    errors = [int(n) for n in re.findall(r"^\s*\[(\d+)\]\s+\D", text, re.MULTILINE)]
    if not answers:
        raise Unreadable("hey reports no answer")
    return Report(sum(answers), float(_find(r"Total:\s+([\d.]+) secs", text)), sum(errors))


def ab_report(text, _dir):
    return Report(
        int(_find(r"Complete requests:\s+(\d+)", text)),
        float(_find(r"Time taken for tests:\s+([\d.]+)", text)),
        int(_find(r"Failed requests:\s+(\d+)", text)))


def _rpsd_report(text, directory):
    try:
        with open(os.path.join(directory, "result.json"), encoding="utf-8") as f:
            result = json.load(f)
    except (OSError, ValueError) as error:
        raise Unreadable((text.strip().splitlines() or [str(error)])[-1][:100]) from error
    ledger, window = result["ledger"], result["window"]
    ok = ledger["ok"]
    return Report(
        ok, (window["end_ns"] - window["start_ns"] + window["drain_ns"]) / 1e9,
        ledger["sent"] - ok, sent=ledger["sent"], ok_per_s=result["rates"]["ok_per_s"],
        latency=result["latency"], generator=result["generator"]["verdict"])


def _first_line(argv, pattern=r"(.*)"):
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "?"
    match = re.search(pattern, done.stdout + done.stderr)
    return match[1].strip() if match else "?"


def package_version(package):
    return _first_line(["dpkg-query", "-W", "-f", "${Version}", package])


class Tool:
    """One row. command(port, connections, seconds, directory) is its argv."""

    def __init__(self, name, program, command, report, version=None):
        self.name, self.program, self.report = name, program, report
        self._command, self._version = command, version

    def path(self):
        """Where its program is, or None."""
        return shutil.which(self.program) if self.program else None

    def argv(self, port, connections, seconds, directory):
        return [self.path()] + self._command(port, connections, seconds, directory)

    def version(self):
        return self._version() if self._version and self.path() else None


def url(port, scheme="http"):
    return f"{scheme}://127.0.0.1:{port}/"


def rpsd_tool(build, name="rpsd", *flags, scheme="http"):
    """rpsctl with its private daemon: both are measured. {directory} is filled in in flags."""
    rpsctl = os.path.join(build, "rpsctl")

    def command(port, connections, seconds, directory):
        # Opening connections at a gentle rate is for services, not for the null server.
        argv = ["run", url(port, scheme), "-t", "1", "-d", f"{seconds}s", "-q",
                "--set", "connections.open-rate=100000",
                "-o", os.path.join(directory, "result.json")]
        if connections:
            argv += ["-r", "max", "-c", str(connections)]
        return argv + [flag.format(directory=directory) for flag in flags]

    return Tool(name, rpsctl, command, _rpsd_report,
                lambda: _first_line([rpsctl, "version"], r"rpsctl (\S+)"))


def load_tools(build):
    """The first table: one thread, closed model, as fast as it goes."""
    return [
        Tool("floor", os.path.join(build, "bench/floor"),
             lambda port, n, s, _: [str(port), str(n), str(s)], _plain_report),
        rpsd_tool(build),
        Tool("wrk", "wrk",
             lambda port, n, s, _: ["-t1", f"-c{n}", f"-d{s}s", "--timeout", "60s", url(port)],
             wrk_report, lambda: package_version("wrk")),
        Tool("h2load", "h2load",
             lambda port, n, s, _: ["--h1", "-t1", f"-c{n}", "-D", str(s), url(port)],
             h2load_report, lambda: _first_line(["h2load", "--version"], r"nghttp2/(\S+)")),
        Tool("hey", "hey", lambda port, n, s, _: ["-c", str(n), "-z", f"{s}s", url(port)],
             _hey_report, lambda: package_version("hey")),
        Tool("ab -k", "ab",
             # -n behind -t, which sets it to 50,000; room for half a million each second.
             lambda port, n, s, _: ["-q", "-k", "-c", str(n), "-t", str(s), "-n",
                                    str(500000 * s), url(port)],
             ab_report, lambda: _first_line(["ab", "-V"], r"Version (\S+)")),
    ]


def aiohttp_python():
    """The first Python that has aiohttp, as (path, version of aiohttp)."""
    for python in (sys.executable, "/usr/bin/python3"):
        version = _first_line([python, "-c", "import aiohttp; print('=', aiohttp.__version__)"],
                              r"^= (\S+)")
        if version != "?":
            return python, version
    return None, None


def talk_tools(build, python, has_aiohttp):
    """The second table: (tool, requests under way)."""

    def form(name, script, counted=True, present=True):
        path = os.path.join(HERE, "talk", script)
        return Tool(name, python if present else None,
                    lambda port, n, s, _: ["-B", path, str(port), str(s)] +
                    ([str(n)] if counted else []),
                    _plain_report)

    return [
        (form("blocking loop", "blocking.py", counted=False), 1),
        (form("five threads", "threads.py"), 5),
        (form("select and generators", "generators.py"), 1000),
        (form("the same with a socket-pair future", "future.py"), 1000),
        (form("asyncio with aiohttp", "aio.py", present=has_aiohttp), 1000),
        (rpsd_tool(build, "rpsd"), 1),
        (rpsd_tool(build, "rpsd"), 5),
        (rpsd_tool(build, "rpsd"), 1000),
        (rpsd_tool(build, "rpsd --no-keepalive", "--no-keepalive"), 1000),
    ]
