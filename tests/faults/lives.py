# SPDX-License-Identifier: Apache-2.0
"""The lives of the programs that a fault can meet, and how each is judged (faults.py says as what).

A fault is a dictionary: env (variables), prefix (a command before the program), limits, disk and
pages (a tmpfs that is nearly full), cycles; "of" is the program that the prefix or the disk is for.
"{work}" in a prefix is the folder of the case."""
import itertools
import json
import os
import shutil
import signal
import subprocess
import time

from judging import FORMATS, OUTCOMES, Judge
from programs import Client, Origin, Program

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

# In a mount namespace of its own, in which /etc is another folder.
ETC_SCRIPT = """
mount --make-rprivate / && mount --bind "$1" /etc || exit 125
shift
exec "$@"
"""

# rpsctl starts rpsd from its own folder; this stands there in rpsd's place. The case's prefix is in
# its environment.
TRACE_SCRIPT = """#!/bin/sh
exec $RPSD_FAULTS_TRACE %s "$@"
"""

# Commands of rpsctl to a service; in the place of RUN stands a run: of the case, and for those that
# look at it the only one of another service, so that all of them see the same.
CLIENTS = {
    "start": ["URL", "--closed", "-c", "2", "-n", "20"],
    "status": ["RUN"],
    "list": [],
    "watch": ["RUN"],
    "report": ["RUN", *itertools.chain(*(("-o", name) for name in FORMATS))],
    "stop": ["RUN"],
}
LOOKING = {"status", "list", "report"}
RUN_FILE = """[target]
url = %s
[load]
warmup = 1s
stage = ramp from 10 to 100 over 5s
stage = hold 100 for 1m
arrivals = poisson
[defaults]
header = X-Token: ${TOKEN:-none}
[request one]
weight = 2
path = one
expect-body = "yes"
[request two]
method = POST
body = two
expect-status = 200,201
"""
SETTINGS_FILE = """[daemon]
keep-runs = 3
[policy]
allow = 127.0.0.0/8
max-runs = 3
[origin one]
listen = 127.0.0.1:0
delay = 1ms
"""
HOST_SETTLED = 200  # clients after which the service that they ask needs no more memory


def status_of(pid, field):
    """A field of a process; OSError: it has ended."""
    with open("/proc/%d/status" % pid) as file:
        for line in file:
            if line.startswith(field + ":"):
                return line.split()[1]
    raise ProcessLookupError  # it waits for its parent to ask for its exit status


class Host:
    """A service that clients ask, and meets no fault itself."""

    def __init__(self, lives, *more):
        self.work = lives.work()
        self.socket = os.path.join(self.work, "s")
        self.daemon = lives.open_service(self.work, {}, *more)
        if self.daemon.has_ended():
            raise SystemExit("faults: a service does not start: " + self.daemon.stderr())
        self.pid = lives.pid_of_rpsd(self.work)
        self.asked = itertools.count(1)
        self.memory = None

    def resident(self):
        return int(status_of(self.pid, "VmRSS"))

    def grown(self):
        """How its memory has grown since it had settled; None: it has not."""
        now = self.resident()
        if self.memory and now > 1.1 * self.memory + 1024:
            return "resident memory has grown from %d to %d KiB" % (self.memory, now)
        return None


class Lives(Judge):
    """The cases' programs."""

    def __init__(self, build, folder, seconds):
        super().__init__()
        self.build = build
        self.folder = folder
        self.seconds = seconds
        self.idle = self.busy = self.quiet = self.run = None
        self.count = itertools.count()
        self.env = {"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": "C"}
        self.bin = os.path.join(folder, "bin")
        os.mkdir(self.bin)
        shutil.copy2(os.path.join(build, "rpsctl"), self.bin)
        shutil.copy2(os.path.join(build, "rpsd"), self.bin)
        shutil.copy2(os.path.join(build, "tests/support/fail_alloc.so"), self.bin)
        self.fail_alloc = os.path.join(self.bin, "fail_alloc.so")
        self.rpsctl = os.path.join(self.bin, "rpsctl")
        self.rpsd = os.path.join(self.bin, "rpsd")
        traced = os.path.join(folder, "traced")
        os.mkdir(traced)
        self.rpsctl_traced = os.path.join(traced, "rpsctl")
        os.link(self.rpsctl, self.rpsctl_traced)
        with open(os.path.join(traced, "rpsd"), "w") as file:
            file.write(TRACE_SCRIPT % self.rpsd)
        os.chmod(os.path.join(traced, "rpsd"), 0o755)
        self.origin = Origin([self.rpsctl, "origin", "--listen", "127.0.0.1:0"], self.env, folder)
        self.url = self.origin.url

    def close(self):
        for host in (self.busy, self.quiet):
            if host:
                host.daemon.end()
        self.origin.close()

    def work(self):
        path = os.path.join(self.folder, "work%d" % next(self.count))
        os.mkdir(path)
        return path

    def environment(self, work, fault):
        out = fault.get("disk", work)
        env = dict(self.env, XDG_STATE_HOME=out, STATE_DIRECTORY=out, TMPDIR=work,
                   RPSD_FAULTS_WORK=work, FAIL_ALLOC_MET=os.path.join(work, "met"))
        if "address" in os.path.basename(self.build):
            # fail_alloc.so stands before the runtime.
            env["ASAN_OPTIONS"] = "verify_asan_link_order=0:log_path=%s/sanitizer" % work
        if fault.get("of") == "rpsd":
            env["RPSD_FAULTS_TRACE"] = " ".join(self.prefix(fault, work))
        env.update(fault.get("env", {}))
        return env

    def prefix(self, fault, work):
        return [word.replace("{work}", work) for word in fault.get("prefix", [])]

    def command(self, fault, name, work):
        """The program as a command, under what the fault wants for it."""
        if fault.get("of") == name:
            if "disk" in fault:
                return ["unshare", "-m", "sh", "-c", DISK_SCRIPT, "sh", fault["disk"],
                        str(fault["pages"] * 4096), work, getattr(self, name)]
            return self.prefix(fault, work) + [getattr(self, name)]
        if "prefix" in fault and name == "rpsctl":
            return [self.rpsctl_traced]
        return [getattr(self, name)]

    # ------------------------------------------------------------ ends

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

    def end_work(self, work, fault, outcome, strays=True):
        for pid in self.marked(work) if strays else []:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        outcome = self.judge_work(work, outcome)
        if outcome[0] == "works" and not self.met(work, fault):
            outcome = "unmet", ""
        shutil.rmtree(work, ignore_errors=True)
        return outcome

    # ------------------------------------------------------------ what a service holds

    def pid_of_rpsd(self, work):
        for pid in self.marked(work):
            try:
                if os.path.basename(os.readlink("/proc/%d/exe" % pid)) == "rpsd":
                    return pid
            except OSError:
                pass
        return None

    @staticmethod
    def holds(pid):
        """How many descriptors and threads it has; None: it has ended."""
        try:
            return tuple(len(os.listdir("/proc/%d/%s" % (pid, what))) for what in ("fd", "task"))
        except OSError:
            return None

    def takes_hangup(self, pid):
        """Before a service has begun, the signal would end it."""
        try:
            return bool(int(status_of(pid, "SigBlk"), 16) & 1 << signal.SIGHUP - 1)
        except OSError:
            return False

    def left(self, pid, seconds=None):
        """What an idle service has too many of; None: nothing. It closes a connection when it has
        read its end, and a thread that was joined is seen for a moment: no event tells of either,
        so it is looked at again and again."""
        until = time.monotonic() + (seconds or self.seconds)
        while True:
            now = self.holds(pid)
            if not now or (now[0] <= self.idle[0] and now[1] <= self.idle[1]):
                return None
            if time.monotonic() > until:
                return "descriptors and threads are %s instead of %s" % (now, self.idle)
            time.sleep(0.02)

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
        return self.end_work(work, fault, outcome)

    def open_service(self, work, fault, *more):
        """A service with a configuration of its own, when its socket is there or it has ended."""
        config = os.path.join(work, "rpsd.conf")
        with open(config, "w") as file:
            file.write("[daemon]\nkeep-runs = %d\n[policy]\nallow = 127.0.0.0/8\n" %
                       (2 if "cycles" in fault else 32))
        daemon = Program([*more, *self.command(fault, "rpsd", work), "--config", config,
                          "--socket", os.path.join(work, "s")], self.environment(work, fault), work,
                         fault.get("limits"))
        daemon.wait_file(os.path.join(work, "s"), self.seconds)
        return daemon

    def service(self, fault):
        work = self.work()
        daemon = self.open_service(work, fault)
        outcome = self.service_calls(work, self.environment(work, {}), daemon)
        return self.end_work(work, fault, outcome)

    def service_calls(self, work, env, daemon):
        worst = ("works", "")
        path = os.path.join(work, "s")
        pid = self.pid_of_rpsd(work)
        for ask in (self.ask_by_rpsctl, self.ask_by_client):
            if daemon.has_ended() or worst[0] == "hang":
                break
            outcome = ask(work, env, path, pid)
            if OUTCOMES.index(outcome[0]) > OUTCOMES.index(worst[0]):
                worst = outcome
        return self.close_service(daemon, pid, worst)

    def ask_by_rpsctl(self, work, env, path, _):
        """A run with its document."""
        report = os.path.join(work, "a.json")
        program = Program([self.rpsctl, "run", self.url, "--closed", "-c", "2", "-n", "20",
                           "--service", "-o", report, "--socket", path], env, work)
        outcome, words = self.judge(program.wait(self.seconds), program, report)
        return outcome, "run: " + words

    def ask_by_client(self, work, env, path, pid):
        """All other calls, without a process for each."""
        failed = None
        for method in ("Status", "Start", "Stop", None, "Status", "List"):
            if method is None:
                if pid and self.takes_hangup(pid):
                    os.kill(pid, signal.SIGHUP)
                continue
            try:
                with Client(path, self.seconds) as client:
                    reply = (client.start(self.url, load_model="closed", connections_count=2,
                                          load_requests=20)
                             if method == "Start" else client.call(method))
                    failed = failed if reply else method + " is refused"
            except TimeoutError:
                return "hang", method
            except (OSError, ValueError) as e:
                failed = "%s: %s" % (method, e)
        return ("error", failed) if failed else ("works", "")

    def close_service(self, daemon, pid, worst):
        if pid and worst[0] != "hang":
            left = self.left(pid)
            if left:
                worst = "left", left
        if not daemon.has_ended():
            os.killpg(daemon.process.pid, signal.SIGTERM)
        status = daemon.wait(self.seconds)
        if status == -signal.SIGTERM:
            status = None  # it hung before it began, where signals still have their default
        end = self.judge(status, daemon, None, False)
        if OUTCOMES.index(end[0]) > OUTCOMES.index(worst[0]) or end[0] == "crash":
            worst = end[0], "rpsd: " + end[1]
        return worst

    # ------------------------------------------------------------ one service that meets many faults

    def cycles(self, fault):
        """Faults again and again in one service: what it holds at rest must not grow."""
        work = self.work()
        daemon = self.open_service(work, fault)
        pid = self.pid_of_rpsd(work)
        worst = ("works", "")
        rests = []
        for _ in range(fault["cycles"]):
            if daemon.has_ended():
                break
            try:
                self.cycle(os.path.join(work, "s"))
            except TimeoutError as e:
                worst = "hang", str(e)
                break
            except (OSError, ValueError):
                pass  # the connection was refused or closed: the fault
            # A run whose control call has failed goes on for a moment.
            if self.left(pid, 5):
                continue
            try:
                rests.append(int(status_of(pid, "VmRSS")))
            except OSError:
                break
        rests = rests[len(rests) // 3:]
        half = len(rests) // 2
        # Its least: what the last runs have needed comes and goes.
        if half and min(rests[half:]) > 1.05 * min(rests[:half]) + 1024:
            worst = "left", "resident memory grows from %d to %d KiB" % (
                min(rests[:half]), min(rests[half:]))
        return self.end_work(work, fault, self.close_service(daemon, pid, worst))

    def cycle(self, path):
        """A run, each of the calls of such a life, and the run's end."""
        with Client(path, self.seconds) as client:
            run = client.start(self.url, load_model="closed", connections_count=2, load_requests=20,
                               **{"connections_requests-per-connection": 1})
        try:
            with Client(path, self.seconds) as client:
                for _ in client.replies("Watch", {"run": run} if run else None, more=True):
                    pass
                for _ in client.replies("Report", {"run": run} if run else None, more=True):
                    pass
                client.call("Status")
                client.call("List")
        finally:
            with Client(path, self.seconds) as client:
                client.call("Stop", {"all": True, "now": True})

    # ------------------------------------------------------------ rpsctl as a client

    def open_hosts(self):
        """The services that all clients of a session ask; where it can be, with named runs."""
        more = []
        etc = os.path.join(self.folder, "etc")
        if os.geteuid() == 0:
            subprocess.run(["cp", "-a", "/etc", etc], check=True)
            os.makedirs(os.path.join(etc, "rpsd/runs.d"), exist_ok=True)
            for name in ("one", "two"):
                with open(os.path.join(etc, "rpsd/runs.d", name + ".ini"), "w") as file:
                    file.write("[target]\nurl = %s\n[load]\nrate = 10\nduration = 1s\n" % self.url)
            more = ["unshare", "-m", "sh", "-c", ETC_SCRIPT, "sh", etc]
        self.busy = Host(self, *more)
        self.quiet = Host(self, *more)
        with Client(self.quiet.socket, self.seconds) as client:
            client.call("Status")
            held = self.holds(self.quiet.pid)
            self.idle = held[0] - 1, held[1]  # without this connection
            self.run = client.start(self.url, load_model="closed", connections_count=2,
                                    load_requests=20)
            for _ in client.replies("Watch", {"run": self.run}, more=True):
                pass

    def run_for(self, command):
        """A run that goes on, or the finished one."""
        if command in LOOKING:
            return self.run
        with Client(self.busy.socket, self.seconds) as client:
            if command == "stop":
                return client.start(self.url, load_rate=5, load_duration="1h")
            return client.start(self.url, load_rate=200, load_requests=40,
                                statistics_interval="100ms")

    def client(self, command, fault):
        try:
            return self.ask_host(command, fault)
        except OSError as e:
            return "hang", "the service: %r" % e

    def ask_host(self, command, fault):
        work = self.work()
        host = self.quiet if command in LOOKING else self.busy
        if next(host.asked) == HOST_SETTLED:
            host.memory = host.resident()
        run = self.run_for(command) if "RUN" in CLIENTS[command] else None
        words = [{"URL": self.url, "RUN": run}.get(word, word) for word in CLIENTS[command]]
        words = [os.path.join(fault.get("disk", work), word) if word in FORMATS else word
                 for word in words]
        program = Program(
            self.command(fault, "rpsctl", work) + [command, *words, "--socket", host.socket],
            self.environment(work, fault), work, fault.get("limits"))
        status = program.wait(self.seconds)
        outcome = self.judge(status, program,
                             os.path.join(work, "o.json") if command == "report" else None,
                             command not in ("stop", "watch"))
        if outcome[0] == "works":
            outcome = self.judge_client(command, program, run, outcome)
        if command == "report":
            outcome = self.judge_files("client", work, outcome)
        if command == "stop":
            with Client(self.busy.socket, self.seconds) as client:
                client.call("Stop", {"run": run, "now": True})
        return self.end_work(work, fault, outcome, strays=False)

    def judge_client(self, command, program, run, outcome):
        """That a command which says so has done all that it is for."""
        out = program.stdout()
        gap = None
        if command == "list":
            gap = self.same("list", out)
        elif command == "status":
            gap = self.same("status, its first words",
                            [line.split()[0].replace(run, "RUN") for line in out.splitlines()
                             if line.strip()])
        elif command == "watch":
            with Client(self.busy.socket, self.seconds) as client:
                state = client.call("Status", {"run": run})["runs"][0]["state"]
            gap = None if state == "finished" else "the run is " + state
        elif command == "start":
            with Client(self.busy.socket, self.seconds) as client:
                gap = None if client.call("Status", {"run": out.strip()}) else "no run " + out
        elif command == "stop":
            gap = self.goes_on(run)
        return ("torn", gap) if gap else outcome

    def goes_on(self, run):
        """None: the run ends, as it was told to."""
        until = time.monotonic() + self.seconds
        with Client(self.busy.socket, self.seconds) as client:
            for reply in client.replies("Watch", {"run": run}, more=True):
                if time.monotonic() > until:
                    return "the run goes on"
        return None

    def close_hosts(self):
        """The worse of what the services that the clients asked have and say at their end."""
        worst = ("works", "")
        for host in (self.busy, self.quiet):
            grown = host.grown()
            outcome = self.close_service(host.daemon, host.pid,
                                         ("left", grown) if grown else ("works", ""))
            outcome = self.end_work(host.work, {}, outcome)
            worst = max(worst, outcome, key=lambda o: OUTCOMES.index(o[0]))
        return worst

    # ------------------------------------------------------------ rpsctl with files

    def read(self, fault, *words):
        work = self.work()
        program = Program(self.command(fault, "rpsctl", work) + [
            *words, *itertools.chain(*(("-o", os.path.join(fault.get("disk", work), name))
                                       for name in FORMATS))],
            self.environment(work, fault), work, fault.get("limits"))
        outcome = self.judge(program.wait(self.seconds), program, os.path.join(work, "o.json"))
        outcome = self.judge_files(words[0], work, outcome)
        return self.end_work(work, fault, outcome, strays=False)

    def report(self, fault):
        return self.read(fault, "report", os.path.join(self.folder, "a.json"))

    def merge(self, fault):
        return self.read(fault, "merge", "--repeats", os.path.join(self.folder, "a.json"),
                         os.path.join(self.folder, "b.json"))

    def check(self, fault, name="run.ini"):
        work = self.work()
        path = os.path.join(self.folder, name)
        program = Program(self.command(fault, "rpsctl", work) + ["check", path],
                          self.environment(work, fault), work, fault.get("limits"))
        outcome = self.judge(program.wait(self.seconds), program)
        gap = self.same(name, program.stdout()) if outcome[0] == "works" else None
        return self.end_work(work, fault, ("torn", gap) if gap else outcome, strays=False)

    def settings(self, fault):
        return self.check(fault, "rpsd.conf")

    def serve(self, fault):
        """`rpsctl origin`, until Ctrl-C."""
        work = self.work()
        program = Program(
            self.command(fault, "rpsctl", work) + ["origin", "--listen", "127.0.0.1:0"],
            self.environment(work, fault), work, fault.get("limits"))
        if program.wait_output(self.seconds):
            os.killpg(program.process.pid, signal.SIGINT)
        outcome = self.judge(program.wait(self.seconds), program)
        return self.end_work(work, fault, outcome)

    def live(self, name, fault):
        """A life by its name: "client start" is rpsctl's start."""
        if name.startswith("client "):
            return self.client(name.split()[1], fault)
        return getattr(self, name)(fault)

    # ------------------------------------------------------------ before the first case

    def prepare(self):
        """Documents to read, the shapes that whole ones have, and what lives without faults do."""
        for name in ("a.json", "b.json", "c.json"):
            path = os.path.join(self.folder, name)
            self.program_works([self.url, "--closed", "-c", "2", "-n", "20", "-o", path])
            with open(path) as file:
                self.learn(json.load(file))
        merged = os.path.join(self.folder, "m.json")
        self.program_works(["merge", "--repeats", os.path.join(self.folder, "a.json"),
                            os.path.join(self.folder, "b.json"), "-o", merged])
        with open(merged) as file:
            self.learn(json.load(file))
        with open(os.path.join(self.folder, "run.ini"), "w") as file:
            file.write(RUN_FILE % self.url)
        with open(os.path.join(self.folder, "rpsd.conf"), "w") as file:
            file.write(SETTINGS_FILE)
        self.open_hosts()
        for life in ("report", "merge", "check", "settings", "serve", "service", *("client " + c for c in CLIENTS)):
            outcome = self.live(life, {})
            if outcome[0] not in ("works", *(("error",) if life == "service" else ())):
                raise SystemExit("faults: %s without faults: %s: %s" % (life, *outcome))

    def program_works(self, words):
        program = Program([self.rpsctl, *words], self.env, self.folder)
        if program.wait(self.seconds) != 0:
            raise SystemExit("faults: rpsctl %s, without faults: %s" % (words, program.stderr()))
