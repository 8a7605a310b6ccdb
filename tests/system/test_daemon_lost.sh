#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The private daemon is killed in the middle of a run: rpsctl says so in a line and ends with 69.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

rpsd_pid() {
	marked_processes | awk -v origin="$ORIGIN_RPSD" '$2 == "rpsd" && $1 != origin { print $1 }'
}

has_rpsd() {
	[ -n "$(rpsd_pid)" ]
}

ORIGIN_RPSD=
start_origin
ORIGIN_RPSD=$(rpsd_pid)
start "$rpsctl" run "http://$ORIGIN/" -r 200 -d 30s
wait_until 5 has_rpsd || fail "no private daemon"
wait_line "$ERR" '[0-9]' 10
victim=$(rpsd_pid)
kill -KILL "$victim"
wait_exit "$PID" 10
expect_equal "exit status" "$STATUS" 69
expect_line "$ERR" "rpsctl: the daemon went away"
expect_equal "stdout" "$(cat "$OUT")" ""
end_process "$ORIGIN_PID"
expect_nothing_left
