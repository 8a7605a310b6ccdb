#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# rpsctl origin: says its address first, serves, counts, and goes without a trace.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

start_origin --body 5B
expect_equal "body" "$(curl -sS "http://$ORIGIN/any/path")" xxxxx
expect_equal "status of HEAD" "$(curl -sS -o "$T/head" -I -w '%{http_code}' "http://$ORIGIN/")" 200
kill -INT "$ORIGIN_PID" # ignored in background jobs of a shell, but rpsctl listens to it
wait_exit "$ORIGIN_PID"
expect_equal "exit status" "$STATUS" 0
expect_line "$T/origin.err" 'served 2 requests'
expect_nothing_left

# Errors by share; the run's ledger agrees with the server's own count.
start_origin --errors '100% 503'
expect_equal "status" "$(curl -sS -o "$T/body" -w '%{http_code}' "http://$ORIGIN/")" 503
expect_exit 13 "$rpsctl" run "http://$ORIGIN/" --closed -n 50 -c 2 -q -o "$T/result.json"
expect_figures "$T/result.json" \
	ledger.http_error .ledger.http_error 50 \
	statuses '.statuses["503"]' 50
kill -TERM "$ORIGIN_PID"
wait_exit "$ORIGIN_PID"
expect_line "$T/origin.err" 'served 51 requests .* 51 of them errors'

# A delay is part of the service time.
start_origin --delay 50ms
expect_exit 0 "$rpsctl" run "http://$ORIGIN/" -n 20 -r 100 -q -o "$T/result.json"
expect_figures "$T/result.json" "service is slow" '.latency.service.min_ns >= 50000000' true

# A second one on the same port: a line that names the address.
if "$rpsctl" origin --listen "$ORIGIN" >"$OUT" 2>"$ERR" </dev/null; then
	fail "two origins on one port"
fi
expect_line "$ERR" "$ORIGIN"
expect_line_count "lines of the cause" "$ERR" 1
expect_text stdout "$OUT" ""
end_process "$ORIGIN_PID"
expect_nothing_left

# A fault is seen in the run, and the two ledgers agree.
start_origin --errors '20% 503 after 0' --delay 20ms --close-after 10 --gaps "$T/gaps"
expect_exit 0 "$rpsctl" run "http://$ORIGIN/" --closed -n 100 -c 1 -q -o "$T/result.json"
kill -TERM "$ORIGIN_PID"
wait_exit "$ORIGIN_PID"
figures "$T/result.json" .ledger.http_error
expect_line "$T/origin.err" "${FIGURES[0]} of them errors"
expect_line "$T/origin.err" '^10 connections closed by the origin'
expect_line_count "lines of the log" "$T/gaps" 101
expect_nothing_left

# Its address reaches no reader: it does not serve.
"$rpsctl" origin --listen 127.0.0.1:0 >/dev/full 2>"$ERR" </dev/null &
PIDS+=("$!")
wait_exit "$!"
expect_equal "exit status" "$STATUS" 1
expect_line "$ERR" "cannot write to stdout"
expect_nothing_left

# For programs: what is served and what was, an object each.
start_origin --json --hang 100%
expect_exit 28 curl -sS -m 0.2 "http://$ORIGIN/"
kill -TERM "$ORIGIN_PID"
wait_exit "$ORIGIN_PID"
expect_line_count "objects" "$T/origin.out" 2
tail -n 1 "$T/origin.out" >"$T/last.json"
expect_figures "$T/last.json" hung .hung 1 statuses '.statuses | length' 0

# The service does not write where its file says.
printf '[origin o]\nlisten = 127.0.0.1:0\ngaps = %s\n' "$T/gaps" >"$T/rpsd.conf"
expect_exit 78 "$rpsctl" check "$T/rpsd.conf"
expect_line "$ERR" 'rpsd.conf:3: gaps: '
expect_exit 78 "$rpsd" --check --config "$T/rpsd.conf"
expect_line "$ERR" 'rpsd.conf:3: gaps: '

expect_exit 64 "$rpsctl" origin --listen 127.0.0.1:0 --burn
expect_line "$ERR" '^rpsctl: --burn: there is no service time to burn: add --service 1ms$'
expect_exit 64 "$rpsctl" origin --listen 127.0.0.1:0 --delay soon
expect_line "$ERR" '--delay'
expect_nothing_left
