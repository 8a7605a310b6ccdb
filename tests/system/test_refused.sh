#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Nobody listens: the run fails at once, and one line says why and names the address.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

port=$(free_port)
expect_exit 13 "$rpsctl" run "http://127.0.0.1:$port/" -r 100 -d 30s -q
expect_equal "lines that say why" "$(grep -ci "127\.0\.0\.1:$port.*refused" "$OUT")" 1
expect_equal "stderr" "$(cat "$ERR")" ""
expect_nothing_left

# Policy forbids an address that is learnt only from its name: nobody is told to look at the server.
expect_exit 77 "$rpsctl" run http://2852039166/ -r 100 -d 30s -q
expect_line "$OUT" 'FAILED .*metadata'
if grep -q listens "$OUT"; then
	fail "the server is blamed: $(cat "$OUT")"
fi

# The scheme and the word run may be left out.
expect_exit 13 "$rpsctl" "127.0.0.1:$port/" -r 100 -d 30s -q
expect_line "$OUT" "127\.0\.0\.1:$port.*refused"
expect_nothing_left
