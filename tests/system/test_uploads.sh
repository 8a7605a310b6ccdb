#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bodies arrive whole, wherever they come from.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

perl "$ROOT/tests/support/body_counter.pl" >"$T/bodies" 2>"$T/bodies.err" &
COUNTER_PID=$!
PIDS+=("$COUNTER_PID")
counter_listens() { [ -s "$T/bodies" ]; }
wait_until 5 counter_listens || fail "the server does not start: $(cat "$T/bodies.err")"
url=http://127.0.0.1:$(head -n 1 "$T/bodies")/
n_lines=1

# sent LINE RPSCTL-ARGS...: one request, whose body the server has described so.
sent() {
	local want=$1
	shift
	"$rpsctl" "$@" -n 1 -r 10 -q >"$OUT" 2>"$ERR" || fail "status $? of '$*': $(cat "$ERR")"
	n_lines=$((n_lines + 1))
	expect_equal "body of '$*'" "$(sed -n "$n_lines,\$p" "$T/bodies" | tr -d "\0")" "$want"
}

# Standard input, a file that is called like it, and a text that looks like a file.
cd "$T"
printf 'from a file' >./-
sent '11 from a pipe' "$url" --data @- < <(printf 'from a pipe')
sent '11 from a file' "$url" --data @./-
sent '10 to the @me' "$url" --data 'to the @@me' -H 'X-To: @@you'
printf '[target]\nurl = %s\n[defaults]\nmethod = PUT\nbody = say @-\n' "$url" >run.ini
sent '15 say from a pipe' ./run.ini < <(printf 'from a pipe')

# What fits into memory, by several requests too; in the service there is a limit, which is named.
truncate -s 100M large
sent '104857600 ' "$url" --data @large
printf '[target]\nurl = %s\n[defaults]\nmethod = PUT\n[request a]\nbody = @large\n' "$url" >large.ini
expect_exit 0 "$rpsctl" check ./large.ini
expect_line "$OUT" 'body of 100 MiB'
expect_exit 78 "$rpsctl" run --service ./large.ini
expect_line "$ERR" '^\./large\.ini:6: body: \./large: the files of a run in the service have more than 10 MiB'

expect_nothing_left
