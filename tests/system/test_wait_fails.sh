#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# rpsctl cannot wait any longer: poll refuses more descriptors than the process may have. It says so in
# a line, whichever command it is, and ends with 69.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# The search for leaks at the end needs a descriptor.
export ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS+:$ASAN_OPTIONS}

# expect_words COMMAND PID FILE: poll is refused to that process from its next call on.
expect_words() {
	prlimit --pid "$2" --nofile=1:1
	kill -WINCH "$2" 2>/dev/null || true # it may have called it by itself
	wait_exit "$2" 10
	expect_equal "exit status of $1" "$STATUS" 69
	expect_line "$3" "rpsctl: cannot wait for the daemon: Invalid argument"
}

start_origin
export RPSCTL_SOCKET=$T/control.socket
"$rpsd" --config /dev/null --socket "$RPSCTL_SOCKET" >"$T/rpsd.out" 2>&1 </dev/null &
PIDS+=("$!")
wait_line "$T/rpsd.out" 'listening on'
run=$("$rpsctl" start "http://$ORIGIN/" -r 10 -d 1h)

start "$rpsctl" watch "$run"
wait_until 10 test -s "$OUT" || fail "watch shows nothing"
expect_words watch "$PID" "$ERR"

start "$rpsctl" run "http://$ORIGIN/" -r 10 -d 1h
wait_until 10 test -s "$ERR" || fail "run shows nothing"
expect_words run "$PID" "$ERR"

expect_words origin "$ORIGIN_PID" "$T/origin.err"
