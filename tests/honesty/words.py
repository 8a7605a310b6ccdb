# SPDX-License-Identifier: Apache-2.0
"""What a run is limited by, in one word, where that is known. RUNS is the number of runs of each."""
import lateness

# (server, the origin's flags, requests per second, connections, seconds, rpsd's flags, word, result)
CASES = (
    ("rho 0.8", ("--service", "exp:5ms"), 160, None, 10, ("--arrivals", "poisson"), "plan", "ok"),
    ("rho 1.02", ("--service", "5ms"), 204, None, 12, (), "server", "overload"),
    ("rho 1.5", ("--service", "5ms"), 300, None, 6, (), "server", "overload"),
    ("stalls", ("--stall", "700ms every 3s"), 800, 20, 9, (), "server", None),
    ("slow", ("--delay", "300ms"), 2500, None, 4, (), "connections", None),
    ("users", (), None, None, 3, ("--closed", "-c", "4", "-d", "3s", "--think", "50ms"), "users",
     "ok"),
)


def limited_by(rig, rows):
    n = lateness.runs(2)
    for name, server, rate, connections, seconds, flags, word, result in CASES:
        found, next_rates = [], 0
        for seed in range(1, n + 1):
            with rig.origin(*server, "--seed", str(seed)) as origin:
                said = rig.load(origin.url, rate, connections, seconds,
                                flags=(*flags, "--seed", str(seed)))
            headline = said.doc["headline"]
            found.append((headline["limited_by"], headline["result"]))
            next_rates += result == "overload" and "next    -r" in said.text
        right = sum(by == word and result in (None, outcome) for by, outcome in found)
        rows.equal(f"{name}: {word}", n, right)
        others = sorted({f"{by}, {outcome}" for by, outcome in found if by != word or
                         result not in (None, outcome)})
        if others:
            rows.note(f"{name}: {'; '.join(others)}.")
        if result == "overload":
            rows.equal(f"{name}: a higher rate advised", 0, next_rates)
