#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A token of 2,000 bytes in a header reaches the server whole, from a flag and from a file.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

start_nginx
url=http://127.0.0.1:$NGINX_PORT/

token=$(printf 'tok;en #%.0s' {1..250}) # 2,000 bytes, with what starts comments elsewhere
expect_equal "length" "${#token}" 2000
token=${token%#}x

expect_exit 0 "$rpsctl" run "$url" --closed -n 3 -c 1 -H "X-Token: $token" -q
expect_nginx_served 3
expect_equal "requests with the token" "$(grep -cF " 200 $token" "$NGINX_LOG")" 3

: >"$NGINX_LOG"
cat >"$T/token.ini" <<-END
	[target]
	url = $url
	[load]
	model = closed
	requests = 2
	[connections]
	count = 1
	[defaults]
	header = X-Token: $token
END
expect_exit 0 "$rpsctl" run "$T/token.ini" -q
expect_nginx_served 2
expect_equal "requests with the token" "$(grep -cF " 200 $token" "$NGINX_LOG")" 2
expect_nothing_left
