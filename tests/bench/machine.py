# SPDX-License-Identifier: Apache-2.0
"""The facts of the machine that the figures belong to."""
import os
import platform
import re
import subprocess
import sys
import time

import tools


class Cores:
    """Which core the client has and which the server; None where there is only one."""

    def __init__(self, allowed):
        self.n = len(allowed)
        self.server, self.client = (allowed[0], allowed[1]) if self.n > 1 else (None, None)

    def __str__(self):
        if self.n == 1:
            return "one core for client and server: the figures are of little worth"
        return f"client on CPU {self.client}, server on CPU {self.server}, of {self.n}"


def cores():
    return Cores(sorted(os.sched_getaffinity(0)))


class Ticks:
    """What the CPUs have done until now."""

    def __init__(self):
        with open("/proc/stat", encoding="ascii") as f:
            t = [int(word) for word in f.readline().split()[1:9]]
        self.all = sum(t)
        self.steal = t[7]
        self.busy = t[0] + t[1] + t[2] + t[5] + t[6]
        own = os.times()
        self.own = (own.user + own.system + own.children_user + own.children_system) * os.sysconf(
            "SC_CLK_TCK")
        self.at = time.monotonic()


def _cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
        match = re.search(r"^model name\s*:\s*(.*)", f.read(), re.MULTILINE)
    return match[1] if match else platform.machine()


def _said(argv):
    try:
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _revision():
    return _said(["git", "-C", tools.HERE, "describe", "--always", "--dirty"])


def _virtual():
    kind = _said(["systemd-detect-virt", "--vm"])
    return f", virtual machine ({kind})" if kind and kind != "none" else ""


def _memory():
    with open("/proc/meminfo", encoding="ascii") as f:
        return int(f.readline().split()[1]) / 1024 / 1024


def versions(bench):
    """[(tool, version or None)]"""
    found = []
    for tool in bench.load_tools:
        if tool.name == "floor":
            continue
        found.append((tool.name.split()[0], tool.version()))
    found.append(("aiohttp", bench.aiohttp))
    python = bench.python or sys.executable
    found.append(("Python", _said([python, "-V"]).removeprefix("Python ")))
    strace = _said(["strace", "-V"]).splitlines()
    found.append(("strace", strace[0].rpartition(" ")[2] if strace else None))
    return found


def facts(bench, before):
    """[(name, text)] in the order of the page."""
    after = Ticks()
    total = max(after.all - before.all, 1)
    others = max(0.0, after.busy - before.busy - (after.own - before.own))
    rpsd = _revision()
    return [
        ("machine", f"{_cpu_model()}, {os.cpu_count()} CPUs{_virtual()}, {_memory():.1f} GiB"),
        ("cores", str(bench.cores)),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("steal", f"{100 * (after.steal - before.steal) / total:.2f} % of all CPU time"),
        ("others", f"{100 * others / total:.1f} % of all CPU time went to processes that are no "
                   "part of this"),
        ("versions", ", ".join(f"{name} {version or 'not installed'}"
                               for name, version in versions(bench)) +
         (f"; rpsd at {rpsd}" if rpsd else "")),
        ("date", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())),
        ("length", f"{bench.rounds} rounds, {bench.seconds} s for each tool; "
                   f"{after.at - before.at:.0f} s in all"),
    ]
