#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ctrl-C once: answers under way are awaited and the report is printed. Twice: an end at once.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

start_origin
start "$rpsctl" run "http://$ORIGIN/" -r 200 -d 60s -o "$T/result.json"
wait_line "$ERR" 'ok [1-9]' 15
kill -INT "$PID"
wait_exit "$PID" 20
expect_equal "exit status" "$STATUS" 14
expect_line "$OUT" 'ledger balances'
expect_equal "outcome" "$(json "$T/result.json" .run.outcome)" stopped
expect_equal "ledger.balanced" "$(json "$T/result.json" .ledger.balanced)" true
expect_equal "some were sent" "$(json "$T/result.json" '.ledger.sent > 0')" true
expect_equal "nothing is open" "$(json "$T/result.json" .ledger.unfinished)" 0
end_process "$ORIGIN_PID"
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
