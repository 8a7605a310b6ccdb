# SPDX-License-Identifier: Apache-2.0
"""sick and healthy: does the generator know how much of a figure is its own?

The server counts for itself, from the kernel's stamp of a request to its answer written, so its own
p99 is the truth. A sick generator must find it again in
"less ours", whatever kept it from its CPU; a healthy one must not be called sick. RUNS is the
number of runs of each case; CASES="closed quota" tries those of sick alone whose names have that."""
import contextlib
import os
import signal
import threading
import time

import rig as rigs
import sick
from rig import Skipped

SECONDS = 6
CLOSE_MS, CLOSE_SHARE = 1.0, 0.10
USERS, LOST_SHARE = 8, 0.04


def runs(default):
    return int(os.environ.get("RUNS", default))


def bound(truth_ms):
    return max(CLOSE_MS, CLOSE_SHARE * truth_ms)


def is_close(said_ms, truth_ms):
    return abs(said_ms - truth_ms) <= bound(truth_ms)


class Neighbour:
    """A program that never rests, on that CPU; it works so many of every 100 ms."""

    def __init__(self, cpu, share=1.0):
        self._work = ["taskset", "-c", str(cpu), "sh", "-c", "while :; do :; done"]
        self._share, self._process, self._over = share, None, threading.Event()

    def _rest(self):
        while not self._over.wait(0.1 * self._share):
            os.kill(self._process.pid, signal.SIGSTOP)
            self._over.wait(0.1 * (1 - self._share))
            os.kill(self._process.pid, signal.SIGCONT)

    def __enter__(self):
        self._process = rigs.begin(self._work)
        if self._share < 1:
            self._thread = threading.Thread(target=self._rest)
            self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        if self._share < 1:
            self._thread.join()
        rigs.end(self._process, 1)


def stopping(stop_s, every_s):
    """meanwhile(process): the daemon stands still for stop_s of every every_s."""

    def meanwhile(process):
        begin, n = time.monotonic() + 0.5, 0
        while process.poll() is None:
            time.sleep(max(0.0, begin + n * every_s - time.monotonic()))
            n += 1
            pids = rigs.children(process.pid)
            for number, length in ((signal.SIGSTOP, stop_s), (signal.SIGCONT, 0)):
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
                time.sleep(length)

    return meanwhile


def measure(rig, is_open, delay, rate, inside=(), meanwhile=None, more=()):
    """What the tool said, and the server's own p50 and p99 in ms."""
    with rig.origin("--delay", delay, inside=("taskset", "-c", "1")) as origin:
        flags = ["-t", "1", *more]
        if not is_open:
            flags += ["--closed", "-c", str(USERS), "-d", f"{SECONDS}s"]
        said = rig.load(origin.url, rate if is_open else None, None, SECONDS, flags=flags,
                        inside=inside, meanwhile=meanwhile)
    return said, (origin.p50, origin.p99)


def figures(said, is_open):
    """p99 in ms: with all that is ours, without it, and how late answers were read."""
    main, rest = ("response", "response_less_ours") if is_open else \
        ("service", "service_less_ours")
    return (said.at(f"latency.{main}.p99_ns"), said.at(f"latency.{rest}.p99_ns"),
            said.at("latency.rx_slack.p99_ns"))


def lost_share(said, p50_ms):
    """Of the rate that so many users have at the server's own time, which is nearly constant."""
    return 1 - said.at("rates.ok_per_s") * p50_ms / 1e3 / USERS


def is_told(said, is_open, truth):
    """The word for the generator is right: not ok where the p99 is not the server's, or in the
    closed model the rate is not what the users would have. From half the bound to one and a half
    either is, for the audit's limits are not this bound."""
    p50_ms, p99_ms = truth
    excess = (figures(said, is_open)[0] - p99_ms) / bound(p99_ms)
    if not is_open:
        excess = max(excess, lost_share(said, p50_ms) / LOST_SHARE)
    if said.at("generator.verdict") == "ok":
        return excess <= 1.5
    return excess >= 0.5


@contextlib.contextmanager
def nothing():
    yield ()


@contextlib.contextmanager
def with_neighbour(*before):
    with Neighbour(0):
        yield (*before, "taskset", "-c", "0")


def conditions():
    """(name, what it runs in, meanwhile)"""
    yield "stop 200ms", nothing, stopping(0.2, 1.5)
    yield "stop 20ms", nothing, stopping(0.02, 0.5)
    yield "quota 2%", lambda: sick.Quota(2000), None
    yield "quota 5%", lambda: sick.Quota(5000), None
    yield "neighbour", with_neighbour, None
    yield "nice 19", lambda: with_neighbour("nice", "-n", "19"), None


def sick_generator(rig, rows):
    """The server's own p99 comes back, however late the generator was."""
    if os.cpu_count() < 2:
        raise Skipped("the server needs a CPU of its own")
    n = runs(2)
    for is_open in (True, False):
        for name, within, meanwhile in conditions():
            label = f"{'open' if is_open else 'closed'} {name}"
            if os.environ.get("CASES", "") not in label:
                continue
            n_close = n_late = n_told = 0
            for _ in range(n):
                with within() as inside:
                    said, truth = measure(rig, is_open, "20ms", 200, inside, meanwhile)
                with_ours, without, late = figures(said, is_open)
                p99 = truth[1]
                excess = said.at("latency.service.p99_ns") - p99
                found = (is_close(without, p99), late >= excess - bound(p99),
                         is_told(said, is_open, truth))
                n_close, n_late, n_told = (a + b for a, b in zip((n_close, n_late, n_told), found))
                if not all(found):
                    rows.note(f"{label}: p99 {with_ours:.1f} ms, less ours {without:.1f}, server "
                              f"{p99:.1f}, late {late:.1f} of {excess:.1f}, "
                              f"{said.at('generator.verdict')}, "
                              f"by {said.at('headline.limited_by')}")
            rows.within(f"{label}: less ours", n - n // 10, n, n_close)
            rows.within(f"{label}: lateness", n, n, n_late)
            rows.within(f"{label}: word", n - n // 10, n, n_told)


def healthy_generator(rig, rows):
    """A healthy run is not called sick, and one whose p99 is not the server's is. The warm-up opens
    the connections, for which requests would wait by open-rate, and not by the generator."""
    cases = [(rate, delay, is_busy) for rate in (100, 1000, 10000)
             for delay in ("100us", "2ms", "exp:20ms") for is_busy in (False, True)]
    n = runs(len(cases))
    n_wrong = n_missed = 0
    for i in range(n):
        rate, delay, is_busy = cases[i % len(cases)]
        with Neighbour(0, 0.5) if is_busy else nothing():
            said, (_, truth) = measure(rig, True, delay, rate, more=("-w", "1s"))
        with_ours, _, _ = figures(said, True)
        is_marked, is_right = said.at("generator.verdict") != "ok", is_close(with_ours, truth)
        n_wrong += is_marked and is_right
        n_missed += not is_marked and not is_right
        if is_marked == is_right:
            rows.note(f"{rate}/s, {delay}, {'half busy' if is_busy else 'idle'}: p99 "
                      f"{with_ours:.2f} ms, server {truth:.2f}, {said.at('generator.verdict')}")
    rows.within(f"of {n} runs, marked wrongly", 0, n // 20, n_wrong)
    rows.within(f"of {n} runs, missed", 0, n // 20, n_missed)
