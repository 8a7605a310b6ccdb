#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# haproxy before nginx, keeping connections and closing them, plain and over TLS. Its log says the
# same as our ledger, and nginx's log the same as its. For `make check-servers`.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/servers.sh
. "$(dirname "$0")/servers.sh"
# shellcheck source=tests/system/certificates.sh
. "$(dirname "$0")/certificates.sh"

# shellcheck disable=SC2034  # for servers.sh
COUNT=haproxy_lines
haproxy_lines() {
	matching_lines "$HAPROXY_DIR/out" '^request '
	COUNTED=$LINES_SEEN
}

haproxy=$(command -v haproxy || command -v /usr/sbin/haproxy) || fail "haproxy is not installed"

# haproxy_config BIND LINE...
haproxy_config() {
	local bind=$1
	shift
	cat <<-END
		global
			log stdout format raw local0
			maxconn 4096
		defaults
			mode http
			timeout connect 5s
			timeout client 30s
			timeout server 30s
		frontend front
			bind 127.0.0.1:$HAPROXY_PORT backlog 4096 $bind
			log global
			log-format "request %HM %HU %ST"
			option dontlognull
			default_backend back
			$(printf '\t%s\n' "$@")
		backend back
			server nginx 127.0.0.1:$NGINX_PORT
	END
}

# serve SCHEME LINE...: its address in URL.
serve() {
	local scheme=$1 bind=
	shift
	[ "$scheme" = http ] || bind="ssl crt $T/both.pem"
	[ -z "${HAPROXY_PID-}" ] || end_process "$HAPROXY_PID"
	for _ in 1 2 3 4 5; do
		free_port
		HAPROXY_PORT=$FREE_PORT
		HAPROXY_DIR=$(mktemp -d "$T/haproxy.XXXXXX")
		haproxy_config "$bind" "$@" >"$HAPROXY_DIR/haproxy.cfg"
		"$haproxy" -db -f "$HAPROXY_DIR/haproxy.cfg" \
			>"$HAPROXY_DIR/out" 2>&1 </dev/null &
		HAPROXY_PID=$!
		PIDS+=("$HAPROXY_PID")
		if started_at "$HAPROXY_PORT" "$HAPROXY_PID"; then
			URL=$scheme://127.0.0.1:$HAPROXY_PORT
			: >"$NGINX_LOG"
			return 0
		fi
	done
	fail "haproxy does not start: $(cat "$HAPROXY_DIR/out" 2>&1)"
}

in_all_ways() {
	clean "$URL/" -r 400 -d 500ms "$@"
	clean "$URL/small" --closed -n 500 -c 8 "$@"
	clean "$URL/small" --closed -n 50 -c 4 -X HEAD "$@"
	clean "$URL/large" --closed -n 50 -c 4 "$@"
	clean "$URL/chunked" --closed -n 50 -c 4 "$@"
	clean "$URL/nothing" --closed -n 50 -c 4 "$@"
	clean "$URL/" --closed -n 50 -c 4 -X POST --data "@$DOCS/small" "$@"
	clean "$URL/" --closed -n 20 -c 4 -X POST --data "@$DOCS/large" "$@"
	clean "$URL/small" --closed -n 50 -c 4 --no-keepalive "$@"
	expect_opened 50
	haproxy_lines
	expect_line_count "nginx's count" "$NGINX_LOG" "$COUNTED"
}

start_nginx "root $DOCS;" 'location = /nothing { return 204; }' \
	'location ~ ^/(small|large|empty)$ { }' \
	'location = /chunked { ssi on; ssi_types *; try_files /large =404; }'

serve http 'option http-keep-alive'
in_all_ways
answers_with "$URL/chunked" '^transfer-encoding: chunked'

# It closes behind each answer, which says so.
serve http 'option httpclose'
in_all_ways
clean "$URL/" --closed -n 300 -c 8
expect_opened 300

authority ca
certificate server ca DNS:localhost,IP:127.0.0.1 -days 2
cat "$T/server.pem" "$T/server.key" >"$T/both.pem"
for mode in http-keep-alive httpclose; do
	serve https "option $mode"
	in_all_ways --cacert "$T/ca.pem"
done
expect_nothing_left

# Idle for longer, and for just as long, as it waits.
serve http 'option http-keep-alive' 'timeout http-keep-alive 50ms'
clean "$URL/" -r 5 -d 1s
expect_opened 5
clean "$URL/" -r 20 -d 2s
clean "$URL/" --closed -n 60 -c 4 --set load.think=50ms

# What has no server behind it is answered by haproxy itself.
end_process "$NGINX_PID"
loaded 13 "$URL/" --closed -n 20 -c 2
expect_equal "statuses without a server" "$STATUSES" 503
expect_equal "their ledger class" "$HTTP_ERROR" 20
expect_nothing_left
