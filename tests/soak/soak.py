#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The service for minutes: runs are started, steered, watched, stopped and merged by several users at
once, files of runs.d change, clients leave in the middle of everything. In between it comes to rest,
again and again, and what it then holds is compared.

It fails if
  - a call is answered by none of the errors that it may meet, or not at all;
  - at rest, after the warm-up (a fifth of the time), there are other threads or descriptors than at
    the first rest, or the memory grows: RSS at rest may be no more in the second half than 5 % and
    1 MiB above its highest in the first half (finished runs are held to keep-runs = 8);
  - while it is busy, there are more threads or descriptors than the runs and clients account for;
  - it does not end by SIGTERM with exit status 0.

As root the roles are four users: root, a member of the group, and two strangers. Otherwise all calls
come from one user, on the control socket and on that for observers. `make check-soak`."""

import argparse
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

INTERFACE = "io.rpsd.Control."
EXPECTED = {"Refused", "NoSuchRun", "NotFinished", "Finished", "Unavailable", "PlanInvalid", "PermissionDenied"}
BUSY_S = 12  # between two rests
CALL_S = 120  # a machine may be busy; a call that takes longer is lost
MEMBER, STRANGERS = 65001, (65002, 65003)
MAX_RUNS, MAX_CONNECTIONS = 6, 50
MAX_WORKERS = 3  # of each of the plans below
DESCRIPTORS_OF_A_WORKER = 8  # twice what it opens: an old one may be there for a moment
CLIENTS = (("admin", None), ("admin", None), ("member", MEMBER), ("member", MEMBER),
           ("observer", STRANGERS[0]), ("observer", STRANGERS[1]))
CONNECTIONS_OF_A_CLIENT = 4

CONF = """[daemon]
keep-runs = 8
[control]
socket = {dir}/control.socket
observe = {dir}/observe.socket
[policy]
max-rate = 2000/s
max-connections = {connections}
max-runs = {runs}
max-duration = 20s
[origin good]
listen = 127.0.0.1:0
[origin bad]
listen = 127.0.0.1:0
delay = 50% 1ms, 50% 30ms
errors = 5% 503
hang = 1%
close-after = 40
"""

# {good} and {bad} are addresses of the origins.
NAMED = {
    "open": "[target]\nurl = http://{good}/\n[load]\nrate = 300\nduration = 3s\n",
    "closed": "[target]\nurl = http://{bad}/a\n[load]\nmodel = closed\nduration = 2s\nworkers = 2\n"
              "[connections]\ncount = 8\n[timeouts]\nrequest = 500ms\ndrain = 500ms\n",
    "stages": "[target]\nurl = http://{good}/\n[load]\nstage = hold 50 for 1s\n"
              "stage = ramp from 50 to 500 over 2s\nstage = hold 100 for 2s\narrivals = poisson\n"
              "[statistics]\ninterval = 200ms\n",
    "mixed": "[target]\nurl = http://{bad}/\n[load]\nrate = 200\nduration = 4s\nworkers = 3\n"
             "[timeouts]\nrequest = 500ms\ndrain = 500ms\n[connections]\nrequests-per-connection = 7\n"
             "[request one]\npath = /1\nheader = X-Token: secret\n[request two]\nmethod = POST\n"
             "body = abc\nweight = 3\n",
    "nowhere": "[target]\nurl = http://127.0.0.1:1/\n[load]\nrate = 10\nduration = 2s\n",
    "away": "[target]\nurl = http://192.0.2.1/\n[load]\nrate = 10\nduration = 2s\n",
    "broken": "[target]\nurl = http://{good}/\n[load\nrate = no\n",
}
SETTINGS = (("load.rate", "100"), ("load.duration", "1s"), ("load.rate", "100000"),
            ("load.workers", "2"), ("statistics.interval", "100ms"), ("run.label", "a=b"),
            ("connections.count", "5"), ("load.scale", "x0.5"), ("target.url", "http://{good}/other"))
RATES = ("10", "400", "x2", "x0.5", "3000", "max", "0", "x")


class Failure(Exception):
    pass


# ---------------------------------------------------------------- a client

class Client:
    """One connection."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(CALL_S)
        self.socket.connect(path)
        self.input = b""

    def send(self, method, parameters=None, more=False):
        call = {"method": INTERFACE + method, "parameters": parameters or {}, "more": more}
        self.socket.sendall(json.dumps(call).encode() + b"\0")

    def receive(self, method):
        while b"\0" not in self.input:
            data = self.socket.recv(1 << 18)
            if not data:
                raise Failure(f"{method}: the connection was closed")
            self.input += data
        message, self.input = self.input.split(b"\0", 1)
        reply = json.loads(message)
        error = reply.get("error", "").rsplit(".", 1)[-1]
        if error and error not in EXPECTED:
            raise Failure(f"{method}: {reply}")
        return reply

    def call(self, method, parameters=None):
        self.send(method, parameters)
        reply = self.receive(method)
        return None if "error" in reply else reply["parameters"]

    def answer(self, method, parameters):
        self.send(method, parameters)
        reply = self.receive(method)
        if "error" in reply:
            raise Failure(f"{method}: {reply}")
        return reply["parameters"]

    def close(self):
        self.socket.close()


def some_start(dice, role, texts):
    parameters = {"set": [{"key": k, "value": v.format(**texts["origins"])}
                          for k, v in dice.sample(SETTINGS, dice.randrange(3))]}
    name = dice.choice(sorted(NAMED))
    if role == "admin" and dice.random() < 0.5:
        parameters["text"] = texts[name]
    parameters["name"] = name
    parameters["hold"] = dice.random() < 0.3
    return parameters


def steer(dice, client, run):
    method = dice.choice(("Set", "Set", "Pause", "Resume", "Next"))
    if method == "Set":
        run = dict(run, settings=[{"key": "rate", "value": dice.choice(RATES)}])
    client.call(method, run)


def look(dice, client, run):
    method = dice.choice(("Status", "List", "Show", "Origins", "Report", "Watch"))
    parameters = {}
    if method in ("Report", "Watch", "Status"):
        parameters = run
    elif method == "Show" and dice.random() < 0.8:
        parameters = {"name": dice.choice(sorted(NAMED))}
    n = dice.choice((1, 1, 1, 10))  # sent ahead
    for _ in range(n):
        client.send(method, parameters)
    for _ in range(n):
        client.receive(method)


def watch(dice, client, run):
    """Some replies, all of them, or none at all: the connection is left as it is."""
    client.send(dice.choice(("Watch", "Report")), run, more=True)
    for _ in range(dice.choice((0, 1, 5, 1000))):
        if not client.receive("Watch").get("continues"):
            return True
    return False


def act(dice, role, client, path, texts):
    """False: this connection is of no more use."""
    listed = client.call("Status")
    runs = [r["id"] for r in listed["runs"]] if listed else []
    run = {"run": dice.choice(runs)} if runs and dice.random() < 0.8 else {}
    choice = dice.random()
    if role != "observer" and choice < 0.25:
        client.call("Start", some_start(dice, role, texts))
    elif role != "observer" and choice < 0.5:
        steer(dice, client, run)
    elif role != "observer" and choice < 0.6:
        client.call("Stop", dict({"all": True} if dice.random() < 0.1 else run,
                                 now=dice.random() < 0.5))
    elif choice < 0.85:
        look(dice, client, run)
    elif choice < 0.95:
        return watch(dice, client, run)
    elif choice < 0.98:
        client.socket.sendall(b'{"method": "io.rpsd')
        return False
    elif role == "observer":
        client.call("Start", {"name": "open"})
    else:
        client.call("Start", {"text": "[load]\n", "name": "broken"})
    return True


def client_main(role, path, texts, seed, alive):
    """Until the pipe closes; a process of its own."""
    dice = random.Random(seed)
    clients = []
    while not select.select([alive], [], [], 0)[0]:
        if len(clients) < CONNECTIONS_OF_A_CLIENT and dice.random() < 0.5 or not clients:
            clients.append(Client(path))
        client = dice.choice(clients)
        if not act(dice, role, client, path, texts) or dice.random() < 0.05:
            client.close()
            clients.remove(client)
    for client in clients:
        client.close()


def fork_client(role, uid, path, texts, seed, alive):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.close(alive[1])
        if uid is not None and os.geteuid() == 0:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
        client_main(role, path, texts, seed, alive[0])
        status = 0
    except Exception as problem:  # pylint: disable=broad-except
        print(f"{role}: {problem!r}", flush=True)
    os._exit(status)
    return 0


# ---------------------------------------------------------------- the service

class Service:
    def __init__(self, build, directory, seed):
        self.build, self.dir, self.seed = build, directory, seed
        self.runs_dir = os.path.join(build, "etc/rpsd/runs.d")
        self.control = os.path.join(directory, "control.socket")
        self.observe = os.path.join(directory, "observe.socket")
        conf = os.path.join(directory, "rpsd.conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write(CONF.format(dir=directory, connections=MAX_CONNECTIONS, runs=MAX_RUNS))
        os.makedirs(self.runs_dir, exist_ok=True)
        self.log = open(os.path.join(directory, "log"), "w", encoding="ascii")
        self.process = subprocess.Popen([os.path.join(build, "rpsd"), "--config", conf],
                                        stderr=self.log, stdout=self.log)
        while True:
            if self.process.poll() is not None:
                raise Failure("rpsd does not start: its log follows")
            try:
                self.admin = Client(self.control)
                self.admin.call("Status")
                Client(self.observe).close()
                break
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.02)
        if os.geteuid() == 0:
            os.chmod(self.control, 0o666)  # who is not root is a member of the group here
        origins = self.admin.call("Origins")["origins"]
        self.texts = {"origins": {o["name"]: o["address"] for o in origins}}
        for name, text in NAMED.items():
            self.texts[name] = text.format(**self.texts["origins"])
            self.write(name)

    def write(self, name):
        path = os.path.join(self.runs_dir, name + ".ini")
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(self.texts[name] + f"# {time.monotonic_ns()}\n")
        os.rename(path + ".new", path)

    def sample(self):
        base = f"/proc/{self.process.pid}"
        with open(base + "/status", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        return {"rss": int(fields["VmRSS"].split()[0]), "threads": int(fields["Threads"]),
                "descriptors": len(os.listdir(base + "/fd"))}

    def busy(self, seconds, number):
        """All clients at once; the samples."""
        alive = os.pipe()
        pids = [fork_client(role, uid, self.observe if role == "observer" else self.control,
                            self.texts, f"{self.seed} {number} {i}", alive)
                for i, (role, uid) in enumerate(CLIENTS)]
        os.close(alive[0])
        samples = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(0.5)
            samples.append(self.sample())
            self.write(random.choice(sorted(NAMED)))
            self.process.send_signal(signal.SIGHUP)
            self.admin.call("Status")
        os.close(alive[1])
        if any([os.waitpid(pid, 0)[1] for pid in pids]):
            raise Failure("a client failed")
        return samples

    def rest(self):
        """Until nothing goes on: no run, no client but this one, no thread of theirs."""
        self.admin.call("Stop", {"all": True, "now": True})
        while any(r["state"] != "finished" for r in self.admin.call("Status")["runs"]):
            time.sleep(0.02)
        # Closed connections are taken out in later turns, and threads that were joined go later.
        sample, same = self.sample(), 0
        while same < 10:
            time.sleep(0.05)
            before, sample = sample, self.sample()
            same = same + 1 if sample == before else 0
        return sample

    def rpsctl(self, *arguments):
        subprocess.run([os.path.join(self.build, "rpsctl"), *arguments], check=True, timeout=CALL_S,
                       stdout=subprocess.DEVNULL, stderr=self.log)

    def merge(self):
        """At rest, so that there is room: two runs alike, their reports, and one of both."""
        self.rest()
        files = [os.path.join(self.dir, f"{i}.json") for i in range(2)]
        for file in files:
            run = {"run": self.admin.answer("Start", {"name": "open", "set": [
                {"key": "load.duration", "value": "500ms"}]})["id"]}
            self.admin.send("Watch", run, more=True)
            while self.admin.receive("Watch").get("continues"):
                pass
            with open(file, "w", encoding="utf-8") as out:
                json.dump(self.admin.answer("Report", run)["result"], out)
        self.rpsctl("merge", "--repeats", *files, "-o", os.path.join(self.dir, "both.json"))

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.admin.close()
        if self.process.wait(CALL_S) != 0:
            raise Failure(f"rpsd ended with {self.process.returncode}: its log follows")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


# ---------------------------------------------------------------- the criterion

def check_busy(samples, base):
    clients = len(CLIENTS) * CONNECTIONS_OF_A_CLIENT
    # Of each run its workers and a lookup; both ends of its connections are here.
    threads = base["threads"] + MAX_RUNS * (MAX_WORKERS + 1)
    descriptors = base["descriptors"] + clients + 1 + MAX_RUNS * (
        2 * MAX_CONNECTIONS + (MAX_WORKERS + 1) * DESCRIPTORS_OF_A_WORKER)
    for sample in samples:
        if sample["threads"] > threads or sample["descriptors"] > descriptors:
            raise Failure(f"{sample} where {threads} threads and {descriptors} descriptors would do")


def check_rests(rests):
    for sample in rests[1:]:
        for what in ("threads", "descriptors"):
            if sample[what] != rests[0][what]:
                raise Failure(f"{what} at rest: {rests[0][what]}, then {sample[what]}")
    warm = rests[len(rests) // 5:]
    half = len(warm) // 2
    before = max(sample["rss"] for sample in warm[:half])
    after = max(sample["rss"] for sample in warm[half:])
    print(f"RSS at rest: {before} KiB at most in the first half, {after} KiB in the second")
    if after > before * 1.05 + 1024:
        raise Failure("the memory grows")


def soak(service, minutes):
    until = time.monotonic() + minutes * 60
    rests = []
    while time.monotonic() < until or len(rests) < 6:
        samples = service.busy(BUSY_S, len(rests))
        service.merge()
        rests.append(service.rest())
        check_busy(samples, rests[0])
        peak = {k: max(s[k] for s in samples) for k in samples[0]}
        print(f"{len(rests)}: busy {peak}, at rest {rests[-1]}", flush=True)
    service.end()
    check_rests(rests)


def main():
    parser = argparse.ArgumentParser(description="a soak of the service")
    parser.add_argument("--build", required=True)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"{options.minutes:g} minutes, seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="rpsd-soak-") as directory:
        os.chmod(directory, 0o755)
        service = None
        try:
            service = Service(os.path.abspath(options.build), directory, options.seed)
            soak(service, options.minutes)
        except (Failure, OSError, subprocess.SubprocessError) as problem:
            print(f"FAILED: {problem}")
            with open(os.path.join(directory, "log"), encoding="utf-8", errors="replace") as log:
                print("the end of rpsd's log:", *log.readlines()[-10:], sep="\n")
            return 1
        finally:
            if service:
                service.kill()
    print("passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
