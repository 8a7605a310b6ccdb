#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a person gets wrong is named in one line with its place, before anything is sent.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# expect_mistake STATUS REGEX COMMAND...: one line on stderr, which matches; nothing on stdout.
expect_mistake() {
	local status=$1 regex=$2
	shift 2
	expect_exit "$status" "$@"
	expect_equal "lines on stderr of '${*:2}'" "$(wc -l <"$ERR")" 1
	expect_line "$ERR" "$regex"
	expect_equal "stdout of '${*:2}'" "$(cat "$OUT")" ""
}

start_nginx
url=http://127.0.0.1:$NGINX_PORT/

# file NAME: a run file from stdin, its path in FILE.
file() {
	FILE=$T/$1.ini
	cat >"$FILE"
}

file wrong-key <<-END
	[target]
	url = $url
	[load]
	rate = 10
	durration = 1s
END
expect_mistake 78 'wrong-key\.ini:5: .*durration.*duration' "$rpsctl" run "$FILE" -q
expect_mistake 78 'wrong-key\.ini:5: ' "$rpsctl" check "$FILE"

file wrong-unit <<-END
	[target]
	url = $url
	[load]
	rate = 10
	duration = 3 parsecs
END
expect_mistake 78 'wrong-unit\.ini:5: .*duration' "$rpsctl" run "$FILE" -q
expect_mistake 78 'wrong-unit\.ini:5: ' "$rpsctl" check "$FILE"

file twice <<-END
	[target]
	url = $url
	[load]
	rate = 10
	duration = 1s
	[load]
END
expect_mistake 78 'twice\.ini:6: .*load.*3' "$rpsctl" run "$FILE" -q

# All mistakes of a file at once.
file many <<-END
	[target]
	url = $url
	[load]
	rate = fast
	duration = 1s
	bananas = 3
END
expect_exit 78 "$rpsctl" run "$FILE" -q
expect_equal "lines on stderr" "$(wc -l <"$ERR")" 2
expect_line "$ERR" 'many\.ini:4: '
expect_line "$ERR" 'many\.ini:6: '

expect_mistake 66 'nowhere\.ini' "$rpsctl" run "$T/nowhere.ini" -q
expect_mistake 78 "-r|rate" "$rpsctl" run "$url" -r fast -q
expect_mistake 78 "-d|duration" "$rpsctl" run "$url" -d 3parsecs -q

# Flags and commands: the nearest is named.
expect_exit 64 "$rpsctl" run "$url" --durration 3
expect_line "$ERR" '--durration'
expect_line "$ERR" '--duration'
expect_exit 64 "$rpsctl" statsu
expect_line "$ERR" 'statsu.*status|status'
expect_exit 64 "$rpsctl" run
[ -s "$ERR" ] || fail "no word on what is missing"

expect_equal "requests that the server saw" "$(wc -l <"$NGINX_LOG")" 0
expect_nothing_left
