# SPDX-License-Identifier: Apache-2.0
"""How the end of a life is judged (faults.py says as what): by the exit status, what was said, and
whether the document and the output are whole."""
import json
import os
import signal

OUTCOMES = ["works", "error", "left", "mute", "torn", "hang", "crash"]  # the worst is last
FORMATS = ("o.json", "o.csv", "o.md", "o.txt")


def shape(value, path="", ret=None):
    """The keys of every object of a document, by its path."""
    ret = {} if ret is None else ret
    if isinstance(value, dict):
        ret.setdefault(path, set()).add(frozenset(value))
        for key, item in value.items():
            shape(item, path + "." + key, ret)
    elif isinstance(value, list):
        for item in value:
            shape(item, path + "[]", ret)
    return ret


class Judge:
    """What whole documents and outputs look like, and what lacks something."""

    def __init__(self):
        self.shape = {}
        self.known = {}

    def learn(self, doc):
        for path, keys in shape(doc).items():
            self.shape.setdefault(path, set()).update(keys)

    def missing(self, doc):
        """Where the document lacks what such documents have; None: it is whole."""
        for path, keys in shape(doc).items():
            known = self.shape.get(path)
            if known and not keys <= known:
                return "%s has %s" % (path, sorted(map(sorted, keys - known))[:1])
        return None

    def judge(self, status, program, doc_path=None, wants_out=True):
        err = program.stderr()
        if status is None:
            return "hang", err
        if status < 0 or status in (128 + signal.SIGSEGV, 128 + signal.SIGABRT):
            return "crash", "signal %d %s" % (-status, err)
        if status != 0:
            return ("error" if err.strip() else "mute"), "exit %d: %s" % (status, err)
        if doc_path:
            try:
                with open(doc_path) as file:
                    doc = json.load(file)
            except (OSError, ValueError) as e:
                return "torn", str(e)
            gap = self.missing(doc)
            if gap:
                return "torn", gap
        if wants_out and not program.stdout().strip():
            return "torn", "nothing on stdout"
        return "works", ""

    def same(self, key, figure):
        """What a life without faults had first, every other must have."""
        known = self.known.setdefault(key, figure)
        return None if figure == known else "%s: %s instead of %s" % (key, figure, known)

    def judge_files(self, command, work, outcome):
        """All formats of a report are whole, or it is told what became of them."""
        for name in FORMATS[1:] if outcome[0] == "works" else []:
            try:
                with open(os.path.join(work, name), "rb") as file:
                    figure = file.read().count(b"\n")
            except OSError:
                figure = None
            gap = self.same("%s %s, lines" % (command, name), figure)
            if gap:
                return "torn", gap
        return outcome

    def judge_work(self, work, outcome):
        """The outcome, or what a sanitizer says of the programs."""
        for name in sorted(os.listdir(work)):
            if name.startswith("sanitizer."):
                with open(os.path.join(work, name), errors="replace") as file:
                    text = file.read()
                lines = [l.strip() for l in text.splitlines() if "ERROR" in l or " in " in l]
                words = " | ".join(lines[:12])
                outcome = ("left" if "LeakSanitizer" in text else "crash"), words
        return outcome

    def met(self, work, fault):
        """Whether the fault has come to pass; not all lives make equally many calls."""
        if "prefix" in fault:
            try:
                with open(os.path.join(work, "trace"), errors="replace") as file:
                    return "(INJECTED)" in file.read()
            except OSError:
                return True
        if "env" in fault:
            return os.path.exists(os.path.join(work, "met"))
        return True
