#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Records what the audit sees of clean runs on this machine, one line for each: the figures of its
# input, and what it said. 50 on a machine left alone and 50 with one CPU kept busy beside them, in
# about four minutes; tests/data/audits_clean.txt was made so. RPSD_BUILD names the programs.
#	tests/support/record_audits.sh >tests/data/audits_clean.txt
set -eu

rpsctl=${RPSD_BUILD:-build}/rpsctl
dir=$(mktemp -d "${TMPDIR:-/tmp}/record-audits.XXXXXX")
export HOME=$dir XDG_STATE_HOME=$dir
"$rpsctl" origin --listen 127.0.0.1:0 >"$dir/origin" 2>/dev/null &
origin=$!
spinner=
trap 'kill $origin $spinner 2>/dev/null; rm -rf "$dir"' EXIT
for _ in $(seq 100); do
	url=$(grep -oE '127\.0\.0\.1:[0-9]+' "$dir/origin" | head -n 1)
	[ -n "$url" ] && break
	sleep 0.05
done

# cpu_idle: idle and all ticks so far
cpu_ticks() {
	awk '/^cpu / { print $5 + $6, $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9 }' /proc/stat
}

# record LABEL RATE
record() {
	local before after busy

	before=$(cpu_ticks)
	"$rpsctl" "http://$url/" -r "$2" -d 2 -q -o "$dir/result.json" >/dev/null 2>&1 || true
	after=$(cpu_ticks)
	busy=$(echo "$before $after" | awk '{ printf "%.3f", 1 - ($3 - $1) / ($4 - $2) }')
	jq -r --arg kind "$1" --arg busy "$busy" '
		def n: . // -1;
		"\($kind) machine_busy=\($busy) planned=\(.ledger.planned) sent=\(.ledger.sent)" +
		" ok=\(.ledger.ok) window_ns=\(.window.end_ns - .window.start_ns)" +
		" ok_per_s=\(.rates.ok_per_s) response_p50=\(.offered.p50_ns|n)" +
		" response_p99=\(.offered.p99_ns|n)" +
		" less_p50=\(.latency.response_less_ours.p50_ns|n)" +
		" less_p99=\(.latency.response_less_ours.p99_ns|n)" +
		" less_mean=\(.latency.response_less_ours.mean_ns|floor)" +
		" queue_peak=\(.connections.queue_peak) service_p50=\(.latency.service.p50_ns|n)" +
		" service_p99=\(.latency.service.p99_ns|n)" +
		" service_mean=\(.latency.service.mean_ns|floor)" +
		" our_delay_p50=\(.latency.our_delay.p50_ns|n)" +
		" our_delay_p99=\(.latency.our_delay.p99_ns|n)" +
		" connection_wait_p50=\(.latency.connection_wait.p50_ns|n)" +
		" connection_wait_p99=\(.latency.connection_wait.p99_ns|n)" +
		" rx_slack_p99=\(.generator.rx_slack_p99_ns|n)" +
		" connections_limit=\(.connections.limit) connections_peak=\(.connections.peak)" +
		" workers=\(.generator.workers) cpu_share=\(.generator.cpu_share)" +
		" short_interval_share=\([.intervals.rows[] |
			if .sent + 1 < 0.99 * .planned then 1 else 0 end] | add / length)" +
		" little_residual=\(.generator.little_residual)" +
		" stalled_share=\(.generator.stalled_share)" +
		" steal_share=\(.generator.steal_share|n)" +
		" run_queue_share=\(.generator.run_queue_share|n)" +
		" throttled_share=\(.generator.throttled_share|n)" +
		" throttled_ns=\(.generator.throttled_ns|n)" +
		" softirq_share=\(.generator.softirq_share|n)" +
		" turn_p99=\(.generator.loop_p99_ns|n) segments=\(.generator.tcp_segments|n)" +
		" retransmits=\(.generator.retransmits|n)" +
		" clocksource=\(.generator.clocksource // "unknown")" +
		" clock_ns=\(.generator.clock_ns|n)" +
		" descriptors=\(.generator.descriptors.limit)" +
		" descriptors_used=\(.generator.descriptors.used_at_most)" +
		" ports=\(.generator.ports.range) time_wait=\(.generator.ports.time_wait|n)" +
		" said=\(.generator.verdict)/\(.headline.result)/\(.headline.limited_by)"
	' "$dir/result.json"
}

echo "# Clean runs of 2 s, made by tests/support/record_audits.sh on $(nproc) CPUs, $(uname -r)"
for i in $(seq 50); do
	record quiet $((200 + (i - 1) % 10 * 200))
done
while :; do :; done &
spinner=$!
for i in $(seq 50); do
	record busy $((200 + (i - 1) % 10 * 200))
done
