#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The live view as a person at a terminal meets it: keys, sizes, job control, a server that stalls,
# and every way to leave, after each of which the terminal is as it was.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

pty=$ROOT/tests/support/pty.pl
if ! perl -e 'open my $pty, "+<", "/dev/ptmx" or exit 1'; then
	skip "the live view (needs a pseudo-terminal, which a bare chroot has not)"
	exit 0
fi
export LC_ALL=C.UTF-8 TERM=xterm
unset NO_COLOR

# start_service: rpsd on sockets of this test.
start_service() {
	RPSCTL_SOCKET=$T/control.socket
	export RPSCTL_SOCKET
	printf '%s\n' '[control]' "socket = $T/control.socket" "observe = $T/observe.socket" \
		>"$T/rpsd.conf"
	"$rpsd" --config "$T/rpsd.conf" >"$T/rpsd.out" 2>&1 </dev/null &
	SERVICE_PID=$!
	PIDS+=("$SERVICE_PID")
	wait_line "$T/rpsd.out" 'listening on .*observe.socket'
}

# start_run [FLAGS...]: sets RUN to the id of a new run in the service.
start_run() {
	RUN=$("$rpsctl" start "http://$ORIGIN/" "$@")
}

start_origin --delay exp:3ms
start_service

# ---------------------------------------------------------------- run

"$pty" 80 40 "$rpsctl" run "http://$ORIGIN/" -r 100 -d 8 <<-END
	cursor off
	echo off
	see running  hold 100/s for 8s .* of 0:08$
	see ^\[█+.*\] .* left$
	see ^  asked +sent +ok +failed +in flight +queue$
	see ^  100/s +100/s
	see last 1 s +whole run$
	see ^  response p99 .* ms .* ms$
	see ^  p pause   \+ - rate 10 %   s stop   e events   \? help$
	# The report takes the place of the last picture.
	see plan delivered
	exit 0
	cursor on
	echo on
	gone s stop
	count 0 s stop
	END

"$pty" 80 40 "$rpsctl" run "http://$ORIGIN/" -r 100 -d 50s <<-END
	see s stop
	# q is no key of run, and arrow keys are no letters.
	type q\e[A\eOs\e[1;5s
	see in flight
	type ?
	see planned instant to last byte
	type e
	see no events so far
	gone planned instant
	type s
	see STOPPED
	exit 14
	cursor on
	echo on
	END

# Without keys to read: what is typed ahead must not tear the picture.
"$pty" 80 40 bash -c "exec '$rpsctl' run http://$ORIGIN/ -r 100 -d 50s </dev/null" <<-END
	see ^  Ctrl-C stop$
	echo off
	type s?typed ahead
	see of 0:50$
	gone typed
	type \x03
	see STOPPED
	exit 14
	cursor on
	echo on
	END

"$pty" 80 40 "$rpsctl" run "http://$ORIGIN/" -r 100 -d 50s <<-END
	see s stop
	cursor off
	signal HUP
	see STOPPED
	exit 14
	cursor on
	echo on
	END

# Ctrl-C once: the answers under way take longer than the test; twice.
fast=$ORIGIN
fast_rpsd=$(pgrep -P "$ORIGIN_PID")
start_origin --delay 50s
"$pty" 80 24 "$rpsctl" run "http://$ORIGIN/" -r 50 -d 60s --timeout 55s <<-END
	see oldest waiting +[1-9]
	type \x03
	see ^  stopping: waiting for answers in flight
	see draining
	type \x03
	exit 130
	cursor on
	echo on
	END
end_process "$ORIGIN_PID"
ORIGIN=$fast

# ---------------------------------------------------------------- run: keys that steer

"$pty" 80 24 "$rpsctl" run "http://$ORIGIN/" -r 100 -d 20s <<-END
	see  running  hold 100/s
	see ^  p pause   \+ - rate 10 %
	type p
	see (: pause|pausing, takes effect at 0:[0-9]+)$
	see  paused  nothing is sent
	see ^  p resume   \+ - rate 10 %
	type p
	see (: resume|resuming, takes effect at 0:[0-9]+)$
	see  running  hold 100/s
	type +
	see rate 100/s -> 110/s(, takes effect at 0:[0-9]+)?$
	type -
	see rate 110/s -> 99/s(, takes effect at 0:[0-9]+)?$
	type s
	exit 14
	END

# ---------------------------------------------------------------- watch: keys and sizes

start_run -r 100 -d 50s
"$pty" 80 24 "$rpsctl" watch "$RUN" <<-END
	see ^$RUN  running
	see ^  q leave \(run goes on\)   p pause   \+ - rate 10 %   s stop   e events   \? help$
	cursor off
	echo off
	size 120 40
	see ^\[.{114}left$
	size 60 24
	see ^\[.{54}left$
	count 1 ^\[.*left
	size 50 24
	see ^$RUN .* failed
	gone q leave
	size 80 12
	see ^  q leave
	see oldest waiting
	gone ok/s
	size 80 24
	see ok/s
	type q
	see ^$RUN continues; to watch it again: rpsctl watch $RUN$
	exit 0
	gone q leave
	cursor on
	echo on
	END

# Who may only look is told so, and goes on looking.
RPSCTL_SOCKET=$T/observe.socket "$pty" 80 24 "$rpsctl" watch "$RUN" <<-END
	see q leave
	count 0 p pause
	type s
	see ^  refused: your role does not allow this
	see running
	type q
	exit 0
	END

LC_ALL=C NO_COLOR=1 "$pty" 80 24 "$rpsctl" watch <<-END
	see ^\[#
	see ok/s +#
	type q
	exit 0
	END

# ---------------------------------------------------------------- every way to leave

for way in 'type \x03' 'signal TERM' 'signal QUIT' 'signal HUP'; do
	"$pty" 80 24 "$rpsctl" watch "$RUN" <<-END
		see q leave
		cursor off
		echo off
		$way
		see continues
		exit 130
		cursor on
		echo on
		END
done

# Stopped and continued by a shell: the terminal is the shell's in between.
PS1='shell> ' "$pty" 80 24 bash --norc --noprofile -i <<-END
	see shell>
	type $rpsctl watch $RUN\r
	see q leave
	cursor off
	type \x1a
	see Stopped
	cursor on
	gone q leave
	type fg\r
	see q leave
	cursor off
	echo off
	type \x1a
	see Stopped[\s\S]*Stopped
	type bg\r
	see &
	cursor on
	gone q leave
	type fg\r
	see q leave
	type q
	see continues
	cursor on
	type exit\r
	exit 0
	END

# ---------------------------------------------------------------- a stall, while it lasts

kill -STOP "$fast_rpsd"
"$pty" 80 24 "$rpsctl" watch "$RUN" <<-END
	see running  no answers
	see ^  100/s +100/s +0/s +0/s
	see oldest waiting +[2-9]\.\d+ s
	type q
	exit 0
	END
kill -CONT "$fast_rpsd"
"$pty" 80 24 "$rpsctl" watch "$RUN" <<-END
	see running  hold
	see ^  100/s +100/s +[1-9]
	gone no answers
	type q
	exit 0
	END

# ---------------------------------------------------------------- two at once, and the run's end

"$rpsctl" watch "$RUN" >"$T/lines" 2>"$T/lines.err" </dev/null &
lines_pid=$!
PIDS+=("$lines_pid")
wait_line "$T/lines" '^[0-9:]+ asked 100 sent [0-9.]+ ok [0-9.]+ fail 0 p50 [0-9.]+ p99 [0-9.]+ inflight [0-9]+ ours [0-9.]+$'
"$pty" 120 40 "$rpsctl" watch "$RUN" <<-END
	see q leave
	type s
	see ^$RUN stopped by .* after 0:\d\d; see rpsctl report $RUN$
	exit 0
	cursor on
	echo on
	END
wait_exit "$lines_pid"
expect_equal "exit status of the other one" "$STATUS" 0
expect_equal "lines that are no progress" "$(grep -vc '^[0-9:]* asked ' "$T/lines")" 0
expect_line "$T/lines.err" "^$RUN stopped by .* after 0:[0-9]+; see rpsctl report $RUN\$"
"$rpsctl" report "$RUN" >"$OUT"
expect_line "$OUT" "^$RUN"

# It has ended: there is nothing to wait for.
expect_exit 0 "$rpsctl" watch "$RUN"
expect_line "$ERR" "^$RUN stopped by"
expect_exit 66 "$rpsctl" watch no-such-run-1
expect_line "$ERR" 'no such run: no-such-run-1'
expect_exit 69 "$rpsctl" watch --socket "$T/nobody.socket"

# A reader that leaves ends the viewer.
start_run -r 100 -d 50s
{ "$rpsctl" watch "$RUN" 2>/dev/null </dev/null || echo "status $?" >"$ERR"; } |
	head -n 1 >"$OUT"
expect_line "$ERR" '^status 1$'
expect_line "$OUT" ' asked 100 '

# ---------------------------------------------------------------- the daemon is lost

"$pty" 80 24 "$rpsctl" watch "$RUN" <<-END
	see q leave
	run kill -KILL $SERVICE_PID
	see ^rpsctl: the daemon went away: its log tells why \(journalctl -u rpsd,
	exit 69
	gone q leave
	cursor on
	echo on
	END
