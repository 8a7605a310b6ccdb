# SPDX-License-Identifier: Apache-2.0
"""What is exact is tested where time is exact: unit programs on a virtual clock, and simulations
with fixed seeds."""
import os
import re
import subprocess

from rig import Broken

COVERAGE_RUNS = 1000
COVERAGE_ERROR = 1.0  # of a share in so many runs, in percent
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
          ("common/test_audit_limit", "what the limit was", ()),
          ("common/test_audit_notes", "its notes and verdict", ()),
          ("common/test_audit_faults", "errors of our own are told apart", ()),
          ("common/test_audit_look", "the command that shows one answer", ()),
          ("common/test_audit_machine", "the machine's figures", ()),
          ("common/test_audit_clean", "100 clean runs", ()),
          ("common/test_audit_queues", "overload, and queues that wander", ()),
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
    """Simulated servers whose percentiles are known: how many of the 95 % intervals hold the truth.
    A low end alone is missed by half as many, and by fewer still where hardly any sample reaches
    the percentile: it has no bound above."""
    path = rig.program(os.path.join("honesty", "coverage"))
    try:
        done = subprocess.run([path, str(COVERAGE_RUNS)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=True, timeout=2 * TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise Broken("the simulation does not come to its end") from None
    said = {}
    for line in done.stdout.splitlines():
        server, quantile, share, two, lower, none, width = line.split("\t")[:7]
        said.setdefault(server, []).append(
            f"p{quantile} {two}/{lower}/{none}" + (f", {width} %" if width else ""))
        if int(none) == COVERAGE_RUNS:
            continue
        rows.within(f"{server}, p{quantile}", 90.0,
                    99.0 if int(two) * 2 >= COVERAGE_RUNS else 100.0, float(share),
                    more=COVERAGE_ERROR)
    rows.note(f"Of {COVERAGE_RUNS:,} runs those with two ends/a low end/no interval, and the median "
              "width of those with two ends in percent of the truth.")
    for server, words in said.items():
        rows.note(f"{server}: {'; '.join(words)}.")
