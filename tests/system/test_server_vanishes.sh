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
# 12: on a busy machine the generator was late too.
[[ $STATUS =~ ^(0|12)$ ]] || fail "exit status $STATUS"
line_count "$NGINX_LOG"
expect_figures "$T/result.json" \
	ledger.balanced .ledger.balanced true \
	ledger.planned .ledger.planned 1500 \
	"some are ok" '.ledger.ok >= 90' true \
	"some have failed" '.ledger.connection_error + .ledger.not_connected > 0' true \
	"what was ok was served" ".ledger.ok <= $LINES_SEEN" true
expect_nothing_left
