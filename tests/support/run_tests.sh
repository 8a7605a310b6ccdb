#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs tests, three at once, for most of their time is waiting: check programs of the build and
# scripts of tests/system. Prints a line as each ends, with the time that it took. At the end come
# what was skipped, then the failed tests with all of their output, then the two numbers. The exit
# status is 0 if at least one test passed and none failed.
#
#	tests/support/run_tests.sh BUILD_DIR TEST...
#
# A test fails by its exit status, by its time limit, or by running no check at all. All limits, also
# those within tests, are multiplied by RPSD_TEST_TIMES: 1, or 4 with a sanitizer. A line
# "skipped: WHAT" of its output says that a part of it cannot run here, and why.
set -u

readonly JOBS=3 PROGRAM_LIMIT_S=300 SCRIPT_LIMIT_S=90

if [ $# -lt 2 ] || [ ! -d "$1" ]; then
	echo "run_tests.sh: usage: tests/support/run_tests.sh BUILD_DIR TEST..." >&2
	exit 64
fi
RPSD_BUILD=$(cd "$1" && pwd)
export RPSD_BUILD
shift
RPSD_TEST_TIMES=${RPSD_TEST_TIMES-$(case $RPSD_BUILD in */build/?*) echo 4 ;; *) echo 1 ;; esac)}
export RPSD_TEST_TIMES
# A check program's own limits, 4 s for most tests, are for a machine that does nothing else.
export CK_TIMEOUT_MULTIPLIER=${CK_TIMEOUT_MULTIPLIER-$((5 * RPSD_TEST_TIMES))}

TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/rpsd-tests.XXXXXX") || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

declare -A number=() # of a pid: the place of its test below
tests=()
names=()
started=()
failed=()
skipped=()
passed=0
for test in "$@"; do
	[ "${test:0:1}" = / ] || test=$PWD/$test
	tests+=("$test")
	# The name has the folder too: engine/test_pool.
	folder=${test%/*}
	name=${test##*/}
	names+=("${folder##*/}/${name%.sh}")
done

# From here on there is no "$()" on the way: bash 5.2 cannot read a trap's command within one.
trap 'stop 130' INT
trap 'stop 143' TERM

# begin PLACE: starts that test, its output goes to a file. timeout puts it in a process group of
# its own, so that the limit ends also what the test has started. A shell ignores SIGINT for its
# background jobs, and the tests send it.
begin() {
	local limit=$PROGRAM_LIMIT_S

	[ "${tests[$1]%.sh}" = "${tests[$1]}" ] || limit=$SCRIPT_LIMIT_S
	started[$1]=${EPOCHREALTIME/[.,]/}
	limit=$((limit * RPSD_TEST_TIMES))
	env --default-signal=INT,QUIT timeout --kill-after=5 "$limit" "${tests[$1]}" \
		>"$TMPDIR/$1.out" 2>&1 </dev/null &
	number[$!]=$1
}

# end_one: waits until a test ends and prints its line.
end_one() {
	local pid i ms line parts=() word=ok note='' status=0

	wait -n -p pid "${!number[@]}" || status=$?
	if [ -z "${pid-}" ]; then
		# The shell forgets a job that a signal ended while a command ran in the foreground.
		for pid in "${!number[@]}"; do
			kill -0 "$pid" 2>/dev/null || break
		done
		wait "$pid" || status=$?
	fi
	i=${number[$pid]}
	unset "number[$pid]"
	ms=$(((${EPOCHREALTIME/[.,]/} - started[i]) / 1000))
	while IFS= read -r line || [ -n "$line" ]; do
		case $line in
		[0-9]*%:\ Checks:\ *) note=$line ;;
		'skipped: '*) parts+=("${names[i]}: ${line#skipped: }") ;;
		esac
	done <"$TMPDIR/$i.out"
	case $status,$note in
	0,*'Checks: 0,'*) note='no check was run' ;;
	0,*)
		skipped+=("${parts[@]}")
		[ ${#parts[@]} -eq 0 ] || note="${note:+$note, }${#parts[@]} skipped"
		status=
		;;
	124,* | 137,*) note="status $status, time limit" ;;
	*) note="status $status" ;;
	esac
	if [ -z "$status" ]; then
		passed=$((passed + 1))
	else
		word=FAILED
		failed+=("$i")
	fi
	printf '%-32s %-6s %3d.%d s%s\n' "${names[i]}" "$word" $((ms / 1000)) \
		$((ms % 1000 / 100)) "${note:+  $note}"
}

summary() {
	local i

	[ ${#skipped[@]} -eq 0 ] || printf 'skipped: %s\n' '' "${skipped[@]}" | tail -n +2
	for i in "${failed[@]}"; do
		echo
		echo "FAILED: ${names[i]}"
		sed 's/^/    /' "$TMPDIR/$i.out"
	done
	[ ${#failed[@]} -eq 0 ] || echo
	echo "$passed passed, ${#failed[@]} failed"
}

# stop STATUS: ends the tests under way, by an interrupt. A timeout that is ended while it still
# forks leaves its test, which is in its process group.
stop() {
	local pids=("${!number[@]}")

	trap '' INT TERM
	kill "${pids[@]}" 2>/dev/null
	kill -- "${pids[@]/#/-}" 2>/dev/null
	wait
	echo "interrupted: ${#number[@]} tests ended, $left not run" >&2
	summary
	exit "$1"
}

left=$#
for i in "${!tests[@]}"; do
	[ ${#number[@]} -lt "$JOBS" ] || end_one
	begin "$i"
	left=$((left - 1))
done
while [ ${#number[@]} -gt 0 ]; do
	end_one
done
summary
[ ${#failed[@]} -eq 0 ] && [ "$passed" -gt 0 ]
