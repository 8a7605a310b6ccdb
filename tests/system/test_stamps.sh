#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A generator that stands still reads its answers late. By the kernel's stamps it knows how late, in
# both models and over TLS, and how long they would have taken without it.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

readonly hostile=$RPSD_BUILD/tests/support/hostile
[ -x "$hostile" ] || fail "$hostile is not built; make system does"

is_one_daemon() {
	find_marked rpsd
	[ ${#MARKED[@]} -eq 1 ]
}

# run_with_stop WORDS...: a run whose private daemon stands still for a quarter of a second, while
# requests are in flight. The other daemon is the origin's.
run_with_stop() {
	local pid turn

	start "$rpsctl" run "$@" -n 300 -o "$T/result.json"
	wait_line "$ERR" 'ok [1-9]' 15
	find_marked rpsd
	for pid in "${MARKED[@]}"; do
		[ "$pid" != "$origin_daemon" ] || continue
		kill -STOP "$pid"
		for ((turn = 0; turn < 25; turn++)); do
			nap
		done
		kill -CONT "$pid"
	done
	wait_exit "$PID" 20
}

# An answer comes about every 10 ms, each after 50 ms: one was sent just before the stop, and came
# in it. In the open model more than one in twenty was late, else one in a hundred.
late_by_180_ms='.latency.rx_slack.max_ns >= 180e6 and .generator.rx_unstamped_share <= 0.02'
start_origin --delay 50ms
wait_until 5 is_one_daemon || fail "the origin has no daemon"
origin_daemon=${MARKED[0]}
run_with_stop "http://$ORIGIN/" -r 100
expect_figures "$T/result.json" "open: late" "$late_by_180_ms" true \
	"it is taken off" '.latency.response_less_ours.p95_ns <= .latency.response.p95_ns - 50e6' true
run_with_stop "http://$ORIGIN/" --closed -c 8
expect_figures "$T/result.json" "closed: late" "$late_by_180_ms" true \
	"it is taken off" '.latency.service_less_ours.p99_ns <= .latency.service.p99_ns - 100e6' true
end_process "$ORIGIN_PID"

: >"$T/server"
"$hostile" --limit 30s --tls 1.3 --ca "$T/ca.pem" "handshake forever { request delay 50ms \
	send \"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\" }" >"$T/server" 2>&1 </dev/null &
PIDS+=("$!")
wait_address "$T/server"
origin_daemon=
run_with_stop "https://$ADDRESS/" --cacert "$T/ca.pem" -r 100
expect_figures "$T/result.json" "TLS: late" "$late_by_180_ms" true \
	"it is taken off" '.latency.response_less_ours.p95_ns <= .latency.response.p95_ns - 50e6' true
expect_nothing_left
