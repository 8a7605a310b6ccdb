#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs check programs, at most two at once, and prints one line for each: its own last line when it
# passed, all of its output when it did not. The exit status is the verdict of all of them.
#
#	tests/unit/run.sh PROGRAM...
set -u

readonly JOBS=2 LIMIT_S=300

if [ $# -eq 0 ]; then
	echo "run.sh: no test program given" >&2
	exit 1
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/rpsd-unit.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
# shellcheck disable=SC2046  # one pid, one word
trap 'kill $(jobs -p) 2>/dev/null; wait; exit 130' INT TERM

# One program: its output and its status go to files named after its place in the list. A program
# that ran no check at all proves nothing and fails.
run_one() {
	local index=$1 program=$2 status=0

	timeout --kill-after=5 "$LIMIT_S" "$program" >"$dir/$index.out" 2>&1 </dev/null &
	# shellcheck disable=SC2064  # this very child
	trap "kill $! 2>/dev/null" TERM
	wait $! || status=$?
	if [ "$status" -eq 0 ] && grep -q '%: Checks: 0,' "$dir/$index.out"; then
		echo "no check was run" >>"$dir/$index.out"
		status=1
	fi
	echo "$status" >"$dir/$index.status"
}

running=0
index=0
for program in "$@"; do
	if [ "$running" -ge "$JOBS" ]; then
		wait -n
		running=$((running - 1))
	fi
	run_one "$index" "$program" &
	running=$((running + 1))
	index=$((index + 1))
done
wait

passed=0
failed=0
index=0
for program in "$@"; do
	name=$(basename "$(dirname "$program")")/$(basename "$program")
	status=$(cat "$dir/$index.status" 2>/dev/null || echo lost)
	if [ "$status" = 0 ]; then
		passed=$((passed + 1))
		printf '%-32s %s\n' "$name" "$(tail -n 1 "$dir/$index.out")"
	else
		failed=$((failed + 1))
		printf '%-32s FAILED (status %s)\n' "$name" "$status"
		sed 's/^/    /' "$dir/$index.out"
	fi
	index=$((index + 1))
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
