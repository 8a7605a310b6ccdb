#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# nginx in its ways: methods and bodies, TLS, an upstream of HTTP/1.0, and its limits of keep-alive.
# Its log says the same as our ledger.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/servers.sh
. "$(dirname "$0")/servers.sh"
# shellcheck source=tests/system/certificates.sh
. "$(dirname "$0")/certificates.sh"

# shellcheck disable=SC2034  # for servers.sh
COUNT=nginx_lines
nginx_lines() {
	line_count "$NGINX_LOG"
	COUNTED=$LINES_SEEN
}

# serve SCHEME LINE-FOR-SERVER-BLOCK...: its address in URL.
serve() {
	local scheme=$1 ssl=
	shift
	[ "$scheme" = http ] || ssl=ssl
	[ -z "${NGINX_PID-}" ] || end_process "$NGINX_PID"
	NGINX_LISTEN=$ssl start_nginx "root $DOCS;" 'location = /nothing { return 204; }' \
		'location = /nowhere { return 404; }' 'location ~ ^/(small|large|empty)$ { }' \
		'location = /chunked { ssi on; ssi_types *; try_files /large =404; }' "$@"
	URL=$scheme://127.0.0.1:$NGINX_PORT
}

# ---------------------------------------------------------------- methods and bodies

# in_all_ways FLAGS...: what a client can ask for, open and closed.
in_all_ways() {
	clean "$URL/" -r 400 -d 250ms "$@"
	clean "$URL/small" --closed -n 500 -c 8 "$@"
	clean "$URL/small" --closed -n 50 -c 4 -X HEAD "$@"
	clean "$URL/large" --closed -n 50 -c 4 -X HEAD "$@"
	clean "$URL/" --closed -n 50 -c 4 -X POST --data "@$DOCS/small" "$@"
	clean "$URL/" --closed -n 20 -c 4 -X POST --data "@$DOCS/large" "$@"
	clean "$URL/empty" --closed -n 50 -c 4 "$@"
	clean "$URL/nothing" --closed -n 50 -c 4 "$@"
	expect_equal "statuses of /nothing" "$STATUSES" 204
	clean "$URL/large" --closed -n 50 -c 4 "$@"
	expect_bytes_per_s 10000000
	clean "$URL/chunked" --closed -n 50 -c 4 "$@"
	answers_with "$URL/small" '^ETag: '
	etag_of_head
	clean "$URL/small" --closed -n 50 -c 4 -H "If-None-Match: $ETAG" "$@"
	expect_equal "statuses of what we have" "$STATUSES" 304
	clean "$URL/small" --closed -n 50 -c 4 --no-keepalive "$@"
	expect_opened 50
	loaded 13 "$URL/nowhere" --closed -n 50 -c 4 "$@"
	expect_equal "http_error" "$HTTP_ERROR" 50
}

serve http
answers_with "$URL/chunked" '^Transfer-Encoding: chunked'
in_all_ways
expect_nothing_left

# ---------------------------------------------------------------- TLS

authority ca
certificate server ca DNS:localhost,IP:127.0.0.1 -days 2
certificate client ca DNS:client.test -days 2
chmod 644 "$T"/*.key
tls=("ssl_certificate $T/server.pem;" "ssl_certificate_key $T/server.key;")

for version in 1.2 1.3; do
	serve https "${tls[@]}" "ssl_protocols TLSv$version;"
	if [ "$version" = 1.3 ]; then
		in_all_ways --cacert "$T/ca.pem"
	else
		clean "$URL/" -r 400 -d 250ms --cacert "$T/ca.pem"
		clean "$URL/large" --closed -n 50 -c 4 --cacert "$T/ca.pem"
		clean "$URL/" --closed -n 20 -c 4 -X POST --data "@$DOCS/large" --cacert "$T/ca.pem"
	fi
	expect_equal "version" "$TLS_VERSION" "TLSv$version"

	serve https "${tls[@]}" "ssl_protocols TLSv$version;" 'keepalive_requests 3;'
	clean "$URL/" --closed -n 150 -c 8 --cacert "$T/ca.pem"
	expect_opened 50
done

serve https "${tls[@]}" "ssl_client_certificate $T/ca.pem;" 'ssl_verify_client on;'
clean "$URL/" -r 200 -d 250ms --cacert "$T/ca.pem" --cert "$T/client.pem" --key "$T/client.key"
clean "$URL/" --closed -n 100 -c 4 --no-keepalive --cacert "$T/ca.pem" --cert "$T/client.pem" \
	--key "$T/client.key"
loaded 13 "$URL/" -r 100 -d 250ms --cacert "$T/ca.pem"
expect_equal "statuses without a certificate" "$STATUSES" 400
expect_equal "their ledger class" "$HTTP_ERROR" 25
expect_nothing_left

# ---------------------------------------------------------------- an upstream of HTTP/1.0

# It gives no length and closes behind the body; nginx makes chunks of that.
serve http 'keepalive_timeout 0;'
upstream=$URL
upstream_pid=$NGINX_PID
upstream_log=$NGINX_LOG
NGINX_PID=
serve http 'location /old/ {' "proxy_pass $upstream/;" 'proxy_http_version 1.0;' '}'
answers_with "$upstream/chunked" '^Connection: close' --http1.0
! file_has "$T/head" '^Content-Length' || fail "the upstream gives a length"
answers_with "$URL/old/chunked" '^Transfer-Encoding: chunked'
clean "$URL/old/" -r 200 -d 250ms
clean "$URL/old/chunked" --closed -n 50 -c 4
clean "$URL/old/" --closed -n 50 -c 4 -X HEAD
clean "$URL/old/" --closed -n 10 -c 2 -X POST --data "@$DOCS/large"
# Both have the same, but for the one each that was asked by hand, and the upstream's second one.
nginx_lines
expect_line_count "the upstream's count" "$upstream_log" $((COUNTED + 1))
# The upstream without nginx before it: bodies that end with the connection.
NGINX_LOG=$upstream_log
clean "$upstream/chunked" --closed -n 50 -c 4
expect_opened 50
end_process "$upstream_pid"
expect_nothing_left

# ---------------------------------------------------------------- limits of keep-alive

for n in 1 3; do
	serve http "keepalive_requests $n;"
	clean "$URL/" -r 400 -d 250ms
	expect_opened $((100 / n))
	clean "$URL/" --closed -n 300 -c 8
	expect_opened $((300 / n))
done

serve http 'keepalive_timeout 0;'
clean "$URL/" -r 200 -d 250ms
expect_opened 50

# Closed while it is idle: it is seen, and another one is opened.
serve http 'keepalive_timeout 50ms;'
clean "$URL/" -r 5 -d 1s
expect_opened 5
# Closed just when it is used again: what the server never saw is sent once more.
clean "$URL/" -r 20 -d 2s
clean "$URL/" --closed -c 4 -n 60 --set load.think=50ms
# But not what may not be done twice: that has an error class of its own.
: >"$NGINX_LOG"
expect_exit 0 "$rpsctl" "$URL/" -X POST --data x -r 20 -d 2s -q -o "$T/result.json"
nginx_lines
expect_figures "$T/result.json" \
	"retries of POST" .outside.retries 0 \
	"classes of POST" '[.errors[].class | select(. != "stale")] | length' 0 \
	"POST is answered, or stale" '.ledger.sent == .ledger.ok + ([.errors[].count] | add // 0)' true \
	"what nginx has seen of POST" .ledger.ok "$COUNTED"
expect_nothing_left
