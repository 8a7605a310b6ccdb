#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What rpsd and rpsctl do when the system refuses them something, as a table in tests/FAULTS.md.

  alloc   one allocation fails: each of the programs' own, and a sample of the libraries'
  calls   one system call fails, by strace: each call, with each error, once and from then on
  limits  few descriptors, little address space, a full disk

Each case is one life of the programs: a local run; a service that is asked to start, show and stop
a run, and gets the signal to reload; `report`; `merge`. It ends in one of these:

  works   the exit status is 0 and the document is whole
  error   the exit status is another one, and stderr says why
  crash   a program was ended by a signal
  hang    it had to be ended when its time was over
  mute    the exit status is another one, and nothing says why
  torn    the exit status is 0, and the document or the output is not whole
  left    an idle service has more descriptors or threads than one without faults, or a sanitizer
          (a build under build/address...) finds memory that was not freed
"""
import argparse
import collections
import concurrent.futures
import datetime
import itertools
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

OUTCOMES = ["works", "error", "left", "mute", "torn", "hang", "crash"]  # the worst is last
BAD = {"crash", "hang", "mute", "torn", "left"}
HERE = os.path.dirname(os.path.abspath(__file__))


# ---------------------------------------------------------------- programs

# A child has, until it is another program, the descriptors of all threads: a file that one of them
# is writing could not be executed ("text file busy").
STARTING = threading.Lock()


class Program:
    """One program in a session of its own, so that it and its children can be ended."""

    def __init__(self, argv, env, cwd, limits=None):
        def before():
            for which, value in (limits or {}).items():
                resource.setrlimit(which, (value, value))

        self.out = tempfile.TemporaryFile(dir=cwd)
        self.err = tempfile.TemporaryFile(dir=cwd)
        with STARTING:
            self.process = subprocess.Popen(
                argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=self.out,
                stderr=self.err, start_new_session=True, preexec_fn=before if limits else None)

    def wait(self, seconds):
        """The exit status, negative for a signal; None: it hangs, and is ended."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.end()
            return None

    def end(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def text(self, file):
        file.seek(0)
        return file.read().decode(errors="replace")

    def stdout(self):
        return self.text(self.out)

    def stderr(self):
        return self.text(self.err)


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


class Lives:
    """The cases' programs, and what a whole document looks like."""

    def __init__(self, build, folder, seconds):
        self.build = build
        self.folder = folder
        self.seconds = seconds
        self.shape = {}
        self.known = None
        self.idle = None
        self.count = itertools.count()
        self.strays = set()
        self.env = {"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": "C"}
        self.bin = os.path.join(folder, "bin")
        os.mkdir(self.bin)
        shutil.copy2(os.path.join(build, "rpsctl"), self.bin)
        shutil.copy2(os.path.join(build, "rpsd"), self.bin)
        self.rpsctl = os.path.join(self.bin, "rpsctl")
        self.rpsd = os.path.join(self.bin, "rpsd")
        self.origin = Program([os.path.join(build, "rpsctl"), "origin", "--listen", "127.0.0.1:0"],
                              self.env, folder)
        self.url = self.wait_url()

    def wait_url(self):
        for _ in range(500):
            text = self.origin.stdout()
            if text.startswith("http://"):
                return text.split()[0]
            time.sleep(0.02)
        sys.exit("faults: the origin does not start: " + self.origin.stderr())

    def close(self):
        self.origin.process.terminate()
        self.origin.wait(5)

    def work(self):
        path = os.path.join(self.folder, "work%d" % next(self.count))
        os.mkdir(path)
        return path

    def environment(self, work, fault):
        out = fault.get("disk", work)
        env = dict(self.env, XDG_STATE_HOME=out, STATE_DIRECTORY=out, TMPDIR=work,
                   RPSD_FAULTS_WORK=work)
        if "address" in os.path.basename(self.build):
            # fail_alloc.so stands before the runtime.
            env["ASAN_OPTIONS"] = "verify_asan_link_order=0:log_path=%s/sanitizer" % work
        env.update(fault.get("env", {}))
        return env

    def command(self, fault, name, work):
        """The program as a command, under what the fault wants for it."""
        prefix = fault.get("prefix", []) if fault.get("of") == name else []
        if "disk" in fault and fault["of"] == name:
            prefix = ["unshare", "-m", "sh", "-c", DISK_SCRIPT, "sh", fault["disk"],
                      str(fault["pages"] * 4096), work]
        return prefix + [fault.get(name, getattr(self, name))]

    # ------------------------------------------------------------ judging

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

    def holds(self, work):
        """How many descriptors and threads the service has."""
        for pid in self.marked(work):
            try:
                if os.path.basename(os.readlink("/proc/%d/exe" % pid)) == "rpsd":
                    return tuple(len(os.listdir("/proc/%d/%s" % (pid, what)))
                                 for what in ("fd", "task"))
            except OSError:
                pass
        return None

    def left(self, work):
        """What an idle service has too many of; None: nothing. It closes a connection when it has
        read its end, and a thread that was joined is seen for a moment."""
        for _ in range(int(self.seconds * 20)):
            now = self.holds(work)
            if not now:
                return None
            if self.idle is None:
                time.sleep(1)
                self.idle = self.holds(work)
                return None
            if now[0] <= self.idle[0] and now[1] <= self.idle[1]:
                return None
            time.sleep(0.05)
        return "descriptors and threads are %s instead of %s" % (now, self.idle)

    # ------------------------------------------------------------ the lives

    def local(self, fault):
        work = self.work()
        program = Program(
            self.command(fault, "rpsctl", work) + [
                self.url, "--closed", "-c", "2", "-n", "20",
                "-o", os.path.join(fault.get("disk", work), "a.json")],
            self.environment(work, fault), work, fault.get("limits"))
        status = program.wait(self.seconds)
        outcome = self.judge(status, program, os.path.join(work, "a.json"))
        # The daemon's own end: rpsctl tells of a signal, and is itself well.
        # SIGKILL is rpsctl's, for one that does not end.
        if any("(signal %d," % n in outcome[1] for n in (4, 6, 7, 8, 11)):
            outcome = "crash", outcome[1]
        return self.end_work(work, outcome)

    def marked(self, work):
        """rpsd runs in a session of its own, or under strace; its environment tells."""
        mark = ("RPSD_FAULTS_WORK=%s" % work).encode()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % pid, "rb") as file:
                    if mark in file.read().split(b"\0"):
                        yield int(pid)
            except OSError:
                pass

    def end_work(self, work, outcome):
        for pid in self.marked(work):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        outcome = self.judge_work(work, outcome)
        shutil.rmtree(work, ignore_errors=True)
        return outcome

    def ask(self, work, env, limits, *words):
        program = Program([self.rpsctl, *words,
                           "--socket", os.path.join(work, "s")], env, work)
        return program, program.wait(self.seconds)

    def service(self, fault):
        work = self.work()
        env = self.environment(work, fault)
        config = os.path.join(work, "rpsd.conf")
        with open(config, "w") as file:
            file.write("[policy]\nallow = 127.0.0.0/8\n")
        daemon = Program(self.command(fault, "rpsd", work) + [
            "--config", config, "--socket", os.path.join(work, "s")], env, work,
            fault.get("limits"))
        outcome = self.service_calls(work, self.environment(work, {}), daemon)
        return self.end_work(work, outcome)

    def service_calls(self, work, env, daemon):
        for _ in range(int(self.seconds * 50)):
            if os.path.exists(os.path.join(work, "s")) or daemon.process.poll() is not None:
                break
            time.sleep(0.02)
        worst = ("works", "")
        run = [self.url, "--closed", "-c", "2", "-n", "20"]
        report = os.path.join(work, "a.json")
        for words in (["status"], ["run", *run, "--service", "-o", report], ["start", *run],
                      ["stop"], ["reload"], ["status"], ["list"]):
            if daemon.process.poll() is not None:
                break
            if words == ["reload"]:
                # Before it has begun, the signal would end it. strace itself ignores it.
                if os.path.exists(os.path.join(work, "s")):
                    os.killpg(daemon.process.pid, signal.SIGHUP)
                continue
            program, status = self.ask(work, env, None, *words)
            if words == ["stop"] and status == 0:
                outcome = ("works", "")
            else:
                outcome = self.judge(status, program, report if words[0] == "run" else None,
                                     words != ["list"])
            if OUTCOMES.index(outcome[0]) > OUTCOMES.index(worst[0]):
                worst = outcome[0], "%s: %s" % (words[0], outcome[1])
        if daemon.process.poll() is None and worst[0] != "hang":
            left = self.left(work)
            if left:
                worst = "left", left
        if daemon.process.poll() is None:
            os.killpg(daemon.process.pid, signal.SIGTERM)
        status = daemon.wait(self.seconds)
        if status == -signal.SIGTERM:
            status = None  # it hung before it began, where signals still have their default
        end = self.judge(status, daemon, None, False)
        if OUTCOMES.index(end[0]) > OUTCOMES.index(worst[0]) or end[0] == "crash":
            worst = end[0], "rpsd: " + end[1]
        return worst

    def read(self, fault, *words):
        work = self.work()
        program = Program(self.command(fault, "rpsctl", work) + [
            *words, *itertools.chain(*(("-o", os.path.join(fault.get("disk", work), name))
                                       for name in ("o.json", "o.csv", "o.md", "o.txt")))],
            self.environment(work, fault), work, fault.get("limits"))
        outcome = self.judge(program.wait(self.seconds), program, os.path.join(work, "o.json"))
        if outcome[0] == "works" and self.known is not None:
            for name in ("o.csv", "o.md", "o.txt"):
                try:
                    size = os.path.getsize(os.path.join(work, name))
                except OSError:
                    size = -1
                if size != self.known.setdefault((words[0], name), size):
                    outcome = "torn", "%s has %d bytes" % (name, size)
        return self.end_work(work, outcome)

    def report(self, fault):
        return self.read(fault, "report", os.path.join(self.folder, "a.json"))

    def merge(self, fault):
        return self.read(fault, "merge", "--repeats", os.path.join(self.folder, "a.json"),
                         os.path.join(self.folder, "b.json"))


LIVES = [("local", "rpsd"), ("local", "rpsctl"), ("service", "rpsd"), ("report", "rpsctl"),
         ("merge", "rpsctl")]


# ---------------------------------------------------------------- cases

def prepare(lives):
    """Documents to read, and the shapes that whole ones have."""
    for name in ("a.json", "b.json", "c.json"):
        path = os.path.join(lives.folder, name)
        program = Program([lives.rpsctl, lives.url, "--closed", "-c", "2", "-n", "20", "-o", path],
                          lives.env, lives.folder)
        if program.wait(30) != 0:
            sys.exit("faults: a run without faults fails: " + program.stderr())
        with open(path) as file:
            lives.learn(json.load(file))
    merged = os.path.join(lives.folder, "m.json")
    program = Program([lives.rpsctl, "merge", "--repeats", os.path.join(lives.folder, "a.json"),
                       os.path.join(lives.folder, "b.json"), "-o", merged],
                      lives.env, lives.folder)
    program.wait(30)
    with open(merged) as file:
        lives.learn(json.load(file))
    lives.known = {}
    for life in ("report", "merge"):
        outcome = getattr(lives, life)({})
        if outcome[0] != "works":
            sys.exit("faults: %s without faults: %s" % (life, outcome))
    outcome = lives.service({})
    if outcome[0] not in ("works", "error"):
        sys.exit("faults: service without faults: %s: %s" % outcome)


def alloc_env(lives, program, of, at, count=None):
    env = {"LD_PRELOAD": os.path.join(lives.build, "tests/support/fail_alloc.so"),
           "FAIL_ALLOC_IN": program, "FAIL_ALLOC_OF": of, "FAIL_ALLOC_AT": str(at)}
    if count:
        env["FAIL_ALLOC_COUNT"] = count
    return env


def alloc_cases(lives, args, chance):
    for life, program in LIVES:
        count = os.path.join(lives.folder, "count-%s-%s" % (life, program))
        outcome = getattr(lives, life)({"env": alloc_env(lives, program, "own", 0, count)})
        try:
            with open(count) as file:
                totals = [max(column) for column in zip(*[map(int, l.split()) for l in file])]
        except OSError:
            sys.exit("faults: %s counts no allocations: %s" % (life, outcome))
        for of, total in zip(("own", "libs"), totals):
            every = range(1, total + 1)
            most = args.own if of == "own" else args.libs
            chosen = sorted(chance.sample(every, most)) if total > most else every
            row = "%s, %s: %s of %d allocations of %s" % (
                life, program, "all" if len(chosen) == total else len(chosen), total,
                "its own code" if of == "own" else "libraries")
            for at in chosen:
                yield row, "%d" % at, life, {"env": alloc_env(lives, program, of, at)}


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


def calls_of_loader(lives, program, strace):
    """How often each call is made before main, or nearly."""
    log = os.path.join(lives.folder, "loader-" + program)
    Program([strace, "-qq", "-c", "-o", log, getattr(lives, program), "--version"],
            lives.env, lives.folder).wait(30)
    return read_calls(log)


def calls_made(lives, life, program, strace):
    """How often each call is made in a life without faults, all its threads together."""
    log = os.path.join(lives.folder, "calls-%s-%s" % (life, program))
    fault = {"of": program, "prefix": [strace, "-f", "-qq", "-c", "-o", log]}
    getattr(lives, life)(traced(lives, fault))
    return read_calls(log)


def read_calls(log):
    made = {}
    with open(log) as file:
        for line in file:
            words = line.split()
            if len(words) >= 5 and words[3].isdigit() and words[-1] != "total":
                made[words[-1]] = int(words[3])
    return made


def traced(lives, fault):
    """rpsctl starts rpsd from its own folder: a script in its place starts it under strace."""
    if fault["of"] != "rpsd":
        return fault
    folder = tempfile.mkdtemp(dir=lives.folder)
    script = os.path.join(folder, "rpsd")
    os.link(lives.rpsctl, os.path.join(folder, "rpsctl"))
    with STARTING, open(script, "w") as file:
        file.write("#!/bin/sh\nexec %s %s \"$@\"\n" % (" ".join(fault["prefix"]), lives.rpsd))
    os.chmod(script, 0o755)
    return dict(fault, rpsctl=os.path.join(folder, "rpsctl"))


def call_cases(lives, args, chance):
    strace = shutil.which("strace")
    if not strace:
        args.skipped.append("calls: strace is missing (make deps-faults)")
        return
    for life, program in LIVES:
        made = calls_made(lives, life, program, strace)
        loader = calls_of_loader(lives, program, strace)
        for call in sorted(set(made) & set(CALLS)):
            row = "%s, %s: %s" % (life, program, call)
            for error in CALLS[call]:
                for when in WHEN:
                    at = int(when.rstrip("+")) + loader.get(call, 0)
                    if at > made[call]:
                        continue
                    # The kernel's brk gives the break back when it fails, never an error.
                    how = "retval=0" if call == "brk" else "error=" + error
                    follow = ["-f"] if program == "rpsd" else []
                    yield row, "%s %s" % (error, when), life, {
                        "of": program, "prefix": [
                            strace, *follow, "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e",
                            "inject=%s:%s:when=%d%s" % (call, how, at, when.lstrip("0123456789"))]}


def limit_cases(lives, args, chance):
    for life, program in LIVES:
        for n in range(3, 65):
            yield ("%s: descriptors, 3 to 64" % life, "%d" % n, life,
                   {"limits": {resource.RLIMIT_NOFILE: n}})
        for mib in [*range(4, 64, 4), *range(64, 400, 16)]:
            yield ("%s: address space, 4 to 384 MiB" % life, "%d" % mib, life,
                   {"limits": {resource.RLIMIT_AS: mib << 20}})


# In a mount namespace of its own: so much room, the program, and what it wrote brought out.
DISK_SCRIPT = """
mount --make-rprivate / && mount -t tmpfs -o size=64k none "$1" || exit 125
head -c $((65536 - $2)) /dev/zero >"$1/fill"
out=$3; disk=$1
trap : TERM HUP
shift 3
"$@"
status=$?
rm -f "$disk/fill"
cp "$disk"/* "$out/" 2>/dev/null
exit $status
"""


def has_disk(folder):
    path = os.path.join(folder, "disk")
    os.mkdir(path)
    return os.geteuid() == 0 and subprocess.run(
        ["unshare", "-m", "sh", "-c", DISK_SCRIPT, "sh", path, "4096", folder, "true"],
        stderr=subprocess.DEVNULL, check=False).returncode == 0


def disk_cases(lives, args, chance):
    if not has_disk(lives.folder):
        args.skipped.append("a full disk: needs root, unshare and mount")
        return
    disk = os.path.join(lives.folder, "disk")
    for life, program in LIVES:
        if (life, program) == ("local", "rpsd"):
            continue
        for pages in (0, 1, 2, 3, 4, 6, 8, 12, 16):
            yield ("%s: a disk of 64 KiB" % life, "%d pages free" % pages, life,
                   {"of": program, "disk": disk, "pages": pages})


PARTS = {"calls": call_cases, "limits": limit_cases, "disk": disk_cases, "alloc": alloc_cases}


# ---------------------------------------------------------------- exceptions

# What a case may do although it is none of the good outcomes: the row has the first word, the fault
# has the second and ends with the third.
EXCEPTIONS = [
    ("", "EINTR", "+", ["hang"], "a call that is interrupted for ever is made for ever"),
    ("", "EAGAIN", "", ["hang"],
     "EAGAIN where there is room or input: the kernel sends no edge for it"),
    (": write", "", "+", ["mute"], "stderr cannot be written either"),
    (": close", "", "", ["left"],
     "strace makes no call that it lets fail, and the kernel's close closes whatever it says"),
    (": accept4", "", "+", ["hang"],
     "no connection is ever accepted: rpsctl waits for the service, which tries each second"),
]


def excuse(row, fault, outcome):
    for row_has, fault_has, fault_ends, outcome_is, why in EXCEPTIONS:
        if (row_has in row and fault_has in fault and fault.endswith(fault_ends)
                and outcome in outcome_is):
            return why
    return None


# ---------------------------------------------------------------- the table

def run_all(lives, args):
    chance = random.Random(args.seed)
    table = collections.OrderedDict()
    bad, excused, untried = [], collections.Counter(), []
    lock = threading.Lock()

    def one(case):
        row, at, life, fault = case
        if args.told_to_stop:
            with lock:
                untried.append(case)
            return
        if "prefix" in fault:
            fault = traced(lives, fault)
        outcome, words = getattr(lives, life)(fault)
        if "rpsctl" in fault:
            shutil.rmtree(os.path.dirname(fault["rpsctl"]), ignore_errors=True)
        with lock:
            why = excuse(row, at, outcome) if outcome in BAD else None
            if why:
                excused[why] += 1
                outcome = "excused"
            table[row][outcome] += 1
            if outcome in BAD:
                bad.append((row, at, outcome, words))
                print("%s [%s]: %s: %s" % (row, at, outcome, words.strip()[:300]), flush=True)

    cases = []
    for part in args.parts:
        more = [c for c in PARTS[part](lives, args, chance) if args.only in c[0]]
        if args.take and len(more) > args.take:
            args.skipped.append("%s: %d of %d cases" % (part, len(more) - args.take, len(more)))
            more = [more[i] for i in sorted(chance.sample(range(len(more)), args.take))]
        cases += more
    for row, *_ in cases:
        table.setdefault(row, collections.Counter())
    # What has been tried when it is told to stop is then a fair sample.
    chance.shuffle(cases)
    began = time.time()
    print("%d cases" % len(cases), flush=True)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(one, cases))
    print("%d cases in %d s" % (len(cases) - len(untried), time.time() - began), flush=True)
    if untried:
        args.skipped.append("%d of %d cases: the check was told to stop" %
                            (len(untried), len(cases)))
    return table, bad, excused


def render(args, table, excused):
    """The table, in Markdown."""
    sums = collections.Counter()
    lines = ["# Faults", "",
             "Written by `make check-faults` (tests/faults/faults.py) on %s: what rpsd and rpsctl do "
             "when" % datetime.date.today(),
             "an allocation, a system call, descriptors, address space or disk are refused to them.",
             "A case is one life of the programs. *works*: exit status 0 and a whole document;",
             "*error*: another exit status, and a message; *excused*: an exception below. There must",
             "be no *crash* (a signal), *hang* (more than %d s), *mute* (failed without a message),"
             % args.seconds,
             "*torn* (exit status 0 without a whole document) and *left* (an idle service that holds more",
             "descriptors or threads than it should).", "",
             "| case | " + " | ".join([*OUTCOMES, "excused"]) + " |",
             "|---|" + "--:|" * (len(OUTCOMES) + 1)]
    for row, counts in table.items():
        sums.update(counts)
        lines.append("| %s | %s |" % (row, " | ".join(
            str(counts[o] or "") for o in [*OUTCOMES, "excused"])))
    lines.append("| all | %s |" % " | ".join(str(sums[o]) for o in [*OUTCOMES, "excused"]))
    if excused:
        lines += ["", "Exceptions:", ""]
        lines += ["- %s (%d cases)" % item for item in sorted(excused.items())]
    if args.skipped:
        lines += ["", "Not tried here:", ""]
        lines += ["- " + text for text in args.skipped]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--own", type=int, default=1000000, help="allocations of our own code")
    parser.add_argument("--libs", type=int, default=500, help="allocations of libraries")
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("--seconds", type=float, default=20, help="for each program")
    parser.add_argument("--only", default="", help="rows that contain this")
    parser.add_argument("--take", type=int, default=0, help="so many cases of each part")
    parser.add_argument("--write", action="store_true", help="write tests/FAULTS.md")
    parser.add_argument("parts", nargs="*", default=[])
    args = parser.parse_args()
    args.parts = args.parts or list(PARTS)
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
        prepare(lives)
        table, bad, excused = run_all(lives, args)
    finally:
        lives.close()
        shutil.rmtree(folder, ignore_errors=True)
    text = render(args, table, excused)
    print(text)
    if args.write:
        with open(os.path.join(HERE, "..", "FAULTS.md"), "w") as file:
            file.write(text)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
