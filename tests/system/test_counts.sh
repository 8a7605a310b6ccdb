#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every request of the plan reaches the server, once: nginx's own log is the witness.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# run_counts FLAGS...: 10,000 planned, all sent, all served.
run_counts() {
	: >"$NGINX_LOG"
	expect_exit 0 "$rpsctl" run "http://127.0.0.1:$NGINX_PORT/" "$@" -q -o "$T/result.json"
	expect_equal "ledger.balanced of '$*'" "$(json "$T/result.json" .ledger.balanced)" true
	expect_equal "ledger.ok of '$*'" "$(json "$T/result.json" .ledger.ok)" \
		"$(json "$T/result.json" .ledger.sent)"
	expect_nginx_served "$(sent_by "$T/result.json")"
}

start_nginx
run_counts -r 5000 -d 2s -c 50
expect_equal "ledger.planned" "$(json "$T/result.json" .ledger.planned)" 10000
expect_equal "ledger.sent" "$(json "$T/result.json" .ledger.sent)" 10000
expect_nothing_left

run_counts -r 5000 -d 2s -c 50 -t 2
expect_equal "ledger.planned with 2 workers" "$(json "$T/result.json" .ledger.planned)" 10000
expect_equal "ledger.sent with 2 workers" "$(json "$T/result.json" .ledger.sent)" 10000
expect_nothing_left

run_counts --closed -n 25000
expect_equal "ledger.sent, closed" "$(json "$T/result.json" .ledger.sent)" 25000
expect_nginx_served 25000
expect_nothing_left

run_counts --closed -n 5000 -c 7 -t 2
expect_equal "ledger.sent, closed, 2 workers" "$(json "$T/result.json" .ledger.sent)" 5000
expect_nothing_left
