#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs of the service are steered by commands: another rate, a pause and its end, the next stage.
# The result tells of each act, the server has got what the result says, and what cannot be is
# refused in one line.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

work=$T/run/control.socket
look=$T/run/observe.socket
mkdir "$T/run"
cat >"$T/rpsd.conf" <<CONF
[control]
socket = $work
observe = $look
[policy]
max-rate = 5000
[origin o]
listen = 127.0.0.1:0
CONF
log=$T/daemon.log
OUT=$T/daemon.out ERR=$log
start "$rpsd" --config "$T/rpsd.conf"
OUT=$T/stdout ERR=$T/stderr
wait_line "$log" 'listening on .*control\.socket'
wait_line "$log" "listening on $look"
wait_address "$log"
url=http://$ADDRESS/
export RPSCTL_SOCKET=$work

# In words of `status`: the state of the run.
state_is() {
	"$rpsctl" status "$id" --json >"$T/state" 2>/dev/null &&
		file_has "$T/state" "\"state\": ?\"$1\""
}

begin() {
	id=$("$rpsctl" start "$@")
	wait_until 5 state_is running || fail "$id does not run"
}

# refused STATUS WORDS ARGS...: one line that says so.
refused() {
	local status=$1 words=$2

	shift 2
	expect_exit "$status" "$rpsctl" "$@"
	expect_line "$ERR" "$words"
	expect_line_count "lines of '$*'" "$ERR" 1
}

report() {
	expect_exit 0 "$rpsctl" watch "$id"
	state_is finished || fail "$id does not end"
	"$rpsctl" report "$id" -o "$T/result.json" >"$T/report.txt" || true
	figures "$T/result.json" .ledger.balanced "$JQ_SENT"
	expect_equal "ledger.balanced" "${FIGURES[0]}" true
	n_sent=$((n_sent + FIGURES[1]))
}

user=$(id -un)
n_sent=0

# A rate, a scale of it, a pause, its end.
begin "$url" -r 200 -d 4s
expect_exit 0 "$rpsctl" set "$id" rate=400
expect_line "$OUT" "^$id: rate 200/s -> 400/s, takes effect at 0:0[0-9]$"
expect_exit 0 "$rpsctl" set rate=x1.1
expect_line "$OUT" "rate 400/s -> 440/s, takes effect at 0:0[0-9]$"
expect_exit 0 "$rpsctl" pause "$id"
expect_line "$OUT" "^$id: pausing, takes effect at 0:0[0-9]$"
# Until then the status says what is ahead; the second look is for the instant itself.
"$rpsctl" status "$id" >"$T/status"
grep -qE "^$id +paused |^    pausing, takes effect at 0:0[0-9]$" "$T/status" || state_is paused ||
	fail "the pause is not seen: $(cat "$T/status")"
wait_until 3 state_is paused || fail "$id is not paused"
refused 77 "$id is paused already" pause "$id"
refused 77 "$id is paused: resume it first" next "$id"
expect_exit 0 "$rpsctl" resume
wait_until 3 state_is running || fail "$id does not go on"
refused 77 "$id is not paused" resume "$id"
refused 77 "rate 6000/s is above \[policy\] max-rate = 5000" set "$id" rate=6000
refused 64 "'fast' is not a rate: write a number and /s.*, or x1.1 of the present one" set "$id" rate=fast
refused 64 "'-5' is out of range: 1/h..10M/s, or x1.1" set "$id" rate=-5
refused 64 "'11M' is too large: .*; the range is 1/h..10M/s" set "$id" rate=11M
refused 77 "0/s is not a rate to continue with; use pause to wait" set "$id" rate=0
refused 77 "/s is out of range: 1/h..10M/s" set "$id" rate=x10000000
refused 64 "'x' is not a scale" set "$id" rate=x
refused 64 "'duration' cannot be set while it runs: only rate can" set "$id" duration=3s
refused 64 "'400' is not KEY=VALUE" set "$id" 400
refused 64 "set: the run comes first: rpsctl set $id rate=5" set rate=5 "$id"
refused 66 "no-such-1" set no-such-1 rate=5
for act in "set rate=300" pause resume next; do
	# shellcheck disable=SC2086  # two words
	refused 77 'refused: your role' $act --socket "$look"
done
report
paused='[.events[] | select(.kind == "pause" or .kind == "resume") | .at_ns] | .[1] - .[0]'
window='.window.end_ns - .window.start_ns - .window.paused_ns'
expect_figures "$T/result.json" \
	kinds '[.events[] | select(.user) | .kind] | join(" ")' "rate rate pause resume" \
	"from and to" '.events[0] | .user + " " + .from + " " + .to' "$user 200/s 400/s" \
	window.paused_ns ".window.paused_ns == ($paused)" true \
	"the window but for the pause" "$window" 4000000000 \
	outcome .run.outcome completed

# The next stage, and after the last one the end.
cat >"$T/staged.ini" <<INI
[target]
url = $url
[load]
stage = hold 100 for 1h
stage = hold 200 for 1h
INI
finished=$id
begin "$T/staged.ini"
# Of which run a report is that names none.
expect_exit 0 "$rpsctl" report
expect_text "what is shown" "$ERR" \
	"$finished is the newest run that has finished; $id is active: rpsctl watch $id"
expect_exit 0 "$rpsctl" report "$finished"
expect_text "stderr for a named run" "$ERR" ""
expect_exit 0 "$rpsctl" next "$id"
expect_line "$OUT" 'next stage, hold 100 for 1h -> hold 200 for 1h, takes effect at 0:[0-9]+$'
expect_exit 0 "$rpsctl" next "$id"
expect_line "$OUT" 'next stage, hold 200 for 1h -> the end, takes effect at 0:[0-9]+$'
report
expect_figures "$T/result.json" outcome .run.outcome completed
expect_exit 0 "$rpsctl" report
expect_text "stderr where none is active" "$ERR" ""
for act in stop pause resume next "set rate=3"; do
	# shellcheck disable=SC2086  # two words
	set -- $act
	refused 66 "^rpsctl: $id has finished; rpsctl report $id shows its report$" \
		"$1" "$id" "${@:2}"
done

# Users can only pause. (A sanitizer needs longer to come to the pause.)
seconds=${RPSD_TEST_TIMES-1}
begin "$url" --closed -c 2 -d "${seconds}s"
refused 77 'a closed run has no rate: its users' set "$id" rate=100
refused 77 'a closed run has no stages' next "$id"
expect_exit 0 "$rpsctl" pause "$id"
wait_until 3 state_is paused || fail "$id is not paused"
expect_exit 0 "$rpsctl" resume "$id"
report
expect_figures "$T/result.json" "the window but for the pause" "$window" $((seconds * 1000000000))

# The trail has who did what, and who was refused.
expect_line "$log" "$user: rate 200/s -> 400/s \(run=.* uid=[0-9]+ pid=[0-9]+\)"
expect_line "$log" "$user: pause \(run="
expect_line "$log" 'refused to set .*: rate 6000/s is above'

# All that was sent has reached the server.
"$rpsctl" origins --json >"$T/origins.json"
expect_figures "$T/origins.json" "requests at the origin" '.. | .requests? // empty' "$n_sent"
