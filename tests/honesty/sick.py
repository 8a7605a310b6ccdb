# SPDX-License-Identifier: Apache-2.0
"""starve, clock and ports: the fault is the generator's, or its host's, and not the server's."""
import contextlib
import os
import re
import signal
import time

import rig as rigs
from rig import Skipped

STOP_S, EVERY_S = 0.2, 2.0


def stopped_quantile(stops, window_s, quantile):
    """Of delays uniform over each stop, none elsewhere: the value in ms."""
    low, high = 0.0, max(stops)
    for _ in range(60):
        middle = (low + high) / 2
        if sum(max(0.0, s - middle) for s in stops) / window_s > 1 - quantile:
            low = middle
        else:
            high = middle
    return low * 1e3


def stop_and_go(stops, find, n):
    """Stops the processes that find(process) names for STOP_S in every EVERY_S, n times."""

    def meanwhile(process):
        begin = time.monotonic() + 1
        for i in range(n):
            time.sleep(max(0.0, begin + i * EVERY_S - time.monotonic()))
            pids = find(process)
            at = time.monotonic()
            for number in (signal.SIGSTOP, signal.SIGCONT):
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
                if number == signal.SIGSTOP:
                    time.sleep(STOP_S)
            stops.append(time.monotonic() - at)

    return meanwhile


def below(process):
    """All that the adapter has started."""
    found = [process.pid]
    for pid in found:
        found.extend(rigs.children(pid))
    return found[1:]


def stop(rig, rows):
    """The tool stands still for 200 ms of every 2 s: its own fault, and it should say so."""
    stops = []
    find = (lambda p: rigs.children(p.pid)) if rig.is_rpsd() else below
    with rig.origin() as origin:
        said = rig.load(origin.url, 1000, 50, 10, meanwhile=stop_and_go(stops, find, 5))
    if not rig.is_rpsd():
        rows.within("p99 of a healthy server, ms", 0.0, max(1.0, origin.p99), said.p99, 4)
        rows.word("a word of warning", ("yes",), "yes" if said.warning else "")
        return
    truth = stopped_quantile(stops, 10, 0.99)
    mean = sum(s * s for s in stops) / (2 * 10) * 1e3
    rows.within("response p99, ms", truth, truth, said.p99, 20)
    rows.within("mean, ms", mean, mean, said.mean, 3)
    rows.within("our delay p99, ms", truth, truth, said.at("latency.our_delay.p99_ns"), 20)
    rows.word("verdict", ("saturated",), said.at("generator.verdict"))
    rows.within("server's own p99, ms", 0.0, 1.0, origin.p99, 4)


class Quota:
    """A CPU quota, 20 ms in each 100 unless told else, by cgroup v2 where it has the controller,
    else v1."""

    def __init__(self, quota_us=20000):
        self._quota_us = quota_us
        name = f"rpsd-honesty-{os.getpid()}"
        if os.getuid() != 0:
            raise Skipped("a CPU quota takes root")
        for parent, is_v2 in (("/sys/fs/cgroup", True), ("/sys/fs/cgroup/cpu", False)):
            needed = "cgroup.subtree_control" if is_v2 else "cpu.cfs_quota_us"
            if os.access(os.path.join(parent, needed), os.W_OK):
                self.path, self._is_v2 = os.path.join(parent, name), is_v2
                break
        else:
            raise Skipped("no cgroup with a CPU quota can be made here")

    def _write(self, name, text):
        with open(os.path.join(self.path, name), "w", encoding="ascii") as f:
            f.write(text)

    def __enter__(self):
        try:
            if self._is_v2:
                with open("/sys/fs/cgroup/cgroup.subtree_control", "w", encoding="ascii") as f:
                    f.write("+cpu")
            os.mkdir(self.path)
            if self._is_v2:
                self._write("cpu.max", f"{self._quota_us} 100000")
            else:
                self._write("cpu.cfs_period_us", "100000")
                self._write("cpu.cfs_quota_us", str(self._quota_us))
        except OSError as error:
            self.__exit__()
            raise Skipped(f"no CPU quota: {error}") from error
        return ["sh", "-c", 'echo $$ >"$0" && exec "$@"', os.path.join(self.path, "cgroup.procs")]

    def __exit__(self, *_):
        for _ in range(50):
            try:
                os.rmdir(self.path)
                return
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.1)


def quota(rig, rows):
    """One CPU is wanted (spin), a fifth is given: 80 ms of each 100 nothing is sent."""
    with rig.origin() as origin, Quota() as inside:
        said = rig.load(origin.url, 500, 50, 5, inside=inside,
                        flags=("--set", "pacing.mode=spin", "-t", "1"))
    rows.within("quota 20 %: our delay p99, ms", 79.0, 79.0, said.at("latency.our_delay.p99_ns"),
                25)
    rows.word("quota 20 %: verdict", ("saturated",), said.at("generator.verdict"))
    rows.word("quota 20 %: limited by", ("generator",), said.at("headline.limited_by"))
    rows.within("quota 20 %: server's own p99", 0.0, 1.0, origin.p99, 4)


def clock(rig, rows):
    """The wall clock is set an hour ahead during the run: nothing but its end's date changes."""
    step = rig.program("honesty/clock_step.so")
    with rig.origin("--delay", "5ms") as origin:
        said = rig.load(origin.url, 100, 10, 5, environment={"LD_PRELOAD": step})
    hour = 3600.0
    fields = [time.strptime(said.at("run." + name), "%Y-%m-%dT%H:%M:%SZ")
              for name in ("started", "ended")]
    took = time.mktime(fields[1]) - time.mktime(fields[0])
    rows.within("dates apart, s: the step was seen", hour + 4, hour + 8, took)
    rows.equal("ok", 500, said.ok)
    per_second = [row["sent"] for row in said.doc["intervals"]["rows"]]
    rows.equal("seconds that sent 100", 5, sum(abs(n - 100) <= 2 for n in per_second))
    late = said.at("latency.our_delay.max_ns")
    rows.within("slowest, ms", 5.0, origin.max + late, said.max, 10)


PORTS_N, PORTS_RATE, PORTS_SECONDS = 600, 200, 5


def ports(rig, rows):
    """A connection for each request, 600 ports, and a server that lets the client close first."""
    if os.getuid() != 0:
        raise Skipped("a network of its own takes root")
    server = rig.program("bench/null_server")
    out = rig.path("null")
    script = (
        "ip link set lo up || ifconfig lo up || exit 9; cd /proc/sys/net/ipv4 || exit 9\n"
        f"echo '20000 {20000 + PORTS_N - 1}' >ip_local_port_range && echo 0 >tcp_tw_reuse"
        ' || exit 9; cd - >/dev/null\nmkfifo "$1" || exit 9\n"$0" --port 18080 >"$1" & server=$!\n'
        'trap "kill $server" EXIT; exec 9<"$1"; read -r address <&9; shift\n"$@" 9<&-')
    said = rig.load("http://127.0.0.1:18080/", PORTS_RATE, None, PORTS_SECONDS,
                    inside=("unshare", "-n", "sh", "-c", script, server, out),
                    flags=("--no-keepalive",))
    # One port went to the trial connection before the run.
    sent = PORTS_N - 1
    rows.within("ok", sent, sent, said.ok, 2)
    rows.within("without a connection", PORTS_RATE * PORTS_SECONDS - sent,
                PORTS_RATE * PORTS_SECONDS - sent, said.at("ledger.not_connected"), 2)
    error = (said.doc["errors"] or [{}])[0]
    rows.word("class of error", ("no-ports",), error.get("class"))
    rows.word("phase of error", ("generator",), error.get("phase"))
    rows.within("first one at, s", sent / PORTS_RATE, sent / PORTS_RATE,
                error.get("first_ns", 0) / 1e9, 0.1)
    rows.word("verdict", ("saturated",), said.at("generator.verdict"))
    rows.equal("exit status", 12, said.status)
    rows.word("the report says what to try", ("source",),
              "".join(re.findall(r"\bsource\b", said.text)[:1]))
