#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a report says went wrong, and what it advises, is what did go wrong.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# says REGEX: the report does, wherever its lines break. says_not REGEX.
says() {
	words_of "$OUT"
	[[ $WORDS =~ $1 ]] || fail "'$1' is not said"
}

says_not() {
	words_of "$OUT"
	[[ ! $WORDS =~ $1 ]] || fail "'$1' is said"
}

# A server that accepts nothing for longer than requests wait: what they waited for is the server,
# and no connection that was busy.
start_origin --backlog 1 --accept-stall 30s
expect_exit 13 "$rpsctl" run "http://$ORIGIN/" -r 20 -d 1s --timeout 500ms -o "$T/result.json"
expect_figures "$T/result.json" \
	"not connected" '.ledger.not_connected > 10' true \
	expired .ledger.expired 0 \
	limit .headline.limited_by server
says 'found a connection'
says 'try a longer listen backlog in the server'
says_not 'more connections \(-c\)'
end_process "$ORIGIN_PID"
expect_nothing_left

# stopped_twice FLAGS...: a run that is stopped a second time while it waits for its answers.
stopped_twice() {
	start "$rpsctl" run "http://$ORIGIN/" "$@" -d 60s -o "$T/result.json"
	wait_line "$ERR" 'sent [1-9]' 15
	kill -INT "$PID"
	wait_line "$ERR" '^stopping'
	kill -INT "$PID"
	wait_exit "$PID" 10
	expect_equal "exit status" "$STATUS" 130
	expect_figures "$T/result.json" \
		"no answer" '.ledger.unfinished > 0 and
			.ledger.unfinished + .ledger.unsent == .ledger.planned' true \
		limit .headline.limited_by unknown
	figures "$T/result.json" '.ledger.unfinished + .ledger.unsent'
	says "${FIGURES[0]} requests had no answer yet when it was stopped"
	says 'no answer yet when the run was stopped'
	says_not 'limited by'
	says_not '100 % failed ·'
	says_not 'drain'
}

# Answers that take longer than the person who stops the run waits: nothing is known of the server.
start_origin --delay 50s
stopped_twice -r 50
stopped_twice -c 20
end_process "$ORIGIN_PID"
expect_nothing_left

# Milliseconds name no limit, and no next rate.
start_origin
for few in '-c 10 -n 5' '-c 2 -n 100'; do
	# shellcheck disable=SC2086  # flags
	expect_exit 0 "$rpsctl" run "http://$ORIGIN/" $few -o "$T/result.json"
	if [ "$(json "$T/result.json" '.window.end_ns - .window.start_ns < 500e6')" = false ]; then
		skip "a run that is too short (needs a machine that is not this busy)"
		continue
	fi
	expect_figures "$T/result.json" limit .headline.limited_by unknown
	says 'too short to name a limit'
	says_not 'limited by'
	says_not 'ceiling| next -r|-t 2'
done
expect_exit 0 "$rpsctl" run "http://$ORIGIN/" -r max -d 1s -o "$T/result.json"
says 'limited by the (server|generator)'
says ' next -r [0-9]'
end_process "$ORIGIN_PID"
expect_nothing_left

# A server that has a limit of connections and resets those beyond it, while it answers on the others.
start_origin --max-connections 1
expect_exit 0 "$rpsctl" run "http://$ORIGIN/" -c 30 -d 1s -o "$T/result.json"
expect_figures "$T/result.json" \
	"some were reset" '.connections.reset_beside > 0' true \
	"some worked" '.ledger.ok > 0' true
says 'the server reset [0-9,]+ connections? before an answer, while others worked'
says 'try fewer connections \(-c\), or a higher limit of connections in the server'
says_not 'see that the server is up'
end_process "$ORIGIN_PID"
expect_nothing_left

# is_quiet: this machine held up neither generator nor server for long while the last run lasted.
is_quiet() {
	[ "$(json "$T/result.json" '.latency.our_delay.max_ns < 100e6')" = true ] && return
	skip "what the report blames (needs a machine that is not this busy)"
	return 1
}

# Answers that never come, among fast ones: no rate is to blame, whatever the medians of few rows do.
start_origin --hang 10% --delay 10ms
expect_exit 0 "$rpsctl" run "http://$ORIGIN/" -r 50 -d 2s --timeout 500ms -o "$T/result.json"
expect_figures "$T/result.json" "some hung" '.ledger.timeout > 0' true
if is_quiet; then
	expect_figures "$T/result.json" limit .headline.limited_by server
	says 'of 100 requests got no answer within 500 ms, while the others took'
	says_not 'try -r'
fi
end_process "$ORIGIN_PID"
expect_nothing_left

# A server of one request at a time: with more connections each answer takes longer.
start_origin --service 20ms
expect_exit 0 "$rpsctl" run "http://$ORIGIN/" -r 100 -d 2s -c 5 -o "$T/result.json"
if is_quiet; then
	expect_figures "$T/result.json" limit .headline.limited_by server
	says 'with 5 connections in use an answer took 1.. ms \(p50\), alone 2.* ms'
	says 'try -r [34].: a tenth below what it carried'
	says_not 'more connections \(-c\), or'
fi
# A stage that is too much, between two that are not.
expect_exit 0 "$rpsctl" run "http://$ORIGIN/" --stage 'hold 20 for 1s' --stage 'hold 100 for 2s' \
	--stage 'hold 20 for 2s' -o "$T/result.json"
expect_figures "$T/result.json" limit .headline.limited_by server
says 'OVERLOAD limited by the server: answered [0-9.]+/s of 100/s asked in stage 2 \(hold 100 for 2s\)'
says 'try [34]./s in stage 2'
# Most time out there: what came in time is far less than it carries.
expect_exit 0 "$rpsctl" run "http://$ORIGIN/" -r 100 -d 2s --timeout 300ms -o "$T/result.json"
expect_figures "$T/result.json" "most timed out" '.ledger.timeout > .ledger.ok' true
says 'try -r max -c 4 to find what it carries'
end_process "$ORIGIN_PID"
expect_nothing_left

# Half of the answers keep all connections busy: 5 / 510 ms is less than 20/s.
start_origin --delay '50% 20ms, 50% 1s'
expect_exit 0 "$rpsctl" run "http://$ORIGIN/" -r 20 -d 3s -c 5 -o "$T/result.json"
expect_figures "$T/result.json" limit .headline.limited_by connections
says 'more connections \(-c\)'
end_process "$ORIGIN_PID"
expect_nothing_left

# A server that closes idle connections: what waits for another to open is in no queue.
start_origin --idle 50ms
expect_exit 0 "$rpsctl" run "http://$ORIGIN/" -r 10 -d 2s -c 2 -o "$T/result.json"
expect_figures "$T/result.json" "closed by the server" '.connections.closed_by_peer > 10' true
says_not 'queue for a connection|holds the server up'
if is_quiet; then
	expect_figures "$T/result.json" limit .headline.limited_by plan
fi
end_process "$ORIGIN_PID"
expect_nothing_left

# Users for whom connections open no faster than they may, and users whom the service holds back: in
# both cases the server is idle.
start_origin --close-after '1 header'
expect_exit 0 "$rpsctl" run "http://$ORIGIN/" -c 4 -d 1s --set connections.open-rate=100 \
	-o "$T/result.json"
expect_figures "$T/result.json" limit .headline.limited_by connections
says 'limited by connections: [0-9]+ of [0-9]+ requests waited for connections to be opened, 100/s'
says 'or keep-alive at the server'
end_process "$ORIGIN_PID"
expect_nothing_left

mkdir "$T/run"
cat >"$T/rpsd.conf" <<CONF
[control]
socket = $T/run/control.socket
observe =
[policy]
max-rate = 200
[origin o]
listen = 127.0.0.1:0
CONF
OUT=$T/daemon.out ERR=$T/daemon.log
start "$rpsd" --config "$T/rpsd.conf"
service=$PID
OUT=$T/stdout ERR=$T/stderr
wait_line "$T/daemon.log" 'listening on .*control\.socket'
wait_address "$T/daemon.log"
export RPSCTL_SOCKET=$T/run/control.socket
id=$("$rpsctl" start "http://$ADDRESS/" -r max -c 4 -d 1s)
expect_exit 0 "$rpsctl" watch "$id"
expect_exit 0 "$rpsctl" report "$id" -o "$T/result.json"
expect_figures "$T/result.json" limit .headline.limited_by policy allowed .rates.allowed_per_s 200
says 'limited by the policy of the service: max-rate = 200/s'
says 'try a higher \[policy\] max-rate'
end_process "$service"
expect_nothing_left
