#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Three processes, one schedule: each runs a slice of it from the same instant, and together they
# have sent exactly what one would have sent.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

log=$T/daemon.log
printf '[control]\nsocket = %s\nobserve =\n[origin o]\nlisten = 127.0.0.1:0\n' \
	"$T/control.socket" >"$T/rpsd.conf"
OUT=$T/daemon.out ERR=$log
start "$rpsd" --config "$T/rpsd.conf"
OUT=$T/stdout ERR=$T/stderr
wait_line "$log" 'listening on .*control\.socket'
wait_address "$log"
url=http://$ADDRESS/

# ask_origin: sets SERVED to the number of requests that it has seen.
ask_origin() {
	"$rpsctl" origins --socket "$T/control.socket" --json >"$T/origins.json"
	figures "$T/origins.json" '.. | .requests? // empty'
	SERVED=${FIGURES[0]}
}

# slices SPACING: 301 arrivals over 2 s, in three slices of two workers each.
slices() {
	local at before pids=() i sha256

	ask_origin
	before=$SERVED
	at=$((EPOCHSECONDS + 3))
	for i in 1 2 3; do
		"$rpsctl" "$url" -r 150.5 -d 2s -t 2 --slice "$i/3" --at "$at" \
			--set "load.arrivals=$1" --set connections.exhausted=grow -q \
			-o "$T/$i.json" >"$T/$i.txt" 2>&1 &
		pids+=($!)
		PIDS+=($!)
	done
	for i in "${pids[@]}"; do
		wait_exit "$i" 20
		expect_equal "status of a slice" "$STATUS" 0
	done
	figures "$T/1.json" .plan.sha256
	sha256=${FIGURES[0]}
	for i in 1 2 3; do
		# The start is to the clock's steps; the schedule itself begins at one instant.
		expect_figures "$T/$i.json" \
			"planned by slice $i, $1" .ledger.planned $((i == 1 ? 101 : 100)) \
			"slice of $i" '.plan.slice | "\(.index)/\(.of)"' "$i/3" \
			"sha256 of $i" .plan.sha256 "$sha256" \
			"start of $i" '.run.started_unix_ns / 1e8 | round' "${at}0"
	done
	ask_origin
	expect_equal "requests at the origin" $((SERVED - before)) 301
	expect_exit 0 "$rpsctl" merge "$T/1.json" "$T/2.json" "$T/3.json" -o "$T/sum.json"
	expect_figures "$T/sum.json" "planned in all" .ledger.planned 301
}

slices constant
slices poisson

# What is no slice, and no instant to wait for.
expect_exit 64 "$rpsctl" "$url" --slice 4/3
expect_line "$ERR" "'4/3' is not a slice"
expect_exit 64 "$rpsctl" "$url" --closed --slice 1/3
expect_line "$ERR" 'a closed model has no slices'
# A dry run ends as the start would, and a check of a file does so too.
printf '[target]\nurl = %s\n[load]\nrate = 10\nduration = 1s\n' "$url" >"$T/plan.ini"
for instant in 2020-01-01T00:00:00Z $((EPOCHSECONDS + 90000)); do
	expect_exit 77 "$rpsctl" "$url" -r 10 --at "$instant" -q
	expect_line "$ERR" '^rpsctl: refused: its start at [-0-9]+T[0-9:]+Z \(at, --at\) is (past|more than)'
	mistake=$(sed 's/is [-0-9]*T[0-9:]*Z;/is NOW;/' "$ERR")
	for flags in -q "-q --json"; do
		# shellcheck disable=SC2086
		expect_exit 77 "$rpsctl" "$url" -r 10 --at "$instant" --dry-run $flags
		expect_equal "the dry run's line" "$(sed 's/is [-0-9]*T[0-9:]*Z;/is NOW;/' "$ERR")" \
			"$mistake"
	done
	echo "$(<"$T/plan.ini")"$'\n'"at = $instant" >"$T/at.ini"
	expect_exit 78 "$rpsctl" check "$T/at.ini"
	expect_line "$ERR" "^$T/at.ini:6: at: its start at .* is (past|more than 24 h ahead)"
done
expect_exit 0 "$rpsctl" "$url" -r 10 --at $((EPOCHSECONDS + 600)) --dry-run -q

# Who waits for the instant can be stopped.
start "$rpsctl" "$url" --at $((EPOCHSECONDS + 3600))
wait_line "$ERR" "running privately"
kill -INT "$PID"
wait_exit "$PID" 10
expect_equal "status of one stopped before its start" "$STATUS" 14
