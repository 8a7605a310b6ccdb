#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rpsd beside others, on this machine: prints the tables and writes RESULTS.md.

All rows run once in each round, one after the other, so that what disturbs the machine disturbs
them alike, and are compared inside the round. The client has one core, the null server another.
Each measurement has a null server of its own, whose count is held against the tool's report.
"""
import argparse
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import machine  # noqa: E402
import process  # noqa: E402
import report  # noqa: E402
import scenarios  # noqa: E402
import tools  # noqa: E402

CONNECTIONS = 64
TALK_DELAY_MS = 500
TALK_ROUNDS = 3  # at most
OPEN_SHARE = 0.8
OPEN_ROUNDS = 5  # at most
MEMORY_CONNECTIONS = (64, 4064)
MEMORY_DELAY_MS = 2000
MEMORY_SECONDS = 3
STRACE_SECONDS = (1, 2)
SCENARIO_ROUNDS = 5  # at most
TLS_MEMORY_CONNECTIONS = (64, 1064)  # their handshakes must be done before the first answer is due


class Sample:
    """One run of one tool."""

    def __init__(self, ended, said, answered, server_cpu):
        self.requests, self.seconds, self.more = said.requests, said.seconds, said.more
        self.answered, self.peak_kib, self.cpu = answered, ended.peak_kib, ended.cpu
        self.rate = said.requests / said.seconds
        self.cpu_each = ended.cpu / said.requests
        self.server_share = server_cpu / said.seconds


class Bench:
    def __init__(self, build, rounds, seconds, directory):
        self.build, self.rounds, self.seconds, self.directory = build, rounds, seconds, directory
        self.cores = machine.cores()
        self.notes = []
        self.environment = dict(os.environ, XDG_STATE_HOME=directory, LC_ALL="C")
        self.load_tools = tools.load_tools(build)
        self.python, self.aiohttp = tools.aiohttp_python()
        self.talk_tools = tools.talk_tools(
            build, self.python or sys.executable, self.aiohttp is not None)
        self.scenarios = scenarios.scenarios(build)
        self.tls_tools = scenarios.memory_tools(build)

    def note(self, text):
        self.notes.append(text)
        # The page has it too; a person who waits sees it at once.
        print(f"  note: {text}", file=sys.stderr)

    def _check(self, where, said, answered, connections):
        """The tool's count and the server's, which may differ by what was under way at the end."""
        sent = said.more.get("sent", said.requests + said.failed)
        apart = abs(sent - (answered or 0))
        if apart > 0.01 * max(sent, 1) and apart > connections:
            self.note(f"{where}: it says {sent:,} requests, the null server answered {answered:,}")
        if said.failed:
            self.note(f"{where}: {said.failed:,} failed by its own report")

    def measure(self, where, tool, connections, seconds, delay_ms=0, watch_memory=False,
                before=(), server_flags=()):
        """A sample, or None with a note."""
        if not tool.path():
            return None
        try:
            os.unlink(os.path.join(self.directory, "result.json"))
        except FileNotFoundError:
            pass
        flags = [flag.format(directory=self.directory) for flag in server_flags]
        if delay_ms:
            flags += ["--delay", str(delay_ms)]
        server = process.Server(
            os.path.join(self.build, "bench/null_server"), self.cores.server, flags)
        try:
            with server:
                argv = list(before)
                argv += tool.argv(server.port, connections, seconds, self.directory)
                at_start = server.cpu_seconds()
                ended = process.run(
                    argv, self.cores.client, seconds, os.path.join(self.directory, "out"),
                    self.environment, watch_memory)
                server_cpu = server.cpu_seconds() - at_start
            said = tool.report(ended.output, self.directory)
            if said.requests == 0 or said.seconds <= 0:
                raise tools.Unreadable("not one request")
        except tools.Unreadable as error:
            self.note(f"{where}: no figures: {error}")
            return None
        except process.Late:
            self.note(f"{where}: did not end in time and was ended")
            return None
        if ended.status != 0:
            self.note(f"{where}: exit status {ended.status}")
        self._check(where, said, server.answered, connections or 1000)
        return Sample(ended, said, server.answered, server_cpu)

    def load_rounds(self):
        """{tool name: [sample or None for each round]}"""
        samples = {tool.name: [] for tool in self.load_tools}
        for n in range(self.rounds):
            progress(f"round {n + 1} of {self.rounds}: closed model, {CONNECTIONS} connections")
            turn = n % len(self.load_tools)
            for tool in self.load_tools[turn:] + self.load_tools[:turn]:
                samples[tool.name].append(self.measure(
                    f"{tool.name}, round {n + 1}", tool, CONNECTIONS, self.seconds))
        return samples

    def open_rounds(self, ceiling):
        """The open model at a share of the closed ceiling: (rate, samples)."""
        rate = int(ceiling * OPEN_SHARE)
        tool = tools.rpsd_tool(self.build, "rpsd", "-r", str(rate))
        rounds = min(self.rounds, OPEN_ROUNDS)
        progress(f"open model at {rate:,}/s, {rounds} times")
        samples = [self.measure(f"open model, round {n + 1}", tool, None, self.seconds)
                   for n in range(rounds)]
        return rate, [s for s in samples if s]

    def talk_rounds(self):
        seconds = 2 * self.seconds
        rounds = min(self.rounds, TALK_ROUNDS)
        samples = [[] for _ in self.talk_tools]
        for n in range(rounds):
            progress(f"the talk's forms, round {n + 1} of {rounds}")
            for row, (tool, connections) in enumerate(self.talk_tools):
                samples[row].append(self.measure(
                    f"{tool.name} ({connections}), round {n + 1}", tool, connections, seconds,
                    TALK_DELAY_MS))
        return seconds, samples

    def scenario_seconds(self, scenario):
        return self.seconds if scenario.is_long else max(1, self.seconds // 2)

    def scenario_rounds(self):
        """{scenario's key: [[sample or None for each round] for each of its tools]}"""
        rounds = min(self.rounds, SCENARIO_ROUNDS)
        samples = {s.key: [[None] * rounds for _ in s.rows] for s in self.scenarios}
        for n in range(rounds):
            progress(f"TLS, bodies, connections and pipelines: round {n + 1} of {rounds}")
            for scenario in self.scenarios:
                for i in range(len(scenario.rows)):
                    row = (i + n) % len(scenario.rows)
                    tool = scenario.rows[row]
                    samples[scenario.key][row][n] = self.measure(
                        f"{scenario.title}: {tool.name}, round {n + 1}", tool,
                        scenario.connections, self.scenario_seconds(scenario),
                        server_flags=scenario.server)
        return samples

    def _calls(self, tool, seconds):
        """({system call: number}, requests) of one run under strace, or None."""
        path = os.path.join(self.directory, "strace")
        sample = self.measure(
            f"{tool.name} under strace", tool, CONNECTIONS, seconds,
            before=["strace", "-f", "-c", "-o", path])
        if not sample:
            return None
        calls = {}
        with open(path, encoding="utf-8", errors="replace") as f:
            for line in f:
                words = line.split()
                if len(words) >= 5 and re.fullmatch(r"[\d.]+", words[0]) and words[-1] != "total":
                    calls[words[-1]] = calls.get(words[-1], 0) + int(words[3])
        return calls, sample.requests

    def calls_each(self, tool):
        """{system call: number for each request}: a longer run less a shorter one, so that
        starting and ending are left out."""
        short, long = (self._calls(tool, seconds) for seconds in STRACE_SECONDS)
        if not short or not long or long[1] <= short[1]:
            return None
        requests = long[1] - short[1]
        return {name: (n - short[0].get(name, 0)) / requests for name, n in long[0].items()}

    def all_calls(self):
        if not shutil.which("strace"):
            return None
        progress("system calls, under strace")
        return {tool.name: self.calls_each(tool) for tool in self.load_tools if tool.path()}

    def memory_each(self, tool, connections=MEMORY_CONNECTIONS, server_flags=()):
        """Bytes for each waiting connection, or None."""
        few, many = (self.measure(f"{tool.name} with {n:,} waiting connections", tool, n,
                                  MEMORY_SECONDS, MEMORY_DELAY_MS, watch_memory=True,
                                  server_flags=server_flags)
                     for n in connections)
        if not few or not many:
            return None
        return (many.peak_kib - few.peak_kib) * 1024 / (connections[1] - connections[0])

    def all_memory(self):
        """Of plain connections, and of those with TLS: {tool name: bytes or None}, twice."""
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if limit != resource.RLIM_INFINITY and limit < MEMORY_CONNECTIONS[1] + 100:
            self.note(f"memory was not measured: only {limit:,} descriptors are allowed here")
            return {}, {}
        progress("memory of waiting connections")
        plain = {tool.name: self.memory_each(tool) for tool in self.load_tools if tool.path()}
        return plain, {
            tool.name: self.memory_each(tool, TLS_MEMORY_CONNECTIONS, scenarios.TLS)
            for tool in self.tls_tools if tool.path()}


def progress(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def on_term(_number, _frame):
    raise SystemExit(143)


def arguments():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="where rpsctl, rpsd and bench/ are")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2, help="of each run, a whole number")
    parser.add_argument("--output", default=os.path.join(here, "RESULTS.md"))
    given = parser.parse_args()
    if given.rounds < 1 or given.seconds < 1:
        parser.error("rounds and seconds are whole numbers from 1")
    given.build = os.path.abspath(given.build)
    return given


def measure_all(given, directory):
    """All passes, as the dictionary that report.py renders."""
    bench = Bench(given.build, given.rounds, given.seconds, directory)
    before = machine.Ticks()
    load = bench.load_rounds()
    rates = [sample.rate for sample in load["rpsd"] if sample]
    found = {
        "load": load,
        "open": bench.open_rounds(report.median(rates)) if rates else None,
        "talk": bench.talk_rounds(),
        "calls": bench.all_calls(),
        "scenarios": bench.scenario_rounds(),
    }
    found["memory"], found["tls_memory"] = bench.all_memory()
    found["facts"] = machine.facts(bench, before)
    found["bench"] = bench
    return found


def main():
    given = arguments()
    process.become_reaper()
    signal.signal(signal.SIGTERM, on_term)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    directory = tempfile.mkdtemp(prefix="rpsd-bench.")
    try:
        text = report.render(measure_all(given, directory))
    except KeyboardInterrupt:
        print("bench: interrupted, nothing is written", file=sys.stderr)
        return 130
    finally:
        process.end_all()
        shutil.rmtree(directory, ignore_errors=True)
    with open(given.output, "w", encoding="utf-8") as f:
        f.write(text)
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
