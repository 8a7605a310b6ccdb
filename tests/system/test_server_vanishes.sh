#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The server goes away in the middle of a run: the run goes on to its end, every arrival is in one
# class of the ledger, and the report says what failed.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

start_nginx
start "$rpsctl" run "http://127.0.0.1:$NGINX_PORT/" -r 500 -d 3s -o "$T/result.json"
wait_until 10 nginx_log_has_lines 100 || fail "no requests arrive"
end_process "$NGINX_PID"
wait_exit "$PID" 20
expect_equal "exit status" "$STATUS" 0
expect_equal "ledger.balanced" "$(json "$T/result.json" .ledger.balanced)" true
expect_equal "ledger.planned" "$(json "$T/result.json" .ledger.planned)" 1500
expect_equal "some are ok" "$(json "$T/result.json" '.ledger.ok >= 90')" true
expect_equal "some have failed" "$(json "$T/result.json" '
	.ledger.connection_error + .ledger.not_connected > 0')" true
expect_equal "what was ok was served" "$(json "$T/result.json" \
	".ledger.ok <= $(wc -l <"$NGINX_LOG")")" true
expect_nothing_left
