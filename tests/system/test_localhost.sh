#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# localhost may mean ::1 too, where nobody listens: the run uses the address that answers.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

start_nginx
expect_exit 0 "$rpsctl" run "http://localhost:$NGINX_PORT/" -r 200 -d 1s -q -o "$T/result.json"
expect_figures "$T/result.json" ledger.ok .ledger.ok 200 ledger.sent .ledger.sent 200
expect_nginx_served 200

expect_exit 0 "$rpsctl" "localhost:$NGINX_PORT/" --closed -n 100 -q
expect_nginx_served 300
expect_nothing_left
