#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The honesty tests: what rpsd, or another load generator, says of servers whose truth is known.

Prints a table and ends with 0 when every row of rpsd's is a pass; with 1 when one is not; with 2
when those that are not all come from runs whose own audit said that this machine, not the server,
made the figures; with 3 when a test could not be carried out.
"""
import argparse
import concurrent.futures
import os
import platform
import resource
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True

try:
    import json  # noqa: F401  what python3-minimal does not have
except ImportError:
    sys.exit("honesty: this takes Debian's python3, of which only the minimal one is here; "
             "`make deps-bench` installs it")

import faults  # noqa: E402
import fleet  # noqa: E402
import lateness  # noqa: E402
import repeated  # noqa: E402
import rig as rigs  # noqa: E402
import sick  # noqa: E402
import stalls  # noqa: E402
import table  # noqa: E402
import virtual  # noqa: E402
import words  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
JOBS = 3  # tests at a time, of those that load the machine little

RPSD, OTHERS = 1, 2
# (test, function, for whom, runs alone)
TESTS = (
    ("stall", stalls.stall, RPSD, True),
    ("stall", stalls.stall_tool, OTHERS, True),
    ("delay", stalls.delay, RPSD | OTHERS, True),
    ("delay", stalls.hybrid, RPSD, True),
    ("queue", stalls.queue, RPSD, True),
    ("errors", faults.errors, RPSD | OTHERS, False),
    ("hang", faults.hang, RPSD | OTHERS, False),
    ("hang", faults.backlog, RPSD, False),
    ("hang", faults.healthy, RPSD | OTHERS, False),
    ("close", faults.close, RPSD | OTHERS, False),
    ("slow", faults.slow, RPSD | OTHERS, False),
    ("slow", faults.drip, RPSD | OTHERS, False),
    ("slow", faults.slow_reader, RPSD, False),
    ("gaps", stalls.pacing, RPSD | OTHERS, True),
    ("gaps", stalls.poisson, RPSD, True),
    ("gaps", virtual.gaps_virtual, RPSD, False),
    ("freeze", faults.freeze, RPSD | OTHERS, False),
    ("accept", faults.accept, RPSD | OTHERS, False),
    ("starve", sick.stop, RPSD | OTHERS, False),
    ("starve", sick.quota, RPSD, True),
    ("sick", lateness.sick_generator, RPSD, True),
    ("healthy", lateness.healthy_generator, RPSD, True),
    ("merge", fleet.merge, RPSD, False),
    ("merge", fleet.slices, RPSD, True),
    ("clock", sick.clock, RPSD, False),
    ("ports", sick.ports, RPSD, False),
    ("ramp", stalls.ramp, RPSD, True),
    ("ramp", virtual.ramp_virtual, RPSD, False),
    ("coverage", virtual.coverage, RPSD, False),
    ("repeated", repeated.repeated, RPSD, True),
    ("steady", fleet.steadiness, RPSD, False),
    ("words", words.limited_by, RPSD, True),
    ("audit", virtual.audit_rules, RPSD, False),
)


class Result:
    """How a test went."""

    def __init__(self, rows, said):
        self.rows, self.said = rows, said
        self.is_skipped = self.is_broken = self.is_excused = False

    def is_pass(self):
        return not self.is_broken and all(row.is_pass() for row in self.rows.rows)


def attempt(given, name, function, directory):
    rig = rigs.Rig(given.build, given.tool, directory, table.Rows(name))
    result = Result(rig.rows, rig.said)
    try:
        function(rig, result.rows)
    except rigs.Skipped as reason:
        result.is_skipped = True
        result.rows.rows.append(table.Row(name, function.__name__, "", "", "", "skipped"))
        result.rows.note(f"{reason}.")
    except (rigs.Broken, ArithmeticError, AttributeError, LookupError, OSError, TypeError,
            ValueError) as reason:  # what a tool reports may not be what it should
        result.is_broken = True
        result.rows.rows.append(table.Row(name, function.__name__, "", "", "", "broken"))
        result.rows.note(f"{type(reason).__name__}: {reason}.")
    if given.tool == "rpsd" and not result.is_pass() and not result.is_skipped:
        errors = [f"{e['count']} {e['class']} ({e.get('example')})"
                  for said in rig.said if said.doc for e in said.doc["errors"]]
        if errors:
            result.rows.note("errors of the run: " + ", ".join(errors[:4]) + ".")
        audits = sorted({said.audit() for said in rig.said} - {""})
        result.is_excused = bool(audits) and not result.is_broken
        if audits:
            result.rows.note("the audit said so: " + " / ".join(audits[:2]))
    return result


def carry_out(given, number, directory):
    """A test of rpsd's that is off is tried once more: a machine that is shared has bad moments.
    What was off is said."""
    name, function, _, _ = TESTS[number]
    label = name if name == function.__name__ else f"{name}, {function.__name__}"
    begin = time.monotonic()
    result = attempt(given, name, function, os.path.join(directory, f"{number}a"))
    if given.tool == "rpsd" and not result.is_pass() and not result.is_skipped:
        first = [row for row in result.rows.rows if not row.is_pass()]
        notes = result.rows.notes
        rigs.say(f"{label}: once more")
        result = attempt(given, name, function, os.path.join(directory, f"{number}b"))
        result.rows.note("second try; in the first: " + "; ".join(
            f"{row.what} {row.measured}: {row.verdict}" for row in first[:4]) + "." +
            "".join(" " + note for note in notes if note.startswith("errors")))
    rigs.say(f"{label}: {time.monotonic() - begin:.0f} s"
             f"{'' if result.is_pass() or result.is_skipped else ', not all pass'}")
    return result


def all_tests(given, directory):
    """{number: Result}: those that bear company first, side by side, then the others."""
    whom = RPSD if given.tool == "rpsd" else OTHERS
    wanted = [n for n, (name, function, who, _) in enumerate(TESTS)
              if who & whom and (not given.only or name in given.only or
                                 function.__name__ in given.only)]
    # Tools that know no rate take all of the machine.
    alone = [n for n in wanted if TESTS[n][3] or whom == OTHERS]
    results = {}
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        runs = {n: pool.submit(carry_out, given, n, directory)
                for n in wanted if n not in alone}
        results.update({n: run.result() for n, run in runs.items()})
    for n in alone:
        results[n] = carry_out(given, n, directory)
    return results


def load_average():
    with open("/proc/loadavg", encoding="ascii") as f:
        return " ".join(f.read().split()[:3])


def head(given, before, seconds):
    model = "?"
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
        for line in f:
            if line.startswith("model name"):
                model = " ".join(line.partition(":")[2].split())
                break
    return [
        f"The honesty tests: {given.tool}",
        f"{time.strftime('%Y-%m-%d %H:%M')} UTC, {os.cpu_count()} CPUs ({model}), "
        f"Linux {platform.release()}",
        f"load average before {before}, after {load_average()}; {seconds:.0f} s",
        "",
    ]


def summary(given, results):
    rows = [row for result in results for row in result.rows.rows]
    counts = {}
    for row in rows:
        word = row.verdict.split()[0]
        counts[word] = counts.get(word, 0) + 1
    line = ", ".join(f"{counts[word]} {word}" for word in
                     ("pass", "off", "silent", "broken", "skipped") if word in counts)
    if given.tool == "rpsd":
        bad = [result for result in results if not result.is_pass() and not result.is_skipped]
        if any(result.is_broken for result in bad):
            return 3, line
        if bad and all(result.is_excused for result in bad):
            return 2, line + "; the audit said so"
        return (1 if bad else 0), line
    return 0, line


def report(given, results, before, seconds):
    groups = [results[n].rows for n in sorted(results)]
    found = list(results.values())
    all_said = [said for result in found for said in result.said]
    if given.tool == "rpsd" and any(said.doc for said in all_said):
        rows = table.Rows("all")
        fleet.ledgers(all_said, rows)
        groups.append(rows)
        found.append(Result(rows, []))
    status, line = summary(given, found)
    return status, head(given, before, seconds) + table.render(groups) + ["", line]


def write(given, lines):
    """RESULTS.md has a part for each tool; that of this one is made anew, and the table of all. Some
    of the tests alone, as often as RUNS says, have a part of their own."""
    path = os.path.join(HERE, "RESULTS.md")
    parts = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            for part in f.read().split("\n## ")[1:]:
                parts[part.partition("\n")[0]] = part.rstrip() + "\n"
    title = given.tool
    if given.only:
        title += f", {' and '.join(given.only)} alone"
        for name in ("CASES", "RUNS"):
            if name in os.environ:
                title += f", {name}={os.environ[name]}"
    parts[title] = f"{title}\n\n```\n" + "\n".join(lines[1:]) + "\n```\n"
    names = sorted(parts, key=lambda name: (not name.startswith("rpsd"), name))
    # The last row is of all runs of a tool that has a ledger.
    tests = list(dict.fromkeys(name for name, *_ in TESTS)) + ["all"]
    overview = table.overview(tests, {
        name: parts[name].splitlines() for name in names if " alone" not in name})
    with open(path, "w", encoding="utf-8") as f:
        f.write("# The honesty tests\n\nWritten by `make honesty WRITE=1 [TOOL=NAME]`; "
                "README.md says what is what.\n\n")
        f.write("A test has one or more figures. *pass*: all are within their bounds; *off*: beyond "
                "them, of as\nmany figures; *silent*: the tool does not say them. The figures are "
                "in the parts below.\n\n")
        f.write("\n".join(overview) + "\n")
        f.writelines("\n## " + parts[name] for name in names)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="where rpsctl, rpsd and tests/ are")
    parser.add_argument("--tool", default="rpsd", help="rpsd, or one of adapters/")
    parser.add_argument("--only", default="", help="tests, as in stall,hang")
    parser.add_argument("--write", action="store_true", help="also to RESULTS.md")
    given = parser.parse_args()
    given.build = os.path.abspath(given.build)
    given.only = given.only.replace(",", " ").split()
    known = {name for name, *_ in TESTS} | {function.__name__ for _, function, *_ in TESTS}
    for word in given.only:
        if word not in known:
            parser.error(f"there is no test {word} (there are {', '.join(sorted(known))})")
    return given


def on_signal(number, _frame):
    """The tests that are under way come to their ends by it."""
    rigs.end_all()
    raise SystemExit(128 + number)


def main():
    given = arguments()
    why = rigs.missing(given.tool)
    if why:
        print(f"honesty: {why}", file=sys.stderr)
        return 3
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    directory = tempfile.mkdtemp(prefix="rpsd-honesty.")
    before, begin = load_average(), time.monotonic()
    try:
        results = all_tests(given, directory)
    finally:
        rigs.end_all()
        shutil.rmtree(directory, ignore_errors=True)
    status, lines = report(given, results, before, time.monotonic() - begin)
    print("\n".join(lines))
    if given.write:
        write(given, lines)
    return status


if __name__ == "__main__":
    sys.exit(main())
