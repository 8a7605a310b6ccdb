#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The private daemon of a run or of an origin is killed: rpsctl says so in a line and ends with 69.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# has_rpsd: one that is not the origin's; its pid is then in RPSD_PID.
has_rpsd() {
	find_marked rpsd
	for RPSD_PID in "${MARKED[@]}"; do
		[ "$RPSD_PID" = "$ORIGIN_RPSD" ] || return 0
	done
	return 1
}

start_origin
find_marked rpsd
ORIGIN_RPSD=${MARKED[0]}
start "$rpsctl" run "http://$ORIGIN/" -r 200 -d 30s
wait_until 5 has_rpsd || fail "no private daemon"
wait_line "$ERR" '[0-9]' 10
kill -KILL "$RPSD_PID"
wait_exit "$PID" 10
expect_equal "exit status" "$STATUS" 69
expect_line "$ERR" "^rpsctl: the daemon went away in the middle of the run \(signal 9, Killed: by a person, or by the kernel where memory ran out, as dmesg tells\)$"
expect_text stdout "$OUT" ""

# The same of the origin's.
kill -KILL "$ORIGIN_RPSD"
wait_exit "$ORIGIN_PID" 10
expect_equal "exit status" "$STATUS" 69
expect_line "$T/origin.err" "^rpsctl: private rpsd: the daemon went away \(signal 9, Killed: .*\)$"
expect_nothing_left
