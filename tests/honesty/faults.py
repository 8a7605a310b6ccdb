# SPDX-License-Identifier: Apache-2.0
"""errors, hang, close, slow, freeze and accept: servers that err, hang, close, drip and do not accept."""
import math
import os

import hdr
from rig import Skipped
from stalls import planned_rows, slow_share

TIMEOUT_S = 2


def errors(rig, rows):
    """One in five is an instant 503, the others are good after 10 ms: two distributions."""
    with rig.origin("--errors", "20% 503 after 0", "--delay", "10ms") as origin:
        said = rig.load(origin.url, 500, 50, 10)
    share = 0.2
    n = origin.requests
    slack = 3 * math.sqrt(share * (1 - share) / n)
    rows.within("share of errors at the origin", share, share, origin.errors / n, slack)
    rows.within("errors", origin.errors, origin.errors, said.errors,
                0 if rig.is_rpsd() else 50)
    rows.within("ok", n - origin.errors, n - origin.errors, said.ok, 0 if rig.is_rpsd() else 50)
    rows.within("fastest good answer, ms", 10.0, math.inf, said.min, 0.05)
    if rig.is_rpsd():
        late = said.at("latency.our_delay.p99_ns")
        rows.within("errors' own p99, ms", 0.0, 1 + late, said.at("latency.failed.p99_ns"), 3)
        rows.within("ok/s", 400.0, 400.0, said.at("rates.ok_per_s"), 500 * slack)


def hang(rig, rows):
    """2 % are never answered: they are in the percentiles, as what has no answer."""
    with rig.origin("--hang", "2%") as origin:
        said = rig.load(origin.url, 500, 100, 10, TIMEOUT_S)
    rows.within("timeouts", origin.hung, origin.hung, said.timeouts, 0 if rig.is_rpsd() else 5)
    rows.within("p90, ms", 0.0, 10.0, said.p90, 10)
    rows.within("p99, ms", TIMEOUT_S * 1e3, math.inf, said.p99)
    if rig.is_rpsd():
        word = next((line.split()[3] for line in said.text.splitlines()
                     if line.split()[:1] == ["response"] and len(line.split()) > 5), "")
        rows.word("p99 in the printed report", (f">={TIMEOUT_S}s", "unserved"), word)


def backlog(rig, rows):
    """With 10 connections, each lost for 2 s with 2 % of the requests, 1,000/s cannot be."""
    with rig.origin("--hang", "2%") as origin:
        said = rig.load(origin.url, 1000, 10, 10, TIMEOUT_S)
    rows.equal("10 conn.: planned", 10000, said.planned)
    rows.word("10 conn.: limited by", ("connections",), said.at("headline.limited_by"))
    rows.within("10 conn.: p50, ms", 200.0, math.inf, said.p50)
    rows.equal("10 conn.: sent and at the origin", origin.requests, said.sent)


def healthy(rig, rows):
    with rig.origin() as origin:
        said = rig.load(origin.url, 20, 50, 10, TIMEOUT_S)
    rows.equal("healthy, 20/s: timeouts", 0, said.timeouts)
    rows.within("healthy, 20/s: ok", origin.requests, origin.requests, said.ok,
                0 if rig.is_rpsd() else 50)


def close(rig, rows):
    """Each connection is closed after 100 answers, without a word before."""
    with rig.origin("--close-after", "100") as origin:
        said = rig.load(origin.url, 1000, 10, 10)
    n = origin.requests
    planned_rows(rows, "requests at the origin", 10000, said, origin, 200)
    rows.within("connections at the origin", n / 100, n / 100, origin.accepted, 11)
    rows.equal("errors", 0, said.errors)
    rows.equal("timeouts", 0, said.timeouts)
    rows.within("ok", n, n, said.ok, said.at("outside.retries") or 0 if rig.is_rpsd() else 50)
    if rig.is_rpsd():
        rows.within("opened", n / 100, n / 100, said.at("connections.opened"), 10)


def slow(rig, rows):
    """Half take 8 s, and the window is 10: who stops at its end has not seen most of them."""
    with rig.origin("--delay", "50% 10ms, 50% 8s") as origin:
        said = rig.load(origin.url, 50, 500, 10)
    n = origin.requests
    rows.within("answers counted", n, n, said.ok, 0)
    rows.within("p90, ms", 8000.0, 8000.0, said.p90, 200, 20)
    rows.within("mean, ms", 4005.0, 4005.0, said.mean, 3 * 4000 / math.sqrt(n))
    if rig.is_rpsd():
        rows.within("slow share", 0.5, 0.5, slow_share(said, 4000), 1.5 / math.sqrt(n))


def drip(rig, rows):
    with rig.origin("--drip", "50 x 10ms") as origin:
        said = rig.load(origin.url, 20, 50, 5)
    rows.within("drip: last byte p50, ms", 500.0, 500.0, said.p50, 20, 1)
    rows.within("drip: first byte, ms", 0.0, 1.0, said.first_byte, 10)


def slow_reader(rig, rows):
    """8 MiB, read at 256 KiB each 50 ms. What lies in socket buffers the client cannot see."""
    body = rig.path("body")
    size, piece, every_ms = 8 << 20, 256 << 10, 50.0
    with open(body, "wb") as f:
        f.truncate(size)
    with rig.origin("--read", "256KiB every 50ms") as origin:
        said = rig.load(origin.url, 1, 10, 4, flags=("--data", "@" + body))
    total = size / piece * every_ms
    with open("/proc/sys/net/ipv4/tcp_wmem", encoding="ascii") as f:
        buffers = int(f.read().split()[2]) + 2 * piece
    least = max(0.0, (size - buffers) / piece * every_ms)
    rows.within("slow reader: p50, ms", total, total, said.p50, 150, 10)
    rows.within("slow reader: send stall p50", least, total, said.at("latency.send_stall.p50_ns"),
                0)
    os.unlink(body)


def freeze(rig, rows):
    """One of 50 connections answers no more: the others carry the whole rate."""
    with rig.origin("--freeze", "1") as origin:
        said = rig.load(origin.url, 500, 50, 6, TIMEOUT_S,
                        flags=("--set", "connections.reuse=rotate"))
    n = origin.requests
    if rig.is_rpsd():
        rows.equal("requests at the origin", 3000, n)
    rows.within("timeouts", 1, 1, said.timeouts, 0)
    rows.within("ok", n - 1, n - 1, said.ok, 0 if rig.is_rpsd() else 50)
    late = said.at("latency.our_delay.p99_ns") or 0.0
    rows.within("p99, ms", 0.0, 5.0 + late, said.p99, 15)
    rows.within("slowest, ms", TIMEOUT_S * 1e3, math.inf,
                math.inf if rig.is_rpsd() and said.timeouts else said.max)


def grid():
    """When this kernel tries again to connect, in seconds."""
    try:
        with open("/proc/sys/net/ipv4/tcp_syn_linear_timeouts", encoding="ascii") as f:
            linear = int(f.read())
    except OSError:
        linear = 0
    if linear not in (0, 4):
        raise Skipped(f"net.ipv4.tcp_syn_linear_timeouts is {linear}; its grid is known for 0, 4")
    return (1, 2, 3, 4, 5, 7) if linear else (1, 3, 7)


ACCEPT_STALL_S = 3.5


def accept(rig, rows):
    """Nothing is accepted for 3.5 s, and two have room to wait: the others' SYNs are lost."""
    instants = grid()
    with rig.origin("--backlog", "1", "--accept-stall", f"{ACCEPT_STALL_S}s") as origin:
        said = rig.load(origin.url, 20, 20 if not rig.is_rpsd() else None, 6,
                        flags=("--no-keepalive", "--set", "timeouts.connect=20s"))
    rows.within("slowest answer, ms", ACCEPT_STALL_S * 1e3 - 500, ACCEPT_STALL_S * 1e3 + 1500,
                said.max)
    if not rig.is_rpsd():
        return
    rows.equal("ok", 120, said.ok)
    slots = [(value / 1e9, n) for value, n in hdr.decode(said.doc["latency"]["connect"]["hdr"])]
    slow = sum(n for value, n in slots if value > 0.5)
    near = sum(n for value, n in slots
               if value > 0.5 and min(abs(value - instant) for instant in instants) < 0.2)
    rows.within("connects that took > .5 s", 20, 120, slow)
    rows.within("of them at " + ", ".join(map(str, instants[:4])) + " s", 1.0, 1.0,
                near / slow if slow else None, 0.05)
    rows.within("conn. wait p90 is in response", said.at("latency.connection_wait.p90_ns"),
                math.inf, said.p90, 0)
