#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a daemon, or a result that somebody sent, says is foreign: whatever is in it, rpsctl prints no
# character that steers a terminal, in no command, on neither stream, and not as JSON.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

"$ROOT/tests/support/foreign_daemon.pl" "$T/socket" "$T/reply" &
PIDS+=("$!")
wait_until 5 test -S "$T/socket" || fail "the foreign daemon does not listen"
export RPSCTL_SOCKET=$T/socket

# ESC, BEL, DEL, CSI (C1), and an override and an isolate of the direction of text, as JSON has them.
evil='x\u001b]0;t\u0007\u001b[2J\u007f\u0085\u009b31m\u202e\u2066y'
steers=$'[\x01-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]'

# has_steering FILE: a character that steers, in bytes, whatever the locale.
has_steering() {
	local LC_ALL=C

	[[ $(<"$1") =~ $steers ]]
}

# harmless COMMAND...: prints, and nothing that steers.
harmless() {
	"$rpsctl" "$@" >"$OUT" 2>"$ERR" </dev/null || :
	file_has "$OUT" 'x.*y' || file_has "$ERR" 'x.*y' ||
		fail "rpsctl $* does not show what the daemon said"
	for said in "$OUT" "$ERR"; do
		! has_steering "$said" || fail "rpsctl $* lets through what steers: $(od -c "$said" | head)"
	done
}

# answer PARAMETERS [ERROR]
answer() {
	printf '{%s"parameters": %s}' "${2:+\"error\": \"$2\", }" "$1" >"$T/reply"
}

answer "{\"text\": \"[load]\\nlabel = $evil\\n\"}"
harmless show
harmless show some
answer "{\"stopped\": [\"$evil\"]}"
harmless stop
answer "{\"id\": \"$evil\"}"
harmless start some
answer "{\"run\": \"$evil\", \"event\": {\"at_ns\": 1, \"kind\": \"rate\", \"text\": \"$evil\"}}"
harmless set rate=5
harmless pause
answer "{\"plans\": [{\"name\": \"$evil\", \"target\": \"$evil\", \"summary\": \"$evil\", \"problem\": null},
	{\"name\": \"$evil\", \"target\": \"\", \"summary\": \"\", \"problem\": \"$evil\"}]}"
harmless list
harmless list --json
answer "{\"daemon\": {\"version\": \"$evil\", \"allow\": [\"$evil\"]}, \"runs\": [{\"id\": \"$evil\",
	\"state\": \"$evil\", \"user\": \"$evil\", \"target\": \"$evil\", \"reason\": \"$evil\"}]}"
harmless status
harmless status --json
answer "{\"origins\": [{\"name\": \"$evil\", \"address\": \"$evil\"}]}"
harmless origins
harmless origins --json

# Errors, also of names that nobody knows.
answer "{\"problems\": [\"$evil\"]}" io.rpsd.Control.PlanInvalid
harmless start some
harmless run --service some
for error in Refused Unavailable; do
	answer "{\"reason\": \"$evil\"}" "io.rpsd.Control.$error"
	harmless stop
done
answer "{\"run\": \"$evil\", \"state\": \"$evil\"}" io.rpsd.Control.NotFinished
harmless report
answer "{\"run\": \"$evil\"}" io.rpsd.Control.Finished
harmless pause
answer "{\"run\": \"$evil\"}" io.rpsd.Control.NoSuchRun
harmless report
answer "{\"parameter\": \"$evil\"}" org.varlink.service.InvalidParameter
harmless status
answer "{}" "$evil"
harmless status

# A result from elsewhere, in each format; a file that is written is as safe to look at.
cat >"$T/result.json" <<END
{"schema": "rpsd.result/1", "run": {"id": "$evil", "name": "$evil", "user": "$evil", "outcome":
"$evil", "reason": "$evil", "labels": {"$evil": "$evil"}}, "headline": {"result": "$evil", "because":
"$evil", "try": "$evil"}, "plan": {"text": "$evil", "model": "$evil", "target": {"url": "$evil"}},
"errors": [{"class": "$evil", "phase": "$evil", "count": 1, "example": "$evil"}], "requests": {"$evil":
{"method": "$evil", "target": "$evil"}}, "generator": {"notes": [{"code": "$evil", "text": "$evil",
"try": "$evil"}], "version": "$evil"}, "events": [{"at_ns": 1, "kind": "$evil", "text": "$evil"}]}
END
harmless report "$T/result.json"
harmless report "$T/result.json" -v
harmless report "$T/result.json" --json
for ending in json txt md; do
	harmless report "$T/result.json" -o "$T/again.$ending"
	! has_steering "$T/again.$ending" || fail "the .$ending has characters that steer"
done
# JSON says the same as before.
expect_exit 0 "$rpsctl" report "$T/result.json" --json
cmp -s <(jq -S . "$OUT") <(jq -S . "$T/result.json") || fail "the JSON does not say the same"
