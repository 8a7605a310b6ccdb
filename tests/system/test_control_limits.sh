#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One user's clients take all the connections that he may have, some of them do not read, and a run
# goes on: the others are answered, one too many is told so in a line, the daemon does not grow, and
# the run's books are in order.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# Megabytes; a sanitizer takes more of them.
rss_max=64
case $RPSD_BUILD in
*/build/?*) rss_max=1024 ;;
esac

# tell WORDS...: sets ANSWER.
tell() {
	echo "$*" >&"${CROWD[1]}"
	read -r -t 30 ANSWER <&"${CROWD[0]}" || fail "the crowd does not answer '$*'"
}

status_answers() {
	"$rpsctl" status >"$OUT" 2>"$ERR"
}

is_finished() {
	"$rpsctl" status "$id" >"$OUT" 2>"$ERR" && file_has "$OUT" "$id +completed"
}

memory_mb() {
	awk -v field="$1:" '$1 == field { print int($2 / 1024) }' "/proc/$rpsd_pid/status"
}

export RPSCTL_SOCKET=$T/control.socket
printf '[origin o]\nlisten = 127.0.0.1:0\n' >"$T/rpsd.conf"
"$rpsd" --config "$T/rpsd.conf" --socket "$RPSCTL_SOCKET" >"$T/rpsd.out" 2>&1 </dev/null &
rpsd_pid=$!
PIDS+=("$rpsd_pid")
wait_line "$T/rpsd.out" 'listening on'
# Signals that nothing is done with end nothing.
kill -USR1 "$rpsd_pid"
kill -USR2 "$rpsd_pid"
wait_address "$T/rpsd.out"
origin=$ADDRESS
coproc CROWD { exec python3 "$ROOT/tests/support/crowd.py" "$RPSCTL_SOCKET" 2>"$T/crowd.err"; }
PIDS+=("$CROWD_PID")

tell idle 30
expect_exit 0 "$rpsctl" start "http://$origin/" -r 500 -d 4s --set statistics.interval=100ms
id=$(<"$OUT")
tell deaf "$id"
before=$(memory_mb VmRSS)

# The 32nd.
for turn in 1 2 3 4 5; do
	expect_exit 0 "$rpsctl" status
	expect_line "$OUT" "^$id +[a-z]+ "
done

# The 33rd, for as long as one more stays.
tell greedy
expect_exit 77 "$rpsctl" status
expect_line_count "lines of the refusal" "$ERR" 1
expect_line "$ERR" '^rpsctl: refused: user [0-9]+ has 32 control connections, the most for one user$'
expect_text stdout "$OUT" ""
expect_exit 77 "$rpsctl" start "http://$origin/" -r 10 -d 1s
tell more
expect_equal "what another client is told" "$ANSWER" \
	"refused: user $(id -u) has 32 control connections, the most for one user"
expect_line "$T/rpsd.out" 'control connection refused: user'
tell leave
wait_until 5 status_answers || fail "the place does not become free"

wait_until 30 is_finished || fail "the run does not finish"
peak=$(memory_mb VmHWM)
echo "resident: $before MB with 31 clients, $peak MB at most"
[ "$peak" -le "$rss_max" ] || fail "the daemon has grown to $peak MB"

# Forty intervals and more have passed; who did not read gets what was begun, the newest and the end.
tell listen
[[ $ANSWER =~ ^([0-9]+)\ messages,\ ([0-9]+)\ skipped$ ]] || fail "the watch has ended: $ANSWER"
echo "the watch that nobody read: $ANSWER"
[ "${BASH_REMATCH[1]}" -le 4 ] || fail "news have queued up"
[ "${BASH_REMATCH[2]}" -ge 30 ] || fail "hardly any news were skipped"

expect_exit 0 "$rpsctl" report "$id" --json
cp "$OUT" "$T/result.json"
expect_exit 0 "$rpsctl" origins --json
figures "$OUT" '.origins[0].requests'
served=${FIGURES[0]}
expect_figures "$T/result.json" "the ledger" '.ledger | "\(.planned) \(.balanced)"' "2000 true" \
	"sent, served and retried" \
	".ledger.sent <= $served and $served <= .ledger.sent + .outside.retries" true
expect_text "what the crowd complains of" "$T/crowd.err" ""
