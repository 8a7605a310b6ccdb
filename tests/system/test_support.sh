#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The tools that judge the rest: they must be able to say no.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

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
