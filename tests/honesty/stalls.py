# SPDX-License-Identifier: Apache-2.0
"""stall, delay, queue, gaps and ramp: servers whose answers to a known load have a closed form."""
import concurrent.futures
import math
import time

import hdr

STALL_S, PERIOD_S = 1.0, 10.0
STALL_RATE = 1000
STALL_BUSY = 0.05  # at most: the share of what the server could carry
STALL_STAGGER_S = 2.5


def stalled(quantile, busy):
    """The closed form of a stall, in ms: Q(q) = S - P (1 - rho) (1 - q)."""
    return max(0.0, STALL_S - PERIOD_S * (1 - busy) * (1 - quantile)) * 1e3


def stalled_range(quantile):
    return stalled(quantile, 0), stalled(quantile, STALL_BUSY)


def stall_rows(rows, connections, said):
    """One number of connections."""
    name = f"{connections:,} conn., "
    for label, quantile, value in (("p50", 0.5, said.p50), ("p99", 0.99, said.p99),
                                   ("p99.9", 0.999, said.p99_9)):
        rows.within(f"{name}response {label}, ms", *stalled_range(quantile), value, 10)
    mean = STALL_S ** 2 / (2 * PERIOD_S) * 1e3
    rows.within(f"{name}mean, ms", mean, mean / (1 - STALL_BUSY), said.mean, 2)


def stall_service(rows, connections, said):
    """What a tool that times from the send would print: each stall is seen by those alone that had
    a connection."""
    share = min(connections, STALL_RATE * STALL_S) / (STALL_RATE * PERIOD_S)
    truth = max(0.0, STALL_S - PERIOD_S * 0.01) * 1e3 if share > 0.01 else 0.0
    rows.within(f"{connections:,} conn., service p99, ms", truth, truth,
                said.at("latency.service.p99_ns"), 10)


def stall_one(rig, connections, seconds, wait_s=0.0):
    time.sleep(wait_s)
    with rig.origin("--stall", f"{STALL_S:g}s every {PERIOD_S:g}s") as origin:
        said = rig.load(origin.url, STALL_RATE, connections, seconds)
    return said, origin


def stall(rig, rows):
    """Connection invariance: four numbers of connections, their stalls at different times."""
    counts = (10, 50, 200, 1000)
    with concurrent.futures.ThreadPoolExecutor(len(counts)) as pool:
        runs = [pool.submit(stall_one, rig, n, 30, i * STALL_STAGGER_S) for i, n in enumerate(counts)]
        found = [run.result() for run in runs]
    for connections, (said, _) in zip(counts, found):
        stall_rows(rows, connections, said)
        if connections in (10, 1000):
            stall_service(rows, connections, said)
    for label in ("p50", "p90", "p99", "p99_9"):
        values = [getattr(said, label) for said, _ in found]
        rows.within(f"{label.replace('_', '.')}: 10 to 1,000 conn. apart, ms", 0.0, 0.0,
                    max(values) - min(values), 20 if label == "p90" else 10)


def planned_rows(rows, what, planned, said, origin, more):
    """What was asked for, at the origin."""
    if said.has_rate:
        rows.within(what, planned, planned, origin.requests, more)
    else:
        rows.cannot(what, planned, "no rate")


def stall_tool(rig, rows):
    for connections in (10, 50):
        said, origin = stall_one(rig, connections, 10)
        planned_rows(rows, f"{connections} conn., requests", STALL_RATE * 10, said, origin, 100)
        stall_rows(rows, connections, said)


DELAY_MS = 10.0


def delay(rig, rows):
    """A fixed delay, from 10/s on one connection to 1,000/s on 1,000."""
    middles = []
    for rate, connections in ((10, 1), (100, 50), (1000, 1000 if rig.is_rpsd() else 200)):
        with rig.origin("--delay", f"{DELAY_MS:g}ms") as origin:
            said = rig.load(origin.url, rate, connections, 5)
        name = f"{rate:,}/s, {connections:,} conn., "
        middles.append(said.p50)
        high_label = "p99" if rate > 10 else "p90"  # of 50 requests p99 is the slowest
        for label, late in (("p50", 0.5), (high_label, 5)):
            # The origin's own time, as it was, and what the tool owns up to.
            high = max(DELAY_MS, getattr(origin, "p50" if label == "p50" else "p99")) + 0.1 + \
                sum(said.at(f"latency.{part}.{label}_ns") or 0
                    for part in ("our_delay", "rx_slack"))
            late = late if label == "p50" else max(late, high / 4)
            rows.within(name + label + ", ms", DELAY_MS, high, getattr(said, label), late, 0.05)
    if None not in middles:
        rows.within("p50 does not move with rate, ms", 0.0, 0.0, max(middles) - min(middles), 0.5)


def hybrid(rig, rows):
    """With mode = hybrid the instants are met closely: what is left is the server's."""
    with rig.origin("--delay", f"{DELAY_MS:g}ms") as origin:
        said = rig.load(origin.url, 100, 50, 5, flags=("--set", "pacing.mode=hybrid"))
    rows.within("hybrid, our delay p50, ms", 0.0, 0.0, said.at("latency.our_delay.p50_ns"), 0.02)
    rows.within("hybrid, p50 less the origin's", 0.0, 0.0, said.p50 - origin.p50, 0.2)


def lindley(instants, service_s):
    """The mean response of a server that takes one request after the other, from the arrivals that
    it has logged itself."""
    free, total = 0.0, 0.0
    for instant in instants:
        free = max(free, instant) + service_s
        total += free - instant
    return total / len(instants) * 1e3


def queue_one(rig, rows, name, service, arrivals, truths):
    """Above the closed form there may be what the origin has measured beyond it, as on a machine
    that is slow to wake it, and what the tool owns up to."""
    with rig.origin("--service", service, "--gaps", "GAPS") as origin:
        said = rig.load(origin.url, 500, 100, 20, flags=("--set", f"load.arrivals={arrivals}"))
    for label, truth, more in truths:
        own = sum(said.at(f"latency.{part}.{label}_ns") for part in ("our_delay", "rx_slack"))
        high = max(truth, getattr(origin, label)) + own
        rows.within(f"{name}, {label}, ms", truth, high, getattr(said, label),
                    max(more, high / 4))
    if service == "1ms" and arrivals == "poisson":
        truth = lindley(origin.instants(), 0.001)
        rows.within(f"{name}, origin's mean by its log", truth, truth, origin.mean,
                    max(0.3, truth / 4), 0.01)


def queue(rig, rows):
    """One server of 1 ms at rho = .5: even spacing hides the queue that chance makes."""
    mean = 1 + 0.5 * 1 / (2 * (1 - 0.5))
    cases = (
        ("D/D/1", "1ms", "constant", (("mean", 1.0, 0.3), ("p99", 1.0, 5.0))),
        ("M/D/1", "1ms", "poisson", (("mean", mean, 0.4),)),
        ("M/M/1", "exp:1ms", "poisson", (("mean", 2.0, 0.5),
                                         ("p99", math.log(100) / 0.5, 3.0))),
    )
    with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        for run in [pool.submit(queue_one, rig, rows, *case) for case in cases]:
            run.result()
    rows.rows.sort(key=lambda row: row.what)


def gaps_of(instants):
    return sorted((b - a) * 1e3 for a, b in zip(instants, instants[1:]))


def at_rank(values, quantile):
    return values[max(math.ceil(quantile * len(values)), 1) - 1]


def kolmogorov(gaps, mean):
    """The distance of sorted gaps from the exponential distribution, times sqrt(n)."""
    n, most = len(gaps), 0.0
    for i, gap in enumerate(gaps):
        share = 1 - math.exp(-gap / mean)
        most = max(most, (i + 1) / n - share, share - i / n)
    return most * math.sqrt(n)


def pacing(rig, rows):
    """1,000 gaps at 100/s, as the server has seen them."""
    with rig.origin("--gaps", "GAPS") as origin:
        said = rig.load(origin.url, 100, 10, 10)
    late = 2 * (said.at("latency.our_delay.p99_ns") or 1.0) + 0.5
    gaps = gaps_of(origin.instants())
    planned_rows(rows, "requests at the origin", 1000, said, origin, 0)
    if not said.has_rate:
        rows.cannot("gaps, ms", 10.0, "no rate")
        return
    for label, quantile in (("p1", 0.01), ("p50", 0.5), ("p99", 0.99)):
        rows.within(f"gap {label}, ms", 10.0, 10.0, at_rank(gaps, quantile), late)


def poisson(rig, rows):
    with rig.origin("--gaps", "GAPS") as origin:
        rig.load(origin.url, 100, 10, 10.02, flags=("--set", "load.arrivals=poisson"))
    gaps = gaps_of(origin.instants())
    rows.equal("Poisson: requests at the origin", 1002, origin.requests)
    rows.within("Poisson gaps, KS x sqrt(n)", -math.inf, 1.63, kolmogorov(gaps, 10.0))
    rows.note("A distance of 1.63 is exceeded by true exponential gaps once in a hundred.")


def ramp(rig, rows):
    """0 to 1,000/s in 10 s: the k-th at sqrt(2 (k + 1/2) / 100) s."""
    with rig.origin("--gaps", "GAPS") as origin:
        said = rig.load(origin.url, None, 50, 10,
                        flags=("--set", "load.stage=ramp from 0 to 1000 over 10s"))
    rows.equal("ramp: requests at the origin", 5000, origin.requests)
    instants = origin.instants()
    off = sorted(instants[k] - instants[0] - (math.sqrt((k + 0.5) / 50) - 0.1)
                 for k in range(min(len(instants), 5000)))
    middle = off[len(off) // 2]
    apart = sorted(abs(value - middle) * 1e3 for value in off)
    late = said.at("latency.our_delay.p99_ns")
    rows.within("ramp: instants off, p50, ms", 0.0, 0.0, at_rank(apart, 0.5), 0.5)
    rows.within("ramp: instants off, p99, ms", 0.0, late, at_rank(apart, 0.99), 3)


def slow_share(said, above_ms):
    slots = hdr.decode(said.doc["latency"]["response"]["hdr"])
    return hdr.count(slots, above_ms * 1e6) / hdr.count(slots)
