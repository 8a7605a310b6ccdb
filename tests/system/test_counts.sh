#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every request of the plan reaches the server, once: nginx's own log is the witness.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# counts SENT FLAGS...: so many are planned where there is a plan, all are sent, all are served.
counts() {
	local sent=$1 all_sent
	shift

	: >"$NGINX_LOG"
	expect_exit 0 "$rpsctl" run "http://127.0.0.1:$NGINX_PORT/" "$@" -q -o "$T/result.json"
	figures "$T/result.json" .ledger.balanced .ledger.planned .ledger.sent .ledger.ok "$JQ_SENT"
	expect_equal "balanced, planned, sent and ok of '$*'" "${FIGURES[*]:0:4}" "true $sent $sent $sent"
	all_sent=${FIGURES[4]}
	expect_nginx_served "$all_sent"
	expect_nothing_left
}

start_nginx
counts 10000 -r 5000 -d 2s -c 50
counts 10000 -r 5000 -d 2s -c 50 -t 2
counts 25000 --closed -n 25000
expect_equal "all that was sent, closed" "$LINES_SEEN" 25000
counts 5000 --closed -n 5000 -c 7 -t 2
