# SPDX-License-Identifier: Apache-2.0
"""What is exact is tested where time is exact: unit programs on a virtual clock, and simulations
with fixed seeds."""
import os
import re
import subprocess

from rig import Broken

COVERAGE_RUNS = 2000
TIMEOUT_S = 150

# (program, row, names of its tests)
HELD = {
    "gaps": (("engine/test_schedule_stages", "Poisson, 100,000 gaps: KS",
            ("poisson_gaps_are_exponential_and_their_number_exact",
             "poisson_follows_a_ramp_and_counts_each_stage")),),
    "ramp": (("engine/test_schedule_stages", "ramps are the formula, 1 ns",
             ("a_ramp_is_its_formula",)),
            ("engine/test_schedule", "24 h at 333,333/s, 1 ns", ("test_a_day",)),
            ("engine/test_schedule_stages", "holds, steps, pauses, counts",
             ("steps_are_holds", "pauses_skip_time", "fractions_carry_over_ramps",
              "a_count_ends_a_ramp_or_goes_on_at_its_end")),
            ("engine/test_schedule_stages", "steered, and split over workers",
             ("shares_make_up_the_whole", "steered_shares_make_up_the_whole",
              "counts_of_a_steered_schedule", "a_count_stays_exact_when_steered"))),
    "audit": (("common/test_audit", "the audit's rules, clean and sick", ()),
          ("common/test_audit_faults", "errors of our own are told apart", ()),
          ("common/test_steadiness", "steadiness and warm-up", ())),
}


def run(rig, name, **more):
    """What it prints, and its log of checks."""
    log = rig.path("tap")
    path = rig.program(os.path.join("tests", name))
    try:
        done = subprocess.run(
            [path], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=TIMEOUT_S, env=dict(rig.environment, CK_TAP_LOG_FILE_NAME=log,
                                        CK_DEFAULT_TIMEOUT=str(TIMEOUT_S), **more))
    except subprocess.TimeoutExpired:
        raise Broken(f"{name} does not come to its end") from None
    with open(log, encoding="utf-8") as f:
        return done.stdout, f.read()


def held(rig, rows, key):
    said = {}
    for program, what, names in HELD[key]:
        if program not in said:
            said[program] = re.findall(r"^(not ok|ok) \d+ - [^:]+:[^:]*:([^:]+):",
                                       run(rig, program)[1], re.MULTILINE)
        checks = [word for word, name in said[program] if not names or name in names]
        found = {name for _, name in said[program]}
        if not checks or any(name not in found for name in names):
            raise Broken(f"{program} has no test of that name")
        rows.equal(what, f"{len(checks):,} checks", f"{checks.count('ok'):,} checks")


def ramp_virtual(rig, rows):
    held(rig, rows, "ramp")


def gaps_virtual(rig, rows):
    held(rig, rows, "gaps")


def audit_rules(rig, rows):
    held(rig, rows, "audit")


def coverage(rig, rows):
    """M/M/1 at .8, whose quantiles are known: how many of the 95 % intervals hold the truth."""
    said, _ = run(rig, "common/test_confidence", CONFIDENCE_RUNS=str(COVERAGE_RUNS))
    found = dict(re.findall(r"^p(\d+): ([\d.]+) % of", said, re.MULTILINE))
    for quantile in ("50", "90", "99"):
        value = float(found[quantile]) if quantile in found else None
        rows.within(f"95 % intervals of p{quantile} that hold", 90.0, 98.0, value)
    rows.note(f"{COVERAGE_RUNS:,} simulated runs of 60 s; textbook intervals hold 20 to 30 %.")
