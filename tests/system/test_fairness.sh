#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One user floods the control socket with calls on as many connections as one user may have:
# another user is answered, the watchdog of the service manager is fed, and the daemon does not
# spend the machine's time on the flood. Two users need root.
#
# A stranger has to reach the test's folder.
TMPDIR=/tmp
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

if [ "$(id -u)" -ne 0 ]; then
	skip "calls of two users (needs root)"
	exit 0
fi

cpu_ticks() {
	awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$rpsd_pid/stat"
}

chmod 711 "$T"
install -m 644 "$ROOT/tests/support/flood.py" "$T/flood.py"
python3 "$ROOT/tests/support/notify_log.py" "$T/notify" >"$T/notified" 2>&1 </dev/null &
PIDS+=("$!")
wait_line "$T/notified" bound

export RPSCTL_SOCKET=$T/control.socket
printf '[control]\nobserve = %s/observe.socket\nsocket = %s\n' "$T" "$RPSCTL_SOCKET" >"$T/rpsd.conf"
NOTIFY_SOCKET=$T/notify WATCHDOG_USEC=1000000 \
	"$rpsd" --config "$T/rpsd.conf" >"$T/rpsd.out" 2>&1 </dev/null &
rpsd_pid=$!
PIDS+=("$rpsd_pid")
wait_line "$T/rpsd.out" "listening on $T/observe.socket"

ticks=$(cpu_ticks)
setpriv --reuid 65534 --regid 65534 --clear-groups \
	/usr/bin/python3 "$T/flood.py" "$T/observe.socket" show 32 3 >"$T/flood.out" 2>&1 </dev/null &
flood_pid=$!
PIDS+=("$flood_pid")
n_answers=0
while pid_is_alive "$flood_pid"; do
	expect_exit 0 "$rpsctl" status
	n_answers=$((n_answers + 1))
done
ticks=$(($(cpu_ticks) - ticks))
expect_line "$T/flood.out" '^show: [1-9][0-9]*$'
fed=$(grep -c WATCHDOG=1 "$T/notified" || true)
echo "answers to the other user: $n_answers; watchdog fed $fed times; $ticks ticks of CPU"
[ "$n_answers" -ge $((5 / ${RPSD_TEST_TIMES-1})) ] || fail "the other user is kept waiting"
[ "$fed" -ge 3 ] || fail "the watchdog is kept waiting"
# Three seconds are 300 ticks; at most a fifth of them is the flood's, and the answers take some. With
# a sanitizer all of it takes longer.
[ "$ticks" -le $((120 * ${RPSD_TEST_TIMES-1})) ] || fail "the flood takes the daemon's time"
