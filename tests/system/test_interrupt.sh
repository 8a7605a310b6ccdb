#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ctrl-C once: answers under way are awaited and the report is printed. Twice: an end at once.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

line_after() {
	line_count "$ERR"
	[ "$LINES_SEEN" -gt "$1" ]
}

start_origin
start "$rpsctl" run "http://$ORIGIN/" -r 200 -d 60s -o "$T/result.json"
wait_line "$ERR" 'ok [1-9]' 15
kill -INT "$PID"
wait_exit "$PID" 20
expect_equal "exit status" "$STATUS" 14
expect_line "$OUT" 'ledger balances'
expect_figures "$T/result.json" \
	outcome .run.outcome stopped \
	ledger.balanced .ledger.balanced true \
	"some were sent" '.ledger.sent > 0' true \
	"nothing is open" .ledger.unfinished 0

# A terminal that is closed: as SIGTERM, and also twice it is no second Ctrl-C.
rm "$T/result.json"
start "$rpsctl" run "http://$ORIGIN/" -r 200 -d 60s -o "$T/result.json"
wait_line "$ERR" 'ok [1-9]' 15
kill -HUP "$PID"
kill -HUP "$PID" || true
wait_exit "$PID" 20
expect_equal "exit status" "$STATUS" 14
expect_line "$OUT" 'STOPPED'
expect_figures "$T/result.json" outcome .run.outcome stopped
# Started by nohup it does not hear of it, nor does its daemon.
start nohup "$rpsctl" run "http://$ORIGIN/" -r 200 -d 60s
wait_line "$ERR" 'ok [1-9]' 15
kill -HUP "$PID"
line_count "$ERR"
wait_until 5 line_after "$LINES_SEEN" || fail "the run does not go on"
kill -TERM "$PID"
wait_exit "$PID" 20
expect_equal "exit status" "$STATUS" 14
# rpsctl origin says what it has served.
kill -HUP "$ORIGIN_PID"
wait_exit "$ORIGIN_PID" 10
expect_line "$T/origin.err" '^served [1-9]'
expect_nothing_left

# The answers take longer than anybody waits.
start_origin --delay 50s
start "$rpsctl" run "http://$ORIGIN/" -r 50 -d 60s --timeout 55s
wait_line "$ERR" 'sent [1-9]' 15
kill -INT "$PID"
wait_line "$ERR" '^stopping'
if is_gone "$PID"; then
	fail "one Ctrl-C does not wait for answers"
fi
kill -INT "$PID"
wait_exit "$PID" 10
expect_equal "exit status" "$STATUS" 130
end_process "$ORIGIN_PID"
expect_nothing_left
