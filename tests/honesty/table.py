# SPDX-License-Identifier: Apache-2.0
"""Rows of the table: what is expected beside what was measured, and the verdict."""
import math
import re

WIDTHS = (8, 29, 13, 12, 7, 10)
WIDTH = sum(WIDTHS) + len(WIDTHS) - 1
HEAD = ("test", "what", "expected", "measured", "bound", "verdict")
# A row as it is printed: columns are apart, which the words of a note are not.
ROW = re.compile(r"(.{%d}) \S.*?  .* (pass|off|silent|broken|skipped)(?: by \S+)?$" % WIDTHS[0])


def figure(value):
    """Three digits of a time or share; counts in full."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if value == math.inf:
        return "unserved"
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    if value == 0 or abs(value) < 0.0005:
        return "0"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def span(low, high):
    if low == high:
        return figure(low)
    if high == math.inf:
        return f">= {figure(low)}"
    if low == -math.inf:
        return f"<= {figure(high)}"
    return f"{figure(low)} to {figure(high)}"


class Row:
    def __init__(self, test, what, expected, measured, bound, verdict):
        self.test, self.what, self.expected, self.measured = test, what, expected, measured
        self.bound, self.verdict = bound, verdict

    def is_pass(self):
        return self.verdict == "pass"

    def text(self, test):
        cells = (test, self.what, self.expected, self.measured, self.bound, self.verdict)
        padded = (f"{cell:>{width}}" if n in (2, 3, 4) else f"{cell:<{width}}"
                  for n, (cell, width) in enumerate(zip(cells, WIDTHS)))
        return " ".join(padded).rstrip()


class Rows:
    """The rows of one test, in their order."""

    def __init__(self, test):
        self.test, self.rows, self.notes = test, [], []
        self.resolution_ms = 0.0  # of what the tool prints

    def _add(self, what, expected, measured, bound, off, is_silent=False):
        verdict = "silent" if is_silent else "pass" if off is None else f"off by {off}" \
            if off else "off"
        self.rows.append(Row(self.test, what, expected, measured, bound, verdict))

    def within(self, what, low, high, value, more=0.0, less=None):
        """A figure from low to high, and so much below (as much as above where not said) and
        above. None is what the tool does not say."""
        less = more if less is None else less
        if what.endswith(", ms"):
            more, less = more + self.resolution_ms, less + self.resolution_ms
        bound = ("+-" if more == less else "+") + f"{more:.3g}" if more or less else ""
        off = None
        if value is None:
            pass
        elif value == math.inf:
            off = None if high == math.inf else "all"
        elif value > high + more:
            off = figure(value - high)
        elif value < low - less:
            off = figure(low - value)
        self._add(what, span(low, high), figure(value), bound, off, value is None)

    def equal(self, what, expected, value):
        """A count that has to be met, or a word."""
        off = None
        if value is not None and value != expected:
            off = figure(abs(value - expected)) if isinstance(value, int) else ""
        self._add(what, figure(expected), figure(value), "", off, value is None)

    def word(self, what, expected, value):
        """One of several words. "" is a tool that says nothing."""
        off = None if value in expected else ""
        both = " or ".join(expected)
        self._add(what, both if len(both) <= WIDTHS[2] else expected[0], value or "-", "", off,
                  not value)

    def cannot(self, what, expected, measured):
        """What the tool has no means for."""
        self._add(what, figure(expected), measured, "", None, True)

    def note(self, text):
        self.notes.append(text)


def wrap(text):
    indent = " " * (WIDTHS[0] + 1)
    lines, line = [], indent
    for word in text.split():
        if len(line) + len(word) + 1 > WIDTH and line.strip():
            lines.append(line.rstrip())
            line = indent
        line += word + " "
    return lines + [line.rstrip()]


def render(groups):
    """groups: Rows of each test."""
    lines = [Row("", *HEAD[1:]).text(HEAD[0]), "-" * WIDTH]
    for group in groups:
        for n, row in enumerate(group.rows):
            lines.append(row.text(row.test if n == 0 else ""))
        for note in group.notes:
            lines.extend(wrap(note))
    return lines


def tally(lines):
    """{test: {verdict: number of rows}} of what render() has made."""
    counts, test = {}, ""
    for match in filter(None, map(ROW.match, lines)):
        test = match[1].strip() or test
        rows = counts.setdefault(test, {})
        rows[match[2]] = rows.get(match[2], 0) + 1
    return counts


def cell(rows):
    """The verdicts of a test's rows in few words."""
    total = sum(rows.values())
    if not rows:
        return "not measured"
    if len(rows) == 1:
        return next(iter(rows))
    return ", ".join(f"{rows[word]} {word}" for word in ("off", "silent", "broken", "skipped")
                     if word in rows) + f" of {total}"


def overview(tests, parts):
    """A table of Markdown, tests by tools. parts: {tool: lines of its table}."""
    counts = {tool: tally(lines) for tool, lines in parts.items()}
    rows = [["test", *parts], ["----"] * (len(parts) + 1)]
    rows += [[test] + [cell(counts[tool].get(test, {})) for tool in parts] for test in tests]
    return ["| " + " | ".join(row) + " |" for row in rows]
