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

# holds [NAME JQ-CONDITION]...: for the last result, of which SERVED requests reached the server.
holds() {
	local said filter="$n as \$n | $SERVED as \$served | ([.ledger, .errors, .outside.retries,
		.connections] | tojson) as \$seen | empty"

	while [ $# -gt 0 ]; do
		filter+=", (if $2 then empty else \"$1: \(\$seen)\" end)"
		shift 2
	done
	said=$(jq -r "$filter" "$T/result.json")
	[ -z "$said" ] || fail "with $SERVED requests at the server: $said"
}

# race STATUS SCRIPT FLAGS...: a run of n requests against a server of that script.
race() {
	local status=$1 server

	: >"$T/server" # here, not in the child: the last one's line is not this one's
	"$hostile" --limit 10s "$2" >"$T/server" 2>&1 </dev/null &
	server=$!
	PIDS+=("$server")
	wait_address "$T/server"
	shift 2
	expect_exit "$status" "$rpsctl" run "http://$ADDRESS/" -q --set timeouts.request=5s \
		-o "$T/result.json" "$@"
	kill "$server"
	wait "$server" || true
	expect_line "$T/server" '^requests ([0-9]+)'
	SERVED=${BASH_REMATCH[1]}
}

# race_ends [NAME JQ-CONDITION]...: with a ledger that balances, and these hold too.
race_ends() {
	holds "the ledger" '.ledger.balanced and .ledger.planned == .ledger.sent' \
		"both counts" '$served <= .ledger.sent + .outside.retries' "$@"
}

# A server that closes after each answer and does not say so: most often some requests are on their way
# then. A busy machine may make a reset come too late for a race, or leave no race at all, when each end
# is seen before its connection is used again; test_task_retry has races that are certain.
script="request send \"$ok\" close"
for flags in "--closed -n $n -c 1" "--closed -n $n -c 4" "-r 400 -n $n -c 4"; do
	# shellcheck disable=SC2086  # several words
	race 0 "$script" $flags
	race_ends "GET, $flags" '.ledger.ok + .ledger.connection_error == $n and
		.ledger.ok >= $n * 0.9 and ([.errors[].class] - ["stale", "reset"]) == []'
done
# A POST may have been processed.
race 0 "$script" --closed -n $n -c 2 -X POST --data x
race_ends "POST" '.outside.retries == 0 and .ledger.ok + .ledger.connection_error == $n and
	([.errors[].class] - ["stale", "reset"]) == []'

# A server that reads every second request and closes, at once or after a moment of work, has
# dropped it: an error each, sent once. A reset at once might be a race.
for how in close "delay 60ms close" "delay 60ms rst"; do
	class=closed
	[ "$how" = "${how%rst}" ] || class=reset
	for flags in "-X GET" "-X POST --data x"; do
		# shellcheck disable=SC2086  # several words
		race 0 "request send \"$ok\" request $how" --closed -n 20 -c 2 $flags
		race_ends "dropped, $how, $flags" ".ledger.connection_error >= 9 and
			.ledger.ok + .ledger.connection_error == 20 and .outside.retries == 0 and
			[.errors[].class] == [\"$class\"] and \$served == .ledger.sent"
	done
done

# A kept connection that the server has closed long before is no race. (A slow machine's server may
# close late.)
race 0 "request send \"$ok\" close" -r $((20 / ${RPSD_TEST_TIMES-1})) -n 20 -c 1 -X POST --data x
race_ends "closed while idle" '.ledger.ok >= 15 and .outside.retries == 0 and
	([.errors[].class] - ["stale", "reset"]) == []'

# A server that answers nothing is not asked twice.
race 13 "request close" --closed -n $n -c 2
race_ends "closes always" '.ledger.connection_error == $n and .outside.retries == 0 and
	([.errors[].class] == ["closed"])'
expect_nothing_left

# ---------------------------------------------------------------- nginx

# Connections that it closes all the time, after a few requests and after a moment of idleness.
start_nginx "keepalive_requests 3;" "keepalive_timeout 1;"
for flags in "--closed -c 8 -n 3000" "-r 400 -d 3s -c 50" "-r 20 -d 4s -c 20 --set connections.reuse=rotate"; do
	: >"$NGINX_LOG"
	# shellcheck disable=SC2086  # several words
	expect_exit 0 "$rpsctl" run "http://127.0.0.1:$NGINX_PORT/" $flags -q -o "$T/result.json"
	figures "$T/result.json" .ledger.sent
	wait_until 3 nginx_log_has_lines "${FIGURES[0]}" || true
	SERVED=$LINES_SEEN
	holds "nginx, $flags" '.ledger.balanced and .ledger.ok == .ledger.planned and .errors == []' \
		"nginx's count" '.ledger.sent <= $served and
		$served <= .ledger.sent + .outside.retries'
done
expect_nothing_left
