#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The race for a kept connection: the server closes it just as it is used again. What may be
# repeated is repeated once, on a connection that is not in the same danger, and ends well; what may
# not is told as stale. A request that the server had is neither. Both sides count the same.
# shellcheck disable=SC2016  # jq's variables
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

readonly hostile=$RPSD_BUILD/tests/support/hostile
readonly n=200
[ -x "$hostile" ] || fail "$hostile is not built; make system does"
ok='HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

# figure NAME JQ-EXPRESSION: it holds for the last result.
figure() {
	jq -e --argjson n $n --argjson served "$SERVED" "$2" "$T/result.json" >/dev/null ||
		fail "$1: not $2 with $SERVED requests at the server, but $(jq -c '[.ledger,
			.errors, .outside.retries, .connections]' "$T/result.json")"
}

# race STATUS SCRIPT FLAGS...: a run of n requests against a server of that script.
race() {
	local status=$1 server

	: >"$T/server" # here, not in the child: the last one's line is not this one's
	"$hostile" --limit 10s "$2" >"$T/server" 2>&1 </dev/null &
	server=$!
	PIDS+=("$server")
	wait_line "$T/server" '127\.0\.0\.1:[0-9]+'
	shift 2
	expect_exit "$status" "$rpsctl" run "http://$(grep -oE '127\.0\.0\.1:[0-9]+' "$T/server")/" \
		-q --set timeouts.request=5s -o "$T/result.json" "$@"
	kill "$server"
	wait "$server" || true
	SERVED=$(awk '$1 == "requests" { print $2 }' "$T/server")
	figure "the ledger" '.ledger.balanced and .ledger.planned == .ledger.sent'
	figure "both counts" '$served <= .ledger.sent + .outside.retries'
}

# A server that closes after each answer and does not say so: some requests are on their way then.
# (A busy machine may make a reset come too late for a race.)
script="request send \"$ok\" close"
for flags in "--closed -n $n -c 1" "--closed -n $n -c 4" "-r 400 -n $n -c 4"; do
	# shellcheck disable=SC2086  # several words
	race 0 "$script" $flags
	figure "GET, $flags" '.ledger.ok + .ledger.connection_error == $n and
		.ledger.ok >= $n * 0.9 and ([.errors[].class] - ["stale", "reset"]) == []'
	case $flags in --closed*) figure "its retries" '.outside.retries > 0' ;; esac
done
# A POST may have been processed.
race 0 "$script" --closed -n $n -c 2 -X POST --data x
figure "POST" '.outside.retries == 0 and .ledger.connection_error > 0 and
	.ledger.ok + .ledger.connection_error == $n and
	([.errors[].class] - ["stale", "reset"]) == []'

# A server that reads every second request and closes, at once or after a moment of work, has
# dropped it: an error each, sent once. A reset at once might be a race.
for how in close "delay 60ms close" "delay 60ms rst"; do
	class=closed
	[ "$how" = "${how%rst}" ] || class=reset
	for flags in "-X GET" "-X POST --data x"; do
		# shellcheck disable=SC2086  # several words
		race 0 "request send \"$ok\" request $how" --closed -n 20 -c 2 $flags
		figure "dropped, $how, $flags" ".ledger.connection_error >= 9 and
			.ledger.ok + .ledger.connection_error == 20 and .outside.retries == 0 and
			[.errors[].class] == [\"$class\"] and \$served == .ledger.sent"
	done
done

# A kept connection that the server has closed long before is no race. (A slow machine's server may
# close late.)
race 0 "request send \"$ok\" close" -r 20 -n 20 -c 1 -X POST --data x
figure "closed while idle" '.ledger.ok >= 15 and .outside.retries == 0 and
	([.errors[].class] - ["stale"]) == []'

# A server that answers nothing is not asked twice.
race 13 "request close" --closed -n $n -c 2
figure "closes always" '.ledger.connection_error == $n and .outside.retries == 0 and
	([.errors[].class] == ["closed"])'
expect_nothing_left

# ---------------------------------------------------------------- nginx

# Connections that it closes all the time, after a few requests and after a moment of idleness.
start_nginx "keepalive_requests 3;" "keepalive_timeout 1;"
for flags in "--closed -c 8 -n 3000" "-r 400 -d 3s -c 50" "-r 20 -d 4s -c 20 --set connections.reuse=rotate"; do
	: >"$NGINX_LOG"
	# shellcheck disable=SC2086  # several words
	expect_exit 0 "$rpsctl" run "http://127.0.0.1:$NGINX_PORT/" $flags -q -o "$T/result.json"
	sent=$(json "$T/result.json" .ledger.sent)
	wait_until 3 nginx_log_has_lines "$sent" || true
	SERVED=$(wc -l <"$NGINX_LOG")
	figure "nginx, $flags" '.ledger.balanced and .ledger.ok == .ledger.planned and .errors == []'
	figure "nginx's count" '.ledger.sent <= $served and
		$served <= .ledger.sent + .outside.retries'
done
expect_nothing_left
