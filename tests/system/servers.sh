# SPDX-License-Identifier: Apache-2.0
# What the tests with real servers share; to be sourced behind lib.sh. Such a test starts a server
# with a folder of its own, sets COUNT to a command that prints how many requests the server has
# logged, and loads URLs: on both sides there must be the same number.
# shellcheck shell=bash disable=SC2154  # lib.sh has set them

# What is served everywhere: a line, 1 MiB, nothing; below $DOCS. A server that has left root's
# rights must come to it, through the folders of the tests.
DOCS=$T/docs
mkdir "$DOCS"
echo hello >"$DOCS/small"
head -c 1048576 /dev/zero | tr '\0' x >"$DOCS/large"
: >"$DOCS/empty"
for folder in "$T" "$(dirname "$T")"; do
	case $folder in
	*/rpsd-test.* | */rpsd-system.*) chmod 711 "$folder" ;;
	esac
done
chmod -R a+rX "$DOCS"

result() {
	json "$T/result.json" "$1"
}

# loaded STATUS URL FLAGS...: a run whose ledger balances and which the server has seen whole.
# More is asked of $T/result.json behind it; FAILED and ERRORS are its counts.
loaded() {
	local status=$1 balanced
	shift
	COUNT_BEFORE=$("$COUNT")
	expect_exit "$status" "$rpsctl" "$@" -q -o "$T/result.json" -o -
	read -r balanced FAILED ERRORS < <(result \
		'"\(.ledger.balanced) \(.ledger | .planned - .ok) \(.errors | length)"')
	expect_equal "ledger.balanced of '$*'" "$balanced" true
	expect_server_count "$T/result.json" count_since
}

count_since() {
	echo $(($("$COUNT") - COUNT_BEFORE))
}

# clean URL FLAGS...: the same, and nothing has failed, and everything was sent.
clean() {
	loaded 0 "$@"
	expect_equal "failed of '$*'" "$FAILED" 0
	expect_equal "errors of '$*'" "$ERRORS" 0
}

# statuses: "200 204", those that came.
statuses() {
	result '[.statuses | keys[]] | join(" ")'
}

# answers_with URL REGEX [CURL-FLAG...]: that the server does what the test wants it to do.
answers_with() {
	local url=$1 regex=$2
	shift 2
	curl -sk -o /dev/null -D "$T/head" --max-time 5 "$@" "$url" || true
	expect_line "$T/head" "$regex"
}

# Opened connections, with those of the preparing, are at least so many.
expect_opened() {
	expect_equal "connections opened at least $1 ($(result .connections.opened))" \
		"$(result ".connections.opened >= $1")" true
}

# started_at PORT PID LOG: the server listens there; false when it has ended before.
started_at() {
	wait_until 5 server_is_decided "$1" "$2" || return 1
	! is_gone "$2"
}

server_is_decided() {
	is_gone "$2" || port_is_open "$1"
}
