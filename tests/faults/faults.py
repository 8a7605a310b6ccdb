#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What rpsd and rpsctl do when the system refuses them something, as a table in tests/FAULTS.md.

  alloc   one allocation fails: each of the programs' own, and a sample of the libraries'
  calls   one system call fails, by strace: each call, with each error, once and from then on
  limits  few descriptors, little address space
  disk    a full disk
  memory  one service, in which allocations or calls fail again and again: what does it keep?

Each case is one life of the programs: a local run; a service that is asked to start, show and stop
a run, and gets the signal to reload; `report`; `merge`; `check`; `origin`; rpsctl's commands to a
service. It ends in one of these:

  works   the exit status is 0 and the document is whole
  error   the exit status is another one, and stderr says why
  unmet   as works, and this time the call that was to fail was not made
  crash   a program was ended by a signal
  hang    it had to be ended when its time was over
  mute    the exit status is another one, and nothing says why
  torn    the exit status is 0, and the document or the output is not whole
  left    an idle service has more descriptors or threads than one without faults, or its memory
          grows, or a sanitizer (a build under build/address...) finds memory that was not freed

Outcomes are kept in a file of the build as they come, one JSON value a line: a check that was stopped
goes on where it was. Other programs begin anew; with --again only the bad cases do."""
import argparse
import collections
import concurrent.futures
import datetime
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

import cases
from judging import OUTCOMES
from lives import Lives

BAD = {"crash", "hang", "mute", "torn", "left"}
COLUMNS = ["works", "error", "unmet", *OUTCOMES[2:], "excused"]
HERE = os.path.dirname(os.path.abspath(__file__))


def is_bad(line):
    return line["outcome"] in BAD and not cases.excuse(
        line["row"], line["at"], line["outcome"], line["words"])


class Kept:
    """Outcomes of this check, and of earlier ones that it goes on with."""

    def __init__(self, args, lives):
        self.path = os.path.join(args.build, "faults.jsonl")
        self.lock = threading.Lock()
        self.outcomes = {}
        self.earlier = set()
        self.programs = hashlib.sha256()
        for name in ("rpsd", "rpsctl"):
            with open(os.path.join(args.build, name), "rb") as file:
                self.programs.update(file.read())
        self.programs = self.programs.hexdigest()[:12]
        head, *lines = self.read()
        if head and (args.again or head["programs"] == self.programs):
            self.facts = head["facts"]
            self.take(lines, args.again)
            self.file = open(self.path, "a")
        else:
            if head:
                os.replace(self.path, self.path + ".old")
            self.facts = cases.measure(lives)
            self.file = open(self.path, "w")
            self.put({"programs": self.programs, "facts": self.facts})

    def read(self):
        try:
            with open(self.path) as file:
                return [json.loads(line) for line in file if line.endswith("\n")] or [None]
        except OSError:
            return [None]

    def take(self, lines, again):
        for line in lines:
            key = line["row"], line["at"]
            self.outcomes[key] = line
            self.earlier.discard(key)
            if line["programs"] != self.programs:
                self.earlier.add(key)
        for key in [k for k, line in self.outcomes.items() if again and is_bad(line)]:
            del self.outcomes[key]
            self.earlier.discard(key)

    def put(self, value):
        self.file.write(json.dumps(value) + "\n")
        self.file.flush()

    def add(self, row, at, outcome, words):
        with self.lock:
            line = {"row": row, "at": at, "outcome": outcome, "words": words[:2000],
                    "programs": self.programs}
            self.outcomes[row, at] = line
            self.put(line)


def choose(lives, args, facts):
    """The cases of each part."""
    chance = random.Random(args.seed)
    ret = {}
    for part in args.parts:
        more = [c for c in cases.PARTS[part](lives, args, facts, chance) if args.only in c[0]]
        if args.take and len(more) > args.take:
            args.skipped.append("%s: %d of %d cases" % (part, len(more) - args.take, len(more)))
            more = [more[i] for i in sorted(chance.sample(range(len(more)), args.take))]
        ret[part] = more
    return ret


def run_all(lives, args, kept, parts):
    """One part after the other; what has an outcome is not tried again."""
    def one(case):
        row, at, life, fault = case
        if args.told_to_stop or (row, at) in kept.outcomes:
            return
        outcome, words = lives.live(life, fault)
        kept.add(row, at, outcome, words)
        if outcome in BAD and not cases.excuse(row, at, outcome, words):
            print("%s [%s]: %s: %s" % (row, at, outcome, words.strip()[:300]), flush=True)

    for part, chosen in parts.items():
        began = time.time()
        print("%s: %d cases" % (part, len(chosen)), flush=True)
        # What has been tried when it is told to stop is then a fair sample.
        chosen = random.Random(args.seed).sample(chosen, len(chosen))
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            list(pool.map(one, chosen))
        print("%s: %d s" % (part, time.time() - began), flush=True)
    row = "the services that the clients asked"
    outcome, words = lives.close_hosts()
    kept.add(row, "", outcome, words)
    if outcome != "works":
        print("%s: %s: %s" % (row, outcome, words), flush=True)
    parts["clients"] = [(row, "", None, None)]


def count(kept, parts):
    """Rows of counts, the exceptions, and those of each part."""
    table, excused = collections.OrderedDict(), collections.Counter()
    sums = collections.OrderedDict()
    for part, chosen in parts.items():
        sums[part] = collections.Counter(cases=len(chosen))
        for row, at, *_ in chosen:
            counts = table.setdefault(row, collections.Counter())
            line = kept.outcomes.get((row, at))
            if not line:
                continue
            outcome = line["outcome"]
            why = cases.excuse(row, at, outcome, line["words"]) if outcome in BAD else None
            if why:
                excused[why] += 1
                outcome = "excused"
            counts[outcome] += 1
            sums[part][outcome] += 1
            sums[part]["tried"] += 1
            sums[part]["earlier"] += (row, at) in kept.earlier
    return table, excused, sums


def line_of(name, counts):
    return "| %s | %s |" % (name, " | ".join(str(counts[c] or "") for c in COLUMNS))


def render(args, table, excused, sums):
    """The table, in Markdown."""
    head = "| " + " | ".join(COLUMNS) + " |"
    rule = "--:|" * len(COLUMNS)
    lines = ["# Faults", "",
             "Written by `make check-faults` (tests/faults/faults.py) on %s: what rpsd and rpsctl do "
             "when" % datetime.date.today(),
             "an allocation, a system call, descriptors, address space or disk are refused to them.",
             "A case is one life of the programs. *works*: exit status 0 and a whole document;",
             "*error*: another exit status, and a message; *unmet*: as works, and this time the call",
             "was not made; *excused*: an exception below. There must be no *crash* (a signal), *hang*",
             "(more than %d s), *mute* (failed without a message), *torn* (exit status 0 without a whole"
             % args.seconds,
             "document) and *left* (an idle service that holds more descriptors, threads or memory than",
             "it should).", "",
             "| part | cases | tried " + head, "|---|--:|--:|" + rule]
    total = collections.Counter()
    for part, counts in sums.items():
        total.update(counts)
        lines.append(line_of("%s | %d | %d" % (part, counts["cases"], counts["tried"]), counts))
    lines += [line_of("all | %d | %d" % (total["cases"], total["tried"]), total), "",
              "| case " + head, "|---|" + rule]
    lines += [line_of(row, counts) for row, counts in table.items()]
    if excused:
        lines += ["", "Exceptions:", ""]
        lines += ["- %s (%d cases)" % item for item in sorted(excused.items())]
    missing = ["%s: %d of %d cases: the check was told to stop" % (
        part, counts["cases"] - counts["tried"], counts["cases"])
        for part, counts in sums.items() if counts["tried"] < counts["cases"]]
    if args.skipped or missing:
        lines += ["", "Not tried here:", ""]
        lines += ["- " + text for text in [*args.skipped, *missing]]
    if total["earlier"]:
        lines += ["", "%d of the cases met earlier programs; those that ended badly were tried again "
                  "(--again)." % total["earlier"]]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--own", type=int, default=1000000, help="allocations of our own code")
    parser.add_argument("--libs", type=int, default=500, help="allocations of libraries")
    parser.add_argument("--cycles", type=int, default=120, help="runs of a case of memory")
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("--seconds", type=float, default=20, help="for each program")
    parser.add_argument("--only", default="", help="rows that contain this")
    parser.add_argument("--take", type=int, default=0, help="so many cases of each part")
    parser.add_argument("--again", action="store_true",
                        help="keep good outcomes of earlier programs")
    parser.add_argument("--write", action="store_true", help="write tests/FAULTS.md")
    parser.add_argument("parts", nargs="*", default=[])
    args = parser.parse_args()
    args.parts = args.parts or list(cases.PARTS)
    args.told_to_stop = False

    def stop(*_):
        args.told_to_stop = True

    # The cases under way are finished, and the table is written.
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    args.skipped = []
    args.build = os.path.abspath(args.build)
    folder = tempfile.mkdtemp(prefix="rpsd-faults.")
    lives = Lives(args.build, folder, args.seconds)
    try:
        lives.prepare()
        kept = Kept(args, lives)
        parts = choose(lives, args, kept.facts)
        run_all(lives, args, kept, parts)
    finally:
        lives.close()
        shutil.rmtree(folder, ignore_errors=True)
    table, excused, sums = count(kept, parts)
    text = render(args, table, excused, sums)
    print(text)
    if args.write:
        with open(os.path.join(HERE, "..", "FAULTS.md"), "w") as file:
            file.write(text)
    return 1 if any(counts[o] for counts in table.values() for o in BAD) else 0


if __name__ == "__main__":
    sys.exit(main())
