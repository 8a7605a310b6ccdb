# SPDX-License-Identifier: Apache-2.0
# What the tests with real servers share; to be sourced behind lib.sh. Such a test starts a server
# with a folder of its own, sets COUNT to a command that sets COUNTED to how many requests the server
# has logged, and loads URLs: on both sides there must be the same number.
# shellcheck shell=bash disable=SC2154,SC2034  # lib.sh has set them, tests read them

# What is served everywhere: a line, 1 MiB, nothing; below $DOCS. A server that has left root's
# rights must come to it, through the folders of the tests.
DOCS=$T/docs
mkdir "$DOCS"
echo hello >"$DOCS/small"
head -c 1048576 /dev/zero | tr '\0' x >"$DOCS/large"
: >"$DOCS/empty"
for folder in "$T" "${T%/*}"; do
	case $folder in
	*/rpsd-test.* | */rpsd-system.*) chmod 711 "$folder" ;;
	esac
done
chmod -R a+rX "$DOCS"

# loaded STATUS URL FLAGS...: a run whose ledger balances and which the server has seen whole. What
# more can be asked of its document is then in FAILED, ERRORS (how many classes), HTTP_ERROR, OPENED,
# STATUSES ("200 204", those that came), BYTES_PER_S and TLS_VERSION.
loaded() {
	local status=$1 sent retried balanced
	shift
	"$COUNT"
	COUNT_BEFORE=$COUNTED
	expect_exit "$status" "$rpsctl" "$@" -q -o "$T/result.json" -o -
	figures "$T/result.json" .ledger.balanced "$JQ_SENT" "$JQ_RETRIED" \
		'.ledger | .planned - .ok' '.errors | length' .ledger.http_error .connections.opened \
		'[.statuses | keys[]] | join(" ")' '.rates.bytes_in_per_s | floor' \
		.plan.target.tls_info.version
	balanced=${FIGURES[0]} sent=${FIGURES[1]} retried=${FIGURES[2]}
	FAILED=${FIGURES[3]} ERRORS=${FIGURES[4]} HTTP_ERROR=${FIGURES[5]} OPENED=${FIGURES[6]}
	STATUSES=${FIGURES[7]} BYTES_PER_S=${FIGURES[8]} TLS_VERSION=${FIGURES[9]}
	expect_equal "ledger.balanced of '$*'" "$balanced" true
	# The log may be late for a moment. Each request that was sent is there once, or twice where
	# it was sent again.
	wait_until 3 server_has_counted "$sent" || true
	if [ "$SERVED" -lt "$sent" ] || [ "$SERVED" -gt $((sent + retried)) ]; then
		fail "the server has seen $SERVED requests, and the run sent $sent and $retried again"
	fi
}

server_has_counted() {
	"$COUNT"
	SERVED=$((COUNTED - COUNT_BEFORE))
	[ "$SERVED" -ge "$1" ]
}

# clean URL FLAGS...: the same, and nothing has failed, and everything was sent.
clean() {
	loaded 0 "$@"
	expect_equal "failed of '$*'" "$FAILED" 0
	expect_equal "errors of '$*'" "$ERRORS" 0
}

# answers_with URL REGEX [CURL-FLAG...]: that the server does what the test wants it to do. It has
# counted that request afterwards, which the next run would find otherwise.
answers_with() {
	local url=$1 regex=$2
	shift 2
	"$COUNT"
	COUNT_BEFORE=$COUNTED
	curl -sk -o /dev/null -D "$T/head" --max-time 5 "$@" "$url" || true
	expect_line "$T/head" "$regex"
	wait_until 3 server_has_counted 1 || true
}

# Opened connections, with those of the preparing, are at least so many.
expect_opened() {
	[ "$OPENED" -ge "$1" ] || fail "$OPENED connections were opened instead of $1 or more"
}

# expect_bytes_per_s N: at least so many came.
expect_bytes_per_s() {
	[ "$BYTES_PER_S" -gt "$1" ] || fail "$BYTES_PER_S bytes/s came instead of more than $1"
}

# etag_of_head: sets ETAG from the head that answers_with has left.
etag_of_head() {
	expect_line "$T/head" $'^[Ee][Tt][Aa][Gg]: *(.*)\r$'
	ETAG=${BASH_REMATCH[1]}
}

# started_at PORT PID LOG: the server listens there; false when it has ended before.
started_at() {
	wait_until 5 server_is_decided "$1" "$2" || return 1
	! is_gone "$2"
}

server_is_decided() {
	is_gone "$2" || port_is_open "$1"
}
