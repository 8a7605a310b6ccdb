#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The daemon has no memory for one part of the result document: there is the whole document or an
# error, never a document that lacks a member. `make check-faults` lets every allocation fail.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

case $RPSD_BUILD in
*/build/?*)
	skip "allocations that fail (needs a build without sanitizers)"
	exit 0
	;;
esac

start_origin
run() {
	env LD_PRELOAD="$RPSD_BUILD/tests/support/fail_alloc.so" FAIL_ALLOC_IN=rpsd \
		FAIL_ALLOC_OF=own "$@" \
		"$rpsctl" "http://$ORIGIN/" --closed -c 2 -n 20 -q -o "$T/result.json"
}

keys() {
	jq -c '[keys, (.plan, .run, .ledger | keys)]' "$1"
}

run FAIL_ALLOC_COUNT="$T/count" >"$OUT" 2>"$ERR" || :
whole=$(keys "$T/result.json")
read -r own _ <"$T/count"
# The document is made near the end, of several hundred allocations. The exit status does not tell
# whether there is one: a busy machine makes the verdict a bad one.
refused=0
for ((at = own - 110; at < own - 30; at += 6)); do
	rm -f "$T/result.json"
	status=0
	run FAIL_ALLOC_AT="$at" >"$OUT" 2>"$ERR" || status=$?
	if [ -e "$T/result.json" ]; then
		expect_equal "the document's members (allocation $at of $own)" \
			"$(keys "$T/result.json")" "$whole"
	else
		[ "$status" != 0 ] || fail "no document and no error (allocation $at of $own)"
		[ -s "$ERR" ] || fail "exit status $status without a word (allocation $at of $own)"
		refused=$((refused + 1))
	fi
done
[ "$refused" -gt 2 ] || fail "only $refused documents were refused: is anything made to fail?"

# rpsctl itself lacks memory: it does not say that the daemon went away, or that what it reads is invalid.
RPSCTL_SOCKET=$T/control.socket
export RPSCTL_SOCKET
"$rpsd" --config /dev/null --socket "$RPSCTL_SOCKET" >"$T/rpsd.out" 2>&1 </dev/null &
PIDS+=("$!")
wait_line "$T/rpsd.out" 'listening on'
id=$("$rpsctl" start "http://$ORIGIN/" --closed -c 2 -n 20)
"$rpsctl" watch "$id" 2>/dev/null
"$rpsctl" report "$id" -o "$T/whole.json" >"$OUT"
refused=0
printf '[policy]\nallow = 127.0.0.0/8\n[origin o]\nlisten = 127.0.0.1:0\n' >"$T/rpsd.conf"
printf '[target]\nurl = http://127.0.0.1:8000/\n[load]\nstage = hold 10 for 1s\n' >"$T/run.ini"
for command in "status $id" "watch $id" "report $T/whole.json" "check $T/rpsd.conf" "check $T/run.ini" \
	"run $T/run.ini --dry-run"; do
	for ((at = 1; at < 120; at += 3)); do
		status=0
		# shellcheck disable=SC2086  # the command's words
		env LD_PRELOAD="$RPSD_BUILD/tests/support/fail_alloc.so" FAIL_ALLOC_IN=rpsctl \
			FAIL_ALLOC_OF=own FAIL_ALLOC_AT="$at" "$rpsctl" $command \
			>"$OUT" 2>"$ERR" || status=$?
		[ "$status" != 0 ] || continue
		[ -s "$ERR" ] || fail "$command: exit status $status without a word (allocation $at)"
		! file_has "$ERR" 'went away|invalid message|not JSON' ||
			fail "$command blames what it reads (allocation $at)"
		! file_has "$ERR" 'UTF-8' || fail "$command blames a name (allocation $at)"
		! file_has "$ERR" 'out of memory|Cannot allocate' || file_has "$ERR" 'ulimit -v' ||
			fail "$command: out of memory, and no remedy (allocation $at)"
		refused=$((refused + 1))
	done
done
[ "$refused" -gt 9 ] || fail "only $refused commands were refused: is anything made to fail?"

# An origin that has no memory says so, too. It ends where its address reaches no reader.
for ((at = 1; at < 140; at += 3)); do
	status=0
	env LD_PRELOAD="$RPSD_BUILD/tests/support/fail_alloc.so" FAIL_ALLOC_IN=rpsctl \
		FAIL_ALLOC_OF=own FAIL_ALLOC_AT="$at" "$rpsctl" origin --listen 127.0.0.1:0 \
		>/dev/full 2>"$ERR" </dev/null || status=$?
	[ "$status" != 0 ] || fail "the origin has no failure (allocation $at)"
	[ -s "$ERR" ] || fail "origin: exit status $status without a word (allocation $at)"
done

# The line with its address is made by libc, and this time there is none.
status=0
env LC_ALL=C LD_PRELOAD="$RPSD_BUILD/tests/support/fail_alloc.so" FAIL_ALLOC_IN=rpsctl FAIL_ALLOC_OF=libs \
	FAIL_ALLOC_AT=1 FAIL_ALLOC_FOR=20 "$rpsctl" origin --listen 127.0.0.1:0 \
	>"$OUT" 2>"$ERR" </dev/null || status=$?
expect_equal "exit status" "$status" 69
expect_line "$ERR" "out of memory"

# merge compares its files before it reads them.
for at in 1 2 3 4; do
	status=0
	env LD_PRELOAD="$RPSD_BUILD/tests/support/fail_alloc.so" FAIL_ALLOC_IN=rpsctl FAIL_ALLOC_OF=own \
		FAIL_ALLOC_AT="$at" "$rpsctl" merge "$T/whole.json" "$T/no-such.json" \
		>"$OUT" 2>"$ERR" || status=$?
	[ "$status" != 0 ] || fail "merge has no failure (allocation $at)"
	[ -s "$ERR" ] || fail "merge: exit status $status without a word (allocation $at)"
done
