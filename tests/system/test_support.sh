#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The tools that judge the rest: they must be able to say no.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# ---------------------------------------------------------------- what the tests expect with

# refuses REGEX COMMAND...: a helper of lib.sh says no, in these words.
refuses() {
	local regex=$1
	shift
	if ("$@") >/dev/null 2>"$T/refusal"; then
		fail "no error: $*"
	fi
	expect_line "$T/refusal" "$regex"
}

echo '{"a": 1, "b": [2, 3], "c": "x\ny", "d": null}' >"$T/figures.json"
expect_figures "$T/figures.json" one .a 1 all .b '[2,3]' sum '.b | add' 5 none .d null
refuses "the sum is '5' instead of '6'" expect_figures "$T/figures.json" one .a 1 "the sum" '.b | add' 6
refuses "one is '1' instead of ''" expect_figures "$T/figures.json" one .a ''
refuses '3 values of figures.json instead of 2' figures "$T/figures.json" .a '.b[]'
refuses '1 values of figures.json instead of 2' figures "$T/figures.json" .a .b.wrong
refuses '2 values of figures.json instead of 1' figures "$T/figures.json" .c
refuses '0 values of figures.json instead of 1' figures "$T/figures.json" 'no jq'
refuses '0 values of missing.json instead of 1' figures "$T/missing.json" .a

printf 'one\n  two\n\nthree' >"$T/lines"
expect_line_count "ends of lines" "$T/lines" 3
refuses "lines is '3' instead of '4'" expect_line_count lines "$T/lines" 4
matching_lines "$T/lines" '^ *t'
expect_equal "lines that match" "$LINES_SEEN" 2
words_of "$T/lines"
expect_equal "the words" "$WORDS" 'one two three'
expect_text "the text" "$T/lines" $'one\n  two\n\nthree'
refuses "text is '" expect_text text "$T/lines" $'one\n  two\nthree'
refuses "no line with 'four' in lines" expect_line "$T/lines" four

free_port
! port_is_open "$FREE_PORT" || fail "the free port is open"
start_origin
[ "$ORIGIN" = "127.0.0.1:${ORIGIN##*:}" ] || fail "no address: $ORIGIN"
port_is_open "${ORIGIN##*:}" || fail "the origin's port is not open"
find_marked rpsd
[ ${#MARKED[@]} -eq 1 ] || fail "there is one daemon, and ${#MARKED[@]} are found"
RPSD_TEST_TIMES=0 refuses "^.*: left: .*rpsctl origin" expect_nothing_left
end_process "$ORIGIN_PID"
expect_nothing_left

# ---------------------------------------------------------------- the runner of the tests

run_tests=$ROOT/tests/support/run_tests.sh
program() {
	printf '#!/bin/sh\n%s\n' "$2" >"$T/$1"
	chmod +x "$T/$1"
}
program test_good 'echo "100%: Checks: 3, Failures: 0, Errors: 0"'
program test_bad 'echo "50%: Checks: 2, Failures: 1, Errors: 0"; exit 1'
program test_empty 'echo "100%: Checks: 0, Failures: 0, Errors: 0"'
program test_part 'echo "skipped: the half (needs a moon)"'
program test_killed 'kill -KILL $PPID; exec sleep 0.2'
program test_script.sh 'echo "$RPSD_BUILD"; exit 1'

expect_exit 0 "$run_tests" "$T" "$T/test_good" "$T/test_part"
expect_line "$OUT" '/test_good +ok +[0-9]+\.[0-9] s  100%: Checks: 3, Failures: 0, Errors: 0$'
expect_line "$OUT" '/test_part +ok +[0-9]+\.[0-9] s  1 skipped$'
expect_line "$OUT" '^skipped: .*/test_part: the half \(needs a moon\)$'
expect_equal "the last line" "$(tail -n 1 "$OUT")" '2 passed, 0 failed'

# A line as each ends: one that waits for the line of another sees it.
program test_waits 'for i in $(seq 500); do
	if grep -q "test_good .*ok" "'"$OUT"'"; then exit 0; fi
	sleep 0.01
done
exit 1'
expect_exit 0 "$run_tests" "$T" "$T/test_waits" "$T/test_good"

# Every test is run whatever failed before it, and what failed is said once more, last.
expect_exit 1 "$run_tests" "$T" "$T"/test_{bad,empty,killed} "$T/missing" "$T"/test_{script.sh,good}
for failed in 'bad +FAILED +[0-9.]+ s  status 1' 'empty +FAILED .* no check was run' \
	'killed +FAILED ' 'script +FAILED '; do
	expect_line "$OUT" "/test_$failed"
done
expect_equal "the failures named" "$(sed -n 's|^FAILED: .*/||p' "$OUT" | sort | xargs)" \
	'missing test_bad test_empty test_killed test_script'
expect_line "$OUT" '^    50%: Checks: 2'
expect_line "$OUT" "^    $T\$"
expect_equal "the last line" "$(tail -n 1 "$OUT")" '1 passed, 5 failed'
expect_exit 64 "$run_tests" "$T"

# An interrupt ends the tests that run, and says what was known by then.
program test_long 'echo $$ >>"'"$T"'/long"; exec sleep 60'
all_have_started() {
	[ "$(wc -l 2>/dev/null <"$T/long")" = 3 ]
}
start "$run_tests" "$T" "$T"/test_{good,long,long,long,good}
wait_until 10 all_have_started || fail "the long tests do not start"
wait_line "$OUT" 'test_good +ok'
kill -INT "$PID"
wait_exit "$PID" 20
expect_equal "status" "$STATUS" 130
while read -r pid; do
	wait_until 10 is_gone "$pid" || fail "a test lives on"
done <"$T/long"
expect_line "$ERR" '^interrupted: '
expect_equal "the last line" "$(tail -n 1 "$OUT")" '1 passed, 0 failed'

# ---------------------------------------------------------------- packages that are missing

# deps STATUS [COMMAND...]: make deps, of a user who has these commands and no other.
deps() {
	local want=$1 command
	shift
	for command in make sh awk dirname find mkdir pkg-config "$@"; do
		[ -e "$T/bin/$command" ] || ln -s "$(type -P "$command")" "$T/bin/$command"
	done
	# In another folder: what the objects of the build were compiled with is written by any make.
	expect_exit "$want" env -u MAKEFLAGS -u MAKELEVEL PATH="$T/bin" \
		make -C "$T" -f "$ROOT/Makefile" deps DEPS='here gone lost'
}
# stand_in NAME SCRIPT
stand_in() {
	printf '#!/bin/sh\n%s\n' "$2" >"$T/bin/$1"
	chmod +x "$T/bin/$1"
}
mkdir "$T/bin"
stand_in id 'echo 1000'
stand_in dpkg-query 'echo installed here'
deps 2
expect_line "$ERR" '^make: there is no apt-get here; .*: here gone lost$'
stand_in apt-get "echo \"\$*\" >>'$T/apt'"
deps 2
expect_line "$ERR" 'needs root or sudo$'
expect_line "$ERR" '^make: as root: apt-get install gone lost$'
[ ! -e "$T/apt" ] || fail "apt-get was called: $(cat "$T/apt")"
stand_in sudo 'echo "no rights" >&2; exit 1'
deps 2
expect_line "$ERR" '^no rights$'
expect_line "$ERR" '^make: as root: apt-get install gone lost$'
stand_in sudo 'exec "$@"'
deps 0 env
expect_line "$OUT" '^installing: gone lost$'
expect_line "$T/apt" '^install .* gone lost$'
stand_in dpkg-query 'echo installed here; echo installed gone; echo installed lost'
rm "$T/bin/sudo" "$T/bin/apt-get"
deps 0
