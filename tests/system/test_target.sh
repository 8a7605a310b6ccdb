#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Where connections go: a Unix socket, another place than the URL's, and what is refused of both.
# nginx counts what arrives.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2016 # nginx's variable
start_nginx "listen unix:$T/app.sock;" 'if ($host = shop.test) { return 201 "shop"; }'

# load STATUS FLAGS...: a short run; its document in $T/result.json.
load() {
	local status=$1
	shift
	: >"$NGINX_LOG"
	expect_exit "$status" "$rpsctl" "$@" -q -o "$T/result.json"
}

# served N REGEX: so many requests, all of them like that.
served() {
	expect_nginx_served "$1"
	matching_lines "$NGINX_LOG" "$2"
	expect_equal "requests like $2" "$LINES_SEEN" "$1"
	expect_figures "$T/result.json" ok .ledger.ok "$1"
}

# ---------------------------------------------------------------- a Unix socket

load 0 "unix:$T/app.sock:/a/../b?c=d" -r 200 -d 500ms
served 100 '^GET /b\?c=d 200 '
expect_figures "$T/result.json" name .run.name app.sock \
	url .plan.target.url "unix:$T/app.sock:/b?c=d"

load 0 "unix://$T/app.sock" -n 50 -c 2 --closed
served 50 '^GET / 200 '

# A socket that cannot be connected to has a reason of its own, and no port.
expect_unix_fault() {
	load 13 "unix:$T/$1" -n 1
	words_of "$OUT"
	[[ $WORDS =~ $2 ]] || fail "no words '$2' in the report"
	[[ $WORDS != *' port'* ]] || fail "a Unix socket has no port"
}

expect_unix_fault none.sock 'none\.sock: this socket does not exist'
: >"$T/plain"
expect_unix_fault plain 'plain: this file is not a socket'
perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1) or die' "$T/left.sock"
expect_unix_fault left.sock 'left\.sock: connection refused, as no process listens on this socket'
if [ "$EUID" -ne 0 ]; then
	chmod 0 "$T/app.sock"
	expect_unix_fault app.sock 'app\.sock: permission denied: .* write permission'
	chmod 666 "$T/app.sock"
else
	skip "a socket without permission (needs a user that is not root)"
fi

# ---------------------------------------------------------------- another place

load 0 http://shop.test/x -n 20 --connect-to "127.0.0.1:$NGINX_PORT"
served 20 '^GET /x 201 '
load 0 "http://shop.test:$NGINX_PORT/x" -n 20 --connect-to 127.0.0.1
served 20 '^GET /x 201 '
load 0 http://shop.test/x -n 20 --connect-to "unix:$T/app.sock"
served 20 '^GET /x 201 '

# ---------------------------------------------------------------- refused before anything is sent

: >"$NGINX_LOG"
expect_exit 64 "$rpsctl" https://shop.test/ -n 1 --connect-to "unix:$T/app.sock"
expect_line "$ERR" 'no TLS over a Unix socket'
expect_exit 64 "$rpsctl" http://shop.test/ -n 1 --connect-to h:1:127.0.0.1:2
expect_line "$ERR" '^(rpsctl: )?--connect-to: .*write only where to connect'
expect_exit 64 "$rpsctl" http://unix:/run/app.sock -n 1
expect_line "$ERR" 'a Unix socket has no http:// before it'
expect_exit 78 "$rpsctl" https://shop.test/ -q -n 1 -k --connect-to "127.0.0.1:$NGINX_PORT" \
	--set tls.ciphers=NO-SUCH-CIPHER
expect_line "$OUT" 'ciphers: no cipher of TLS 1\.2 in "NO-SUCH-CIPHER"'

cat >"$T/bad.ini" <<END
[target]
url = unix:$T/app.sock
addresses = v4
[connections]
source = 127.0.0.1
reuse = no
pipeline = 4
END
expect_exit 78 "$rpsctl" "$T/bad.ini" -q
expect_line "$ERR" 'bad\.ini:3: addresses is for TCP'
expect_line "$ERR" 'bad\.ini:5: source is for TCP'
expect_line "$ERR" 'bad\.ini:7: pipeline = 4 contradicts reuse = no \(line 6\)'
expect_line_count "nginx's count" "$NGINX_LOG" 0

expect_nothing_left
