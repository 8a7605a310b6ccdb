#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the system tests, two at once, for most of their time is waiting: every executable
# tests/system/test_*.sh, with the programs of BUILD_DIR. What a failing one said is printed.
#
#	tests/system/run.sh BUILD_DIR [TEST...]
set -u

readonly JOBS=2 LIMIT_S=90

if [ $# -lt 1 ] || [ ! -d "$1" ]; then
	echo "run.sh: usage: tests/system/run.sh BUILD_DIR [TEST...]" >&2
	exit 64
fi
RPSD_BUILD=$(cd "$1" && pwd)
export RPSD_BUILD
shift

here=$(cd "$(dirname "$0")" && pwd)
if [ $# -eq 0 ]; then
	set -- "$here"/test_*.sh
fi

TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/rpsd-system.XXXXXX") || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
# shellcheck disable=SC2046  # one pid, one word
trap 'kill $(jobs -p) 2>/dev/null; wait; exit 130' INT TERM

# One test: its output and its status go to files of its name.
run_one() {
	local test name child status=0

	test=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
	name=$(basename "$test" .sh)
	# In its own group, so that the limit ends also what the test has started; behind a wait, so
	# that an interrupt is heard at once. A shell ignores SIGINT for its background jobs; the
	# tests send it.
	env --default-signal=INT,QUIT timeout --kill-after=5 "$LIMIT_S" "$test" \
		>"$TMPDIR/$name.out" 2>&1 </dev/null &
	child=$!
	# shellcheck disable=SC2064  # this very child
	trap "kill $child 2>/dev/null" TERM
	wait "$child" || status=$?
	echo "$status" >"$TMPDIR/$name.status"
}

running=0
for test in "$@"; do
	[ -x "$test" ] || continue
	if [ "$running" -ge "$JOBS" ]; then
		wait -n
		running=$((running - 1))
	fi
	run_one "$test" &
	running=$((running + 1))
done
wait

passed=0
failed=0
for test in "$@"; do
	[ -x "$test" ] || continue
	name=$(basename "$test" .sh)
	status=$(cat "$TMPDIR/$name.status" 2>/dev/null || echo lost)
	if [ "$status" = 0 ]; then
		passed=$((passed + 1))
		printf '%-32s ok\n' "$name"
	else
		failed=$((failed + 1))
		printf '%-32s FAILED (status %s)\n' "$name" "$status"
		sed 's/^/    /' "$TMPDIR/$name.out"
	fi
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
