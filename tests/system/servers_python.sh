#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Python's http.server, which speaks HTTP/1.0 and closes, or HTTP/1.1 when it is told to; it sends
# head and body apart. Its log says the same as our ledger. For `make check-servers`.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/servers.sh
. "$(dirname "$0")/servers.sh"

# shellcheck disable=SC2034  # for servers.sh
COUNT=python_lines
python_lines() {
	matching_lines "$PYTHON_LOG" '"[A-Z]* /[^"]* HTTP/1\.[01]" [0-9]* '
	COUNTED=$LINES_SEEN
}

# The whole one: in Debian's python3-minimal there is no http.server.
for python in python3 /usr/bin/python3 none; do
	"$python" -c 'import http.server' 2>/dev/null && break
done
[ "$python" != none ] || fail "no python3 with http.server is installed"

# What it lacks: a POST, and a wider backlog than 5, which would let connections wait for a second.
cat >"$T/served.py" <<-'END'
	import http.server
	import sys

	class Handler(http.server.SimpleHTTPRequestHandler):
	    protocol_version = sys.argv[1]

	    def do_POST(self):
	        body = self.rfile.read(int(self.headers["Content-Length"]))
	        self.send_response(201)
	        if self.path != "/unsized":
	            self.send_header("Content-Length", str(len(body)))
	        self.end_headers()
	        self.wfile.write(body)

	class Server(http.server.ThreadingHTTPServer):
	    request_queue_size = 1024

	with Server(("127.0.0.1", 0), lambda *a: Handler(*a, directory=sys.argv[2])) as server:
	    print("port", server.server_address[1], flush=True)
	    server.serve_forever()
END

# serve VERSION: its address in URL.
serve() {
	[ -z "${PYTHON_PID-}" ] || end_process "$PYTHON_PID"
	PYTHON_LOG=$T/python.log
	PYTHONUNBUFFERED=1 "$python" -B "$T/served.py" "$1" "$DOCS" >"$T/python.out" \
		2>"$PYTHON_LOG" </dev/null &
	PYTHON_PID=$!
	PIDS+=("$PYTHON_PID")
	wait_line "$T/python.out" '^port ' 10
	URL=http://127.0.0.1:$(sed -n 's/^port //p' "$T/python.out")
}

in_all_ways() {
	clean "$URL/small" -r 200 -d 500ms
	clean "$URL/small" --closed -n 200 -c 8
	clean "$URL/small" --closed -n 50 -c 4 -X HEAD
	clean "$URL/large" --closed -n 20 -c 4 -X HEAD
	clean "$URL/large" --closed -n 20 -c 4
	clean "$URL/empty" --closed -n 50 -c 4
	clean "$URL/echo" --closed -n 50 -c 4 -X POST --data "@$DOCS/small"
	expect_equal "statuses of POST" "$STATUSES" 201
	clean "$URL/echo" --closed -n 10 -c 2 -X POST --data "@$DOCS/large"
	clean "$URL/small" --closed -n 50 -c 4 --no-keepalive
	expect_opened 50
	clean "$URL/small" --closed -n 50 -c 4 \
		-H 'If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT'
	expect_equal "statuses of what we have" "$STATUSES" 304
	loaded 13 "$URL/nowhere" --closed -n 50 -c 4
	expect_equal "http_error" "$HTTP_ERROR" 50
	expect_equal "statuses" "$STATUSES" 404
}

serve HTTP/1.0
answers_with "$URL/small" '^HTTP/1\.0 200'
in_all_ways
clean "$URL/small" --closed -n 100 -c 4
expect_opened 100
# Neither length nor chunks: the body ends with the connection.
clean "$URL/unsized" --closed -n 20 -c 2 -X POST --data "@$DOCS/large"
expect_opened 20

serve HTTP/1.1
answers_with "$URL/small" '^HTTP/1\.1 200'
in_all_ways
clean "$URL/small" --closed -n 100 -c 4
[ "$OPENED" -le 8 ] || fail "$OPENED connections were opened: they are not kept"
expect_nothing_left
