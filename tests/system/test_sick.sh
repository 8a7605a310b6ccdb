#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A generator that is not well, or not given what it needs, says so, why, and what to try: stopped
# by SIGSTOP, held down by a quota of CPU time, out of descriptors, out of ports. And a pool that is
# too small is the pool's fault, not the generator's. Only lower bounds: this may be a busy machine.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

daemon_is_there() {
	DAEMON_PID=$(pgrep -P "$1" -x rpsd)
}

# sick_start COMMAND...: a run in the background, its document in $T/result.json; DAEMON_PID is its
# private daemon. Returns once the run is sending.
sick_start() {
	rm -f "$T/result.json"
	start "$@" -o "$T/result.json"
	wait_until 5 daemon_is_there "$PID" || fail "no private daemon of $PID"
}

# sick_end STATUS
sick_end() {
	wait_exit "$PID" 30
	expect_equal "exit status" "$STATUS" "$1"
}

# note CODE: there is such a note, with its figure, its limit and what to try.
note() {
	holds "the note $1" ".generator.notes | any(.code == \"$1\" and (.text | length) > 0 and
		(.try | length) > 0 and .value > .limit)"
}

# holds WHAT JQ-CONDITION
holds() {
	[ "$(json "$T/result.json" "$2")" = true ] ||
		fail "$1: $(json "$T/result.json" '[.headline, .generator, .ledger] | tostring')"
}

# ---------------------------------------------------------------- stopped again and again

# For 200 ms of every 2 s: a tenth of the arrivals is late by up to 200 ms, so p99 is 180 ms.
start_origin
sick_start "$rpsctl" "http://$ORIGIN/" -q -r 200 -d 6
sleep 0.6
for _ in 1 2 3; do
	kill -STOP "$DAEMON_PID"
	sleep 0.2
	kill -CONT "$DAEMON_PID"
	sleep 1.8
done
sick_end 0
holds "a stopped generator" '.generator.verdict == "saturated" and
	.headline.limited_by == "generator"'
holds "its delay" '.latency.our_delay.p99_ns > 150e6 and .ledger.planned == 1200'
holds "the server's time" '.latency.service.p90_ns < 100e6'
note our-delay
note standstill
expect_line "$OUT" 'saturated'
expect_line "$OUT" 'see what stopped rpsd'

# ---------------------------------------------------------------- a quota of CPU time

# quota_open: a cgroup with 20 % of a CPU, its folder in QUOTA; false where none can be made.
quota_open() {
	local v1=/sys/fs/cgroup/cpu v2=/sys/fs/cgroup

	[ "$(id -u)" -eq 0 ] || return 1
	[ -d "$v1" ] || v1=/sys/fs/cgroup/cpu,cpuacct
	QUOTA=$v1/rpsd-test.$$
	if [ -f "$v1/cpu.cfs_quota_us" ] && mkdir "$QUOTA" 2>/dev/null; then
		echo 20000 >"$QUOTA/cpu.cfs_quota_us" && return 0
		rmdir "$QUOTA"
		return 1
	fi
	QUOTA=$v2/rpsd-test.$$
	[ -f "$v2/cgroup.controllers" ] && mkdir "$QUOTA" 2>/dev/null || return 1
	{ echo "20000 100000" >"$QUOTA/cpu.max"; } 2>/dev/null && return 0
	rmdir "$QUOTA"
	return 1
}

if quota_open; then
	# shellcheck disable=SC2016 # the inner shell's
	sick_start bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$QUOTA" \
		"$rpsctl" "http://$ORIGIN/" -q -r 60k -d 2 --timeout 10s
	sick_end 0
	wait_until 5 rmdir "$QUOTA" || fail "the cgroup $QUOTA stays"
	holds "a quota" '.generator.verdict == "saturated" and
		.headline.limited_by == "generator" and .generator.throttled_share > 0.3 and
		.generator.throttled_ns > 200e6'
	note throttled
	note our-delay
	expect_line "$OUT" 'CPUQuota='
else
	skip "a quota of CPU time (needs root and a cgroup to make one in)"
fi
end_process "$ORIGIN_PID"

# ---------------------------------------------------------------- too few connections

# 10 connections x 20 ms carry 500/s. That is nobody's sickness.
start_origin --delay 20ms
expect_exit 0 "$rpsctl" "http://$ORIGIN/" -q -r 1000 -d 2 -c 10 --set connections.exhausted=queue \
	-o "$T/result.json"
holds "a small pool" '.generator.verdict != "saturated" and .headline.result == "overload" and
	.headline.limited_by == "connections" and (.headline.try | test("-c [0-9]+"))'
note connection-wait
end_process "$ORIGIN_PID"

# ---------------------------------------------------------------- too few descriptors

start_origin --delay 300ms
# shellcheck disable=SC2016 # the inner shell's
expect_exit 69 bash -c 'ulimit -n 64; exec "$@"' - "$rpsctl" "http://$ORIGIN/" -q -r 100 -d 1 -c 100
cat "$OUT" "$ERR" >"$T/said"
expect_line "$T/said" '100 connections need [0-9]+ descriptors .*may have 64'

# It had enough, and then it had not.
sick_start "$rpsctl" "http://$ORIGIN/" -q -r 200 -d 3 --no-keepalive
sleep 1
prlimit --pid "$DAEMON_PID" --nofile=40:40
sick_end 12
holds "no descriptors" '.generator.verdict == "saturated" and
	.headline.limited_by == "generator" and .headline.result == "void" and
	(.headline.try | test("ulimit -n"))'
holds "their class" '[.errors[] | select(.phase == "generator" and .count > 10)] | length == 1'
note no-descriptors
expect_line "$OUT" 'ulimit -n'
end_process "$ORIGIN_PID"

# ---------------------------------------------------------------- too few ports

# A network of its own with 101 ports, of which each stays taken for a minute.
netns_open() {
	[ "$(id -u)" -eq 0 ] || return 1
	command -v unshare nsenter ip >/dev/null || return 1
	unshare -n sleep 60 2>/dev/null &
	NETNS_PID=$!
	PIDS+=("$NETNS_PID")
	wait_until 2 netns_is_apart || return 1
	netns ip link set lo up 2>/dev/null || return 1
	# shellcheck disable=SC2016 # the inner shell's
	netns bash -c 'cd /proc/sys/net/ipv4 && echo 0 >tcp_tw_reuse &&
		echo "40000 40100" >ip_local_port_range' 2>/dev/null
}

netns_is_apart() {
	pid_is_alive "$NETNS_PID" &&
		[ "$(readlink "/proc/$NETNS_PID/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

netns() {
	nsenter --net="/proc/$NETNS_PID/ns/net" "$@"
}

# Answers whatever comes and never closes first, though it is asked to: so the ports are ours.
keeping_server() {
	# shellcheck disable=SC2016 # perl's
	exec nsenter --net="/proc/$NETNS_PID/ns/net" perl -MIO::Socket::INET -MIO::Select -e '
		my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1:8000", Listen => 256,
			ReuseAddr => 1) or die;
		my $s = IO::Select->new($l);
		$| = 1;
		print "ready\n";
		while (1) {
			for my $c ($s->can_read) {
				if ($c == $l) { $s->add($l->accept); next }
				if (sysread $c, my $b, 65536) {
					syswrite $c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
				} else { $s->remove($c); close $c }
			}
		}'
}

if netns_open; then
	keeping_server >"$T/server.out" 2>&1 </dev/null &
	PIDS+=("$!")
	wait_line "$T/server.out" ready
	expect_exit 12 netns "$rpsctl" http://127.0.0.1:8000/ -q -r 100 -d 3 \
		--set connections.requests-per-connection=1 \
		-o "$T/result.json"
	holds "no ports" '.generator.verdict == "saturated" and
		.headline.limited_by == "generator" and .headline.result == "void" and
		.ledger.ok >= 90 and .ledger.ok <= 101 and
		(.headline.try | test("ip_local_port_range"))'
	holds "their class" '[.errors[] | select(.phase == "generator")] | length == 1 and
		.[0].count >= 199'
	note no-ports
else
	skip "exhausted ports (needs root, unshare and ip)"
fi
