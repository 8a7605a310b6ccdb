#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A daemon that makes its sockets by itself: one to operate, one to look, where the configuration
# says; and what becomes of it where the second one cannot be.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# start_rpsd OBSERVE [FLAGS...]: with that value of the key.
start_rpsd() {
	printf '[control]\nsocket = %s\nobserve = %s\n[origin o]\nlisten = 127.0.0.1:0\n' \
		"$T/run/control.socket" "$1" >"$T/rpsd.conf"
	shift
	start "$rpsd" --config "$T/rpsd.conf" "$@"
	wait_line "$ERR" 'listening on .*control\.socket'
	wait_address "$ERR"
	url=http://$ADDRESS/
}

stop_rpsd() {
	end_process "$PID"
	expect_equal "what is left of the sockets" "$(find "$T" -type s)" ""
}

umask 0077
mkdir "$T/run"
look=$T/run/observe.socket
start_rpsd "$look"
wait_line "$ERR" "listening on $look"
expect_equal "the control socket's mode" "$(stat -c %a "$T/run/control.socket")" 660
expect_equal "the observe socket's mode" "$(stat -c %a "$look")" 666
for question in status origins show report; do
	"$rpsctl" "$question" --socket "$look" >"$T/answer" 2>&1 || [ "$question" = report ]
	! file_has "$T/answer" 'your role' || fail "$question is refused to who looks"
done
for act in "start $url" "stop --all"; do
	# shellcheck disable=SC2086  # two words
	expect_exit 77 "$rpsctl" $act --socket "$look"
	expect_line "$ERR" '^rpsctl: refused: your role'
done
expect_exit 0 "$rpsctl" start "$url" -r 50 -d 1s --socket "$T/run/control.socket"

# A second one on the same socket is told that alone, whatever else of the first is in its way.
first=$PID
sed "s/^listen = .*/listen = $ADDRESS/" "$T/rpsd.conf" >"$T/second.conf"
expect_exit 1 "$rpsd" --config "$T/second.conf"
expect_equal "what the second daemon says" "$(cat "$ERR")" \
	"rpsd: cannot start: $T/run/control.socket: another daemon is running there: rpsctl status \
--socket $T/run/control.socket asks it; --socket PATH starts one beside it"
PID=$first
expect_exit 0 "$rpsctl" status --socket "$T/run/control.socket"
stop_rpsd

# None is asked for.
start_rpsd ""
expect_exit 69 "$rpsctl" status --socket "$look"
stop_rpsd

# It cannot be: a warning, and the daemon works.
start_rpsd "$T/no/such/folder/observe.socket"
wait_line "$ERR" 'the observe socket is unavailable: .*/no/such/folder/observe\.socket'
expect_exit 0 "$rpsctl" status --socket "$T/run/control.socket"
stop_rpsd

# The command line's is the only one.
start_rpsd "$look" --socket "$T/other.control.socket"
expect_exit 0 "$rpsctl" status --socket "$T/other.control.socket"
expect_equal "the sockets" "$(find "$T" -type s)" "$T/other.control.socket"
stop_rpsd
