# SPDX-License-Identifier: Apache-2.0
"""The cases: each is a row of the table, what is refused, a life and the fault (lives.py).

What is measured before (facts) are calls and allocations of lives without faults; a check that goes
on later takes the same ones, for its cases must be the same."""
import os
import re
import resource
import shutil
import subprocess

from lives import CLIENTS, DISK_SCRIPT
from programs import Program

LIVES = [("local", "rpsd"), ("local", "rpsctl"), ("service", "rpsd"), ("report", "rpsctl"),
         ("merge", "rpsctl"), ("check", "rpsctl"), ("settings", "rpsctl"), ("serve", "rpsd"),
         ("serve", "rpsctl"), *(("client " + command, "rpsctl") for command in CLIENTS)]


# ---------------------------------------------------------------- allocations

def alloc_env(lives, program, of, at, **more):
    return {"LD_PRELOAD": lives.fail_alloc,
            "FAIL_ALLOC_IN": program, "FAIL_ALLOC_OF": of, "FAIL_ALLOC_AT": str(at), **more}


def alloc_facts(lives, life, program):
    """How many allocations the program's own code makes, and how many the libraries'."""
    count = os.path.join(lives.folder, "count")
    outcome = lives.live(life, {"env": alloc_env(lives, program, "own", 0, FAIL_ALLOC_COUNT=count)})
    try:
        with open(count) as file:
            totals = [max(column) for column in zip(*[map(int, l.split()) for l in file])]
        os.unlink(count)
    except OSError:
        raise SystemExit("faults: %s counts no allocations: %s" % (life, outcome))
    return totals


def alloc_cases(lives, args, facts, chance):
    for life, program in LIVES:
        for of, total in zip(("own", "libs"), facts["alloc %s %s" % (life, program)]):
            every = range(1, total + 1)
            most = args.own if of == "own" else args.libs
            chosen = sorted(chance.sample(every, most)) if total > most else every
            row = "%s, %s: %s of %d allocations of %s" % (
                life, program, "all" if len(chosen) == total else len(chosen), total,
                "its own code" if of == "own" else "libraries")
            for at in chosen:
                yield row, "%d" % at, life, {"env": alloc_env(lives, program, of, at)}


# ---------------------------------------------------------------- system calls

# By what they are for: where each can fail in ways of its own.
CALLS = {
    "timerfd_create": ["EMFILE", "ENOMEM"], "timerfd_settime": ["EINVAL", "ENOMEM"],
    "eventfd2": ["EMFILE", "ENOMEM"], "epoll_create1": ["EMFILE", "ENOMEM"],
    "epoll_ctl": ["ENOMEM", "ENOSPC"], "epoll_wait": ["EINTR", "EINVAL"],
    "signalfd4": ["EMFILE", "ENOMEM"], "memfd_create": ["EMFILE", "ENOMEM"],
    "socketpair": ["EMFILE", "ENOMEM"], "socket": ["EMFILE", "ENOMEM", "EPERM"],
    "connect": ["EINTR", "ENETUNREACH", "EADDRNOTAVAIL"], "bind": ["EADDRINUSE", "EACCES"],
    "listen": ["EADDRINUSE"], "accept4": ["EMFILE", "ENOMEM", "EINTR", "ECONNABORTED"],
    "getsockopt": ["ENOBUFS"], "setsockopt": ["ENOBUFS", "EINVAL"], "getsockname": ["ENOBUFS"],
    "sendto": ["EIO", "ENOMEM", "EPIPE", "ENOBUFS", "EINTR", "EAGAIN"],
    "recvfrom": ["EIO", "ENOMEM", "ECONNRESET", "EINTR", "EAGAIN"],
    "recvmsg": ["EIO", "ENOMEM", "ECONNRESET", "EINTR", "EAGAIN"],
    "sendmsg": ["EIO", "ENOBUFS"], "write": ["EIO", "ENOSPC", "EINTR"],
    "read": ["EIO", "EINTR"], "openat": ["EMFILE", "ENOMEM", "EACCES"],
    "fcntl": ["EMFILE", "EINVAL"], "poll": ["EINTR", "ENOMEM"], "ppoll": ["EINTR", "ENOMEM"],
    "rename": ["EIO", "EACCES"], "close": ["EIO", "EINTR"], "fsync": ["EIO"],
    "clone3": ["EAGAIN", "ENOMEM"], "mmap": ["ENOMEM"], "brk": ["ENOMEM"],
    "mprotect": ["ENOMEM"], "madvise": ["ENOMEM"], "prctl": ["EINVAL"],
    "getrandom": ["ENOSYS"], "prlimit64": ["EPERM"],
    "mkdir": ["ENOSPC"], "chmod": ["EPERM"], "wait4": ["EINTR"], "flock": ["ENOLCK"],
}
WHEN = ["1", "2", "3", "5", "1+", "3+"]
CALL_LINE = re.compile(r"^(?:(\d+)\s+)?(\w+)\(")


def strace(program, *words, log="{work}/trace"):
    """Only rpsd has threads, and rpsctl's child is another program. Calls that are not meant do not
    stop it."""
    follow = ["-f", "--seccomp-bpf"] if program == "rpsd" else []
    return [shutil.which("strace"), *follow, "-qq", "-o", log, *words]


def inject(program, call, error, when):
    # The kernel's brk gives the break back when it fails, never an error.
    how = "retval=0" if call == "brk" else "error=" + error
    return {"of": program, "prefix": strace(
        program, "-e", "trace=" + call, "-e", "inject=%s:%s:when=%s" % (call, how, when))}


def call_facts(lives, life, program):
    """How often each call is made in a life without faults, by the thread that makes it most: strace
    counts for each thread."""
    log = os.path.join(lives.folder, "trace")
    lives.live(life, {"of": program, "prefix": strace(
        program, "-e", "trace=" + ",".join(CALLS), log=log)})
    return read_calls(log)


def loader_facts(lives, program):
    """How often each call is made before main, or nearly."""
    log = os.path.join(lives.folder, "trace")
    Program([*strace(program, log=log), getattr(lives, program), "--version"],
            lives.env, lives.folder).wait(lives.seconds)
    return read_calls(log)


def read_calls(log):
    made = {}
    with open(log, errors="replace") as file:
        for line in file:
            match = CALL_LINE.match(line)
            if match:
                thread = made.setdefault(match.group(2), {})
                thread[match.group(1)] = thread.get(match.group(1), 0) + 1
    return {call: max(threads.values()) for call, threads in made.items()}


def call_cases(lives, args, facts, chance):
    if not shutil.which("strace"):
        args.skipped.append("calls: strace is missing (make deps-faults)")
        return
    for life, program in LIVES:
        made, loader = facts["calls %s %s" % (life, program)], facts["loader " + program]
        for call in sorted(set(made) & set(CALLS)):
            row = "%s, %s: %s" % (life, program, call)
            for error in CALLS[call]:
                for when in WHEN:
                    at = int(when.rstrip("+")) + loader.get(call, 0)
                    if at <= made[call]:
                        yield row, "%s %s" % (error, when), life, inject(
                            program, call, error, "%d%s" % (at, when.lstrip("0123456789")))


# ---------------------------------------------------------------- limits, disk

def limit_cases(lives, args, facts, chance):
    for life in dict.fromkeys(life for life, _ in LIVES):
        for n in range(3, 65):
            yield ("%s: descriptors, 3 to 64" % life, "%d" % n, life,
                   {"limits": {resource.RLIMIT_NOFILE: n}})
        for mib in [*range(4, 64, 4), *range(64, 400, 16)]:
            yield ("%s: address space, 4 to 384 MiB" % life, "%d" % mib, life,
                   {"limits": {resource.RLIMIT_AS: mib << 20}})


def has_disk(folder):
    path = os.path.join(folder, "disk")
    os.makedirs(path, exist_ok=True)
    return os.geteuid() == 0 and subprocess.run(
        ["unshare", "-m", "sh", "-c", DISK_SCRIPT, "sh", path, "4096", folder, "true"],
        stderr=subprocess.DEVNULL, check=False).returncode == 0


# What has files to write.
WRITING = {("local", "rpsctl"), ("service", "rpsd"), ("report", "rpsctl"), ("merge", "rpsctl"),
           ("client report", "rpsctl")}


def disk_cases(lives, args, facts, chance):
    if not has_disk(lives.folder):
        args.skipped.append("a full disk: needs root, unshare and mount")
        return
    disk = os.path.join(lives.folder, "disk")
    for life, program in LIVES:
        if (life, program) not in WRITING:
            continue
        for pages in (0, 1, 2, 3, 4, 6, 8, 12, 16):
            yield ("%s: a disk of 64 KiB" % life, "%d pages free" % pages, life,
                   {"of": program, "disk": disk, "pages": pages})


# ---------------------------------------------------------------- memory left

# What fails again and again in one service, when it has begun. Not among them are calls without which
# it ends.
CYCLED_CALLS = [
    ("socket", "EMFILE"), ("connect", "ENETUNREACH"), ("sendto", "ENOBUFS"),
    ("recvfrom", "ECONNRESET"), ("epoll_ctl", "ENOMEM"), ("eventfd2", "EMFILE"),
    ("timerfd_create", "EMFILE"), ("clone3", "EAGAIN"),
    ("mmap", "ENOMEM"), ("accept4", "ECONNABORTED"), ("openat", "EMFILE"), ("setsockopt", "ENOBUFS"),
]
CYCLED_STEPS = [1, 2, 3, 7]
# strace counts for each thread, and those that make these calls live for one run.
CYCLED_FROM = {"socket": 6, "connect": 6, "setsockopt": 6}
CYCLED_FROM_ELSE = 40


def memory_cases(lives, args, facts, chance):
    row = "one service, %d runs: each Nth %%s fails" % args.cycles
    for of, steps in (("own", (97, 499, 997)), ("libs", (31, 97, 499))):
        for step in steps:
            yield (row % ("allocation of " + ("its own" if of == "own" else "libraries")),
                   "N = %d" % step, "cycles",
                   {"cycles": args.cycles, "env": alloc_env(lives, "rpsd", of, 4000,
                                                            FAIL_ALLOC_STEP=str(step))})
    for call, error in CYCLED_CALLS if shutil.which("strace") else []:
        for step in CYCLED_STEPS:
            if (call, step) == ("accept4", 1):
                continue  # no client would ever be heard
            yield (row % call, "%s, N = %d" % (error, step), "cycles",
                   {"cycles": args.cycles,
                    **inject("rpsd", call, error, "%d+%d" % (
                        CYCLED_FROM.get(call, CYCLED_FROM_ELSE) + facts["loader rpsd"].get(call, 0),
                        step))})


PARTS = {"calls": call_cases, "limits": limit_cases, "disk": disk_cases, "memory": memory_cases,
         "alloc": alloc_cases}


def measure(lives):
    """The facts."""
    facts = {}
    for life, program in LIVES:
        facts["alloc %s %s" % (life, program)] = alloc_facts(lives, life, program)
        if shutil.which("strace"):
            facts["calls %s %s" % (life, program)] = call_facts(lives, life, program)
    if shutil.which("strace"):
        for program in ("rpsd", "rpsctl"):
            facts["loader " + program] = loader_facts(lives, program)
    return facts


# ---------------------------------------------------------------- exceptions

# What a case may do although it is none of the good outcomes: the row has the first word, the fault
# has the second and ends with the third, and what is said has the fifth.
EXCEPTIONS = [
    ("", "EINTR", "+", ["hang"], "", "a call that is interrupted for ever is made for ever"),
    ("", "EAGAIN", "", ["hang"], "",
     "EAGAIN where there is room or input: the kernel sends no edge for it"),
    (": write", "", "+", ["mute"], "", "stderr cannot be written either"),
    (": close", "", "", ["left"], "",
     "strace makes no call that it lets fail, and the kernel's close closes whatever it says"),
    (": accept4", "", "+", ["hang"], "",
     "no connection is ever accepted: rpsctl waits for the service, which tries each second"),
    ("allocations of libraries", "", "", ["left"], "libcrypto",
     "a sanitizer's finding: libcrypto's first use does not free what it had when it lacks memory"),
]


def excuse(row, fault, outcome, words):
    for row_has, fault_has, fault_ends, outcome_is, words_have, why in EXCEPTIONS:
        if (row_has in row and fault_has in fault and fault.endswith(fault_ends)
                and outcome in outcome_is and words_have in words):
            return why
    return None
