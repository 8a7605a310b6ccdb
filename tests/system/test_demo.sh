#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The demo leaves nothing behind, whether it ends or is interrupted.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir "$T/demo-tmp"
demo() {
	TMPDIR=$T/demo-tmp "$@"
}

expect_exit 0 demo "$ROOT/conf/demo.sh" "$RPSD_BUILD" -r 500 -d 1s
expect_line "$OUT" 'planned +500 '
expect_line "$OUT" 'ledger balances'
expect_line "$OUT" 'the server itself counted: 500 '
expect_nothing_left
expect_equal "files left" "$(ls -A "$T/demo-tmp")" ""

# As a terminal does it: SIGINT for the whole group. setsid makes it one.
start env TMPDIR="$T/demo-tmp" setsid "$ROOT/conf/demo.sh" "$RPSD_BUILD" -r 200 -d 50s
wait_line "$ERR" 'ok [1-9]' 15
kill -INT -- "-$PID"
wait_exit "$PID" 20
expect_equal "exit status" "$STATUS" 14
expect_line "$OUT" 'ledger balances'
expect_nothing_left
expect_equal "files left" "$(ls -A "$T/demo-tmp")" ""

# Not built: one line, no trace.
expect_exit 69 demo "$ROOT/conf/demo.sh" "$T"
[ -s "$ERR" ] || fail "no word on what is missing"
expect_equal "files left" "$(ls -A "$T/demo-tmp")" ""
