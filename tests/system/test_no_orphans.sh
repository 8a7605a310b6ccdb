#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# However rpsctl ends, the private daemon does not outlive it, and the server sees no more requests.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

start_nginx
url=http://127.0.0.1:$NGINX_PORT/

for signal in KILL HUP; do
	: >"$NGINX_LOG"
	start "$rpsctl" run "$url" -r 100 -d 60s
	wait_until 10 nginx_log_has_lines 10 || fail "no requests arrive"
	kill "-$signal" "$PID"
	wait_exit "$PID"
	expect_nothing_left
done

# TERM is a Ctrl-C.
: >"$NGINX_LOG"
start "$rpsctl" run "$url" -r 100 -d 60s -q
wait_until 10 nginx_log_has_lines 10 || fail "no requests arrive"
kill -TERM "$PID"
wait_exit "$PID"
expect_equal "exit status" "$STATUS" 14
expect_line "$OUT" 'ledger balances'
expect_nothing_left

# Nobody reads the report: still no process is left.
: >"$NGINX_LOG"
("$rpsctl" run "$url" -r 100 -d 1s -q 2>"$ERR" || true) | true
expect_nothing_left

# An origin goes with its rpsctl as well.
start_origin
kill -KILL "$ORIGIN_PID"
wait_exit "$ORIGIN_PID"
expect_nothing_left
