#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Apache httpd with its event MPM: methods and bodies, plain and over TLS, chunks, and its limits of
# keep-alive. Its log says the same as our ledger. For `make check-servers`.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/servers.sh
. "$(dirname "$0")/servers.sh"
# shellcheck source=tests/system/certificates.sh
. "$(dirname "$0")/certificates.sh"

# shellcheck disable=SC2034  # for servers.sh
COUNT=apache_lines
apache_lines() {
	line_count "$APACHE_DIR/access.log"
	COUNTED=$LINES_SEEN
}

apache=$(command -v apache2 || command -v /usr/sbin/apache2) || fail "apache2 is not installed"
modules=/usr/lib/apache2/modules

# What a server side include stands in is of unknown length, and so goes in chunks.
echo '<!--#include virtual="small" -->' >"$T/include"
cat "$DOCS/large" "$T/include" "$DOCS/large" >"$DOCS/chunked"
chmod a+r "$DOCS/chunked"

apache_config() {
	local module

	# Who starts as root may not stay it; everybody else stays who he is.
	[ "$(id -u)" -ne 0 ] || printf '%s\n' 'User www-data' 'Group www-data'
	for module in mpm_event authz_core include headers reqtimeout socache_shmcb ssl; do
		echo "LoadModule ${module}_module $modules/mod_$module.so"
	done
	cat <<-END
		ServerName localhost
		DefaultRuntimeDir $APACHE_DIR
		PidFile $APACHE_DIR/pid
		ErrorLog $APACHE_DIR/error.log
		LogFormat "%m %U %>s" test
		CustomLog $APACHE_DIR/access.log test
		Listen 127.0.0.1:$APACHE_PORT
		ListenBacklog 4096
		StartServers 1
		ThreadsPerChild 64
		ServerLimit 1
		MaxRequestWorkers 64
		MaxKeepAliveRequests 0
		DocumentRoot $DOCS
		<Directory $DOCS>
			Require all granted
			Options +Includes
		</Directory>
		<Location /chunked>
			SetOutputFilter INCLUDES
		</Location>
	END
	printf '%s\n' "$@"
}

# serve SCHEME LINE...: its address in URL.
serve() {
	local scheme=$1
	shift
	[ -z "${APACHE_PID-}" ] || end_process "$APACHE_PID"
	for _ in 1 2 3 4 5; do
		free_port
		APACHE_PORT=$FREE_PORT
		APACHE_DIR=$(mktemp -d "$T/apache.XXXXXX")
		apache_config "$@" >"$APACHE_DIR/apache.conf"
		"$apache" -d "$APACHE_DIR" -f "$APACHE_DIR/apache.conf" -DFOREGROUND \
			>"$APACHE_DIR/out" 2>&1 </dev/null &
		APACHE_PID=$!
		PIDS+=("$APACHE_PID")
		if started_at "$APACHE_PORT" "$APACHE_PID"; then
			URL=$scheme://127.0.0.1:$APACHE_PORT
			return 0
		fi
	done
	fail "apache2 does not start: $(cat "$APACHE_DIR/out" "$APACHE_DIR/error.log" 2>&1)"
}

in_all_ways() {
	clean "$URL/small" -r 400 -d 500ms "$@"
	clean "$URL/small" --closed -n 1000 -c 8 "$@"
	clean "$URL/small" --closed -n 50 -c 4 -X HEAD "$@"
	clean "$URL/large" --closed -n 50 -c 4 -X HEAD "$@"
	clean "$URL/large" --closed -n 50 -c 4 "$@"
	clean "$URL/chunked" --closed -n 50 -c 4 "$@"
	expect_bytes_per_s 10000000
	clean "$URL/empty" --closed -n 50 -c 4 "$@"
	clean "$URL/small" --closed -n 50 -c 4 -X POST --data "@$DOCS/small" "$@"
	clean "$URL/small" --closed -n 20 -c 4 -X POST --data "@$DOCS/large" "$@"
	clean "$URL/small" --closed -n 50 -c 4 -X OPTIONS "$@"
	clean "$URL/small" --closed -n 50 -c 4 --no-keepalive "$@"
	expect_opened 50
	answers_with "$URL/small" '^ETag: '
	etag_of_head
	clean "$URL/small" --closed -n 50 -c 4 -H "If-None-Match: $ETAG" "$@"
	expect_equal "statuses of what we have" "$STATUSES" 304
	loaded 13 "$URL/nowhere" --closed -n 50 -c 4 "$@"
	expect_equal "http_error" "$HTTP_ERROR" 50
}

serve http
answers_with "$URL/chunked" '^Transfer-Encoding: chunked'
in_all_ways

authority ca
certificate server ca DNS:localhost,IP:127.0.0.1 -days 2
certificate client ca DNS:client.test -days 2
tls=('SSLEngine on' "SSLCertificateFile $T/server.pem" "SSLCertificateKeyFile $T/server.key"
	"SSLSessionCache shmcb:cache(512000)")
for version in 1.2 1.3; do
	serve https "${tls[@]}" "SSLProtocol -all +TLSv$version"
	in_all_ways --cacert "$T/ca.pem"
	expect_equal "version" "$TLS_VERSION" "TLSv$version"
	serve https "${tls[@]}" "SSLProtocol -all +TLSv$version" 'MaxKeepAliveRequests 5'
	clean "$URL/small" --closed -n 200 -c 8 --cacert "$T/ca.pem"
	expect_opened 33
done

serve https "${tls[@]}" "SSLCACertificateFile $T/ca.pem" 'SSLVerifyClient require'
clean "$URL/small" -r 200 -d 250ms --cacert "$T/ca.pem" --cert "$T/client.pem" \
	--key "$T/client.key"
expect_nothing_left

# ---------------------------------------------------------------- limits of keep-alive

# Five more than the first.
serve http 'MaxKeepAliveRequests 5'
clean "$URL/small" -r 400 -d 500ms
expect_opened 33
clean "$URL/small" --closed -n 500 -c 8
expect_opened 83

serve http 'KeepAlive off'
clean "$URL/small" -r 200 -d 500ms
expect_opened 100
clean "$URL/chunked" --closed -n 50 -c 4

# Idle for longer, and for just as long, as the server waits.
serve http 'KeepAliveTimeout 50ms'
clean "$URL/small" -r 5 -d 1s
expect_opened 5
clean "$URL/small" -r 20 -d 2s
clean "$URL/small" --closed -n 60 -c 4 --set load.think=50ms
expect_nothing_left
