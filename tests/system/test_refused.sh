#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Nobody listens: the run fails at once, and one line says why and names the address.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

free_port
port=$FREE_PORT
expect_exit 13 "$rpsctl" run "http://127.0.0.1:$port/" -r 100 -d 30s -q
matching_lines "$OUT" "127\.0\.0\.1:$port.*[Rr]efused"
expect_equal "lines that say why" "$LINES_SEEN" 1
expect_text stderr "$ERR" ""
expect_nothing_left

# Policy forbids an address that is learnt only from its name: nobody is told to look at the server.
expect_exit 77 "$rpsctl" run http://2852039166/ -r 100 -d 30s -q
expect_line "$OUT" 'FAILED .*metadata'
! file_has "$OUT" listens || fail "the server is blamed"

# The scheme and the word run may be left out.
expect_exit 13 "$rpsctl" "127.0.0.1:$port/" -r 100 -d 30s -q
expect_line "$OUT" "127\.0\.0\.1:$port.*refused"
expect_nothing_left
