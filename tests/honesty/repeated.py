# SPDX-License-Identifier: Apache-2.0
"""Intervals on the wall clock: of many runs against one kind of server, the 95 % intervals of 90 to
99 % hold the percentile of all runs together. RUNS is the number of runs of each kind."""
import concurrent.futures
import os

import hdr

SIDE_BY_SIDE = 20  # runs of a few requests a second each
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99_9": 0.999}

# (name, the origin's flags, requests per second, seconds, warm-up: such a queue forgets in 8 s)
KINDS = (
    ("independent, 20 ms", ("--delay", "exp:20ms"), 200, 10, "1s"),
    ("M/M/1 20 ms, .9", ("--service", "exp:20ms"), 45, 30, "10s"),
)


def once(rig, seed, server, rate, seconds, warm_up):
    with rig.origin(*server, "--seed", str(seed)) as origin:
        return rig.load(origin.url, rate, None, seconds, flags=(
            "--arrivals", "poisson", "--seed", str(seed), "-w", warm_up, "-t", "1"))


def holds(interval, value):
    """An end that is null is open."""
    low, high = interval
    return (low is None or low <= value) and (high is None or value <= high)


def repeated(rig, rows):
    n = int(os.environ.get("RUNS", SIDE_BY_SIDE))
    for name, *kind in KINDS:
        with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            said = list(pool.map(lambda seed, kind=kind: once(rig, seed, *kind), range(1, n + 1)))
        responses = [one.doc["latency"]["response"] for one in said]
        together = hdr.add(*(hdr.decode(response["hdr"]) for response in responses))
        for quantile, q in QUANTILES.items():
            truth_ns = hdr.at(together, q)
            given = [ends for ends in (response["ci95"][quantile + "_ns"] for response in responses)
                     if ends is not None]
            n_two = sum(None not in ends for ends in given)
            rows.note(f"{name}, {quantile}: {truth_ns / 1e6:.1f} ms; two ends {n_two}, "
                      f"one {len(given) - n_two}, none {n - len(given)} of {n}.")
            if not given:
                continue
            share = 100 * sum(holds(ends, truth_ns) for ends in given) / len(given)
            # Of so few runs the share itself is uncertain: two standard errors.
            rows.within(f"{name}, {quantile}: held, %", 90.0,
                        99.0 if n_two * 2 >= n else 100.0, share,
                        more=200 * (0.95 * 0.05 / len(given)) ** 0.5)
