# SPDX-License-Identifier: Apache-2.0
"""merge: hosts are merged by their histograms, never by their percentiles. And steady: the word for a run
whose percentiles depend on how long it was."""
import concurrent.futures
import json
import math
import os
import subprocess
import time

import hdr
from rig import Broken
from stalls import at_rank, gaps_of


def merge_one(rig, index, delay, listen):
    """One of two hosts: each sends half of 400/s, one after the other."""
    with rig.origin("--delay", delay, listen=listen) as origin:
        said = rig.load(origin.url, 400, 50, 5, flags=(
            "--set", f"load.slice={index}/2", "--set", "load.unsynchronised=yes"))
    return said, origin


def merged_document(rig, parts):
    """Their document, by rpsctl merge."""
    path = rig.path("merged") + ".json"
    done = subprocess.run(
        [rig.rpsctl, "merge", *(said.path for said in parts), "-o", path], capture_output=True,
        stdin=subprocess.DEVNULL, text=True, timeout=20, check=False, env=rig.environment)
    if not os.path.exists(path):
        raise Broken("rpsctl merge: " + (done.stderr.strip().splitlines() or ["?"])[-1])
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def merge(rig, rows):
    """Host A sees 1 ms, host B 100 ms. (Averaged percentiles would say 50.5.)"""
    first, origin = merge_one(rig, 1, "1ms", "127.0.0.1:0")
    second, _ = merge_one(rig, 2, "100ms", origin.address)
    merged = merged_document(rig, (first, second))
    response = merged["latency"]["response"]
    rows.equal("planned", first.planned + second.planned, merged["ledger"]["planned"])
    # Half of all is A: the median is its slowest, to the width of a slot.
    rows.within("p50, ms", 1.0, first.max, response["p50_ns"] / 1e6, 0.002 * first.max)
    rows.within("p99, ms", second.p50, second.max, response["p99_ns"] / 1e6, 0.002 * second.max)
    parts = [hdr.decode(said.doc["latency"]["response"]["hdr"]) for said in (first, second)]
    total = hdr.decode(response["hdr"])
    rows.equal("slots whose counts differ", 0,
               sum(a != b for a, b in zip(hdr.add(*parts), total)) +
               abs(len(hdr.add(*parts)) - len(total)))


SLICES = 2


def slices(rig, rows):
    """Each host sends its slice of one schedule, from one instant: the server sees one run."""
    with rig.origin("--gaps", "GAPS") as origin:
        begin = int(time.time()) + 3
        with concurrent.futures.ThreadPoolExecutor(SLICES) as pool:
            runs = [pool.submit(rig.load, origin.url, 100, 10, 5, flags=(
                "--set", f"load.slice={i + 1}/{SLICES}", "--set", f"load.at={begin}"))
                for i in range(SLICES)]
            parts = [run.result() for run in runs]
    gaps = gaps_of(origin.instants())
    late = 2 * max(said.at("latency.our_delay.p99_ns") for said in parts) + 2
    merged = merged_document(rig, parts)
    rows.equal("slices: planned", 500, merged["ledger"]["planned"])
    rows.equal("slices: requests at the origin", 500, origin.requests)
    rows.within("slices: gap p10, ms", 10.0, 10.0, at_rank(gaps, 0.1), late)
    rows.within("slices: gap p90, ms", 10.0, 10.0, at_rank(gaps, 0.9), late)


def steadiness(rig, rows):
    """One server of 1 ms at 1,050/s: a backlog that grows as long as the run."""
    for rate, words in ((700, ("steady", "unknown")), (1050, ("unsteady",))):
        with rig.origin("--service", "1ms") as origin:
            said = rig.load(origin.url, rate, 800, 15,
                            flags=("--set", "load.arrivals=poisson"))
        rows.word(f"rho = {rate / 1000}", words, said.at("steadiness.word"))
        if rate < 1000:
            rows.within("ok", said.planned, said.planned, said.ok)


def ledgers(all_said, rows):
    """Of every run of all tests."""
    docs = [said.doc for said in all_said if said.doc]
    rows.equal("ledgers that balance", f"{len(docs)} runs",
               f"{sum(doc['ledger']['balanced'] for doc in docs)} runs")
    apart = 0.0
    for doc in docs:
        latency = doc["latency"]
        if "response" not in latency:
            continue  # the closed model
        parts = [latency[name] for name in ("our_delay", "connection_wait", "service")]
        response = latency["response"]
        if doc["ledger"]["ok"] != doc["ledger"]["planned"] or \
                any(part["count"] != response["count"] for part in parts):
            continue
        whole = sum(part["mean_ns"] for part in parts)
        apart = max(apart, math.fabs(whole - response["mean_ns"]))
    rows.within("means: response less its parts, ns", 0.0, 0.0, apart, 10.0)
