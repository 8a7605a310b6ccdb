#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A gate in one line: the table of rpsctl(1), row by row, with real servers; and the same of run
# files, stored results and a run that a person stops.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

start_origin
good=$ORIGIN
start_origin --errors '1.85% 503'
flawed=$ORIGIN
start_origin --errors '100% 404'
missing=$ORIGIN
start_origin --delay 20ms
slow=$ORIGIN
free_port
absent=127.0.0.1:$FREE_PORT

# ---------------------------------------------------------------- the table of the manual

# Its rows, as a reader sees them: flags, server, report, exit, with two blanks or more between.
sed -n '/^\.\\" table rules$/,/^\.Ed$/p' "$RPSD_BUILD/man/rpsctl.1" | sed 's/\\-/-/g; s/\\(aq//g' |
	sed -n 's/^\(-r [^ ]* -d [^ ]* --require [^ ]*\)  *\(.*[^ ]\)  *\([A-Z][A-Z]*\)  *\([0-9][0-9]*\)$/\1|\2|\3|\4/p' \
		>"$T/rows"
expect_line_count "the rows of the table" "$T/rows" 7
n=0
while IFS='|' read -r flags server word status; do
	case $server in
	answers) url=$good ;;
	'1.85 % are 503') url=$flawed ;;
	'all are 404') url=$missing ;;
	'is not there') url=$absent ;;
	*) fail "unknown server: $server" ;;
	esac
	read -ra words <<<"$flags"
	expect_exit "$status" "$rpsctl" "http://$url/" -q "${words[@]}" -o "$T/$n.json"
	if [ "$status" = 0 ]; then
		expect_line "$OUT" "^  $word   "
	else
		expect_line "$OUT" "^  $word   .*"
		[[ $(<"$OUT") == *"(exit $status)"* ]] || fail "no exit status: $(<"$OUT")"
	fi
	expect_figures "$T/$n.json" "exit code" .run.exit_code "$status" headline .headline.result \
		"${word,,}" rules '.thresholds | length' 1
	# Judged again it is the same.
	expect_exit "$status" "$rpsctl" report "$T/$n.json" --require 'errors <= 100%'
	expect_line "$OUT" "^  $word   "
	n=$((n + 1))
done <"$T/rows"
expect_line "$T/rows" 'PASS'

# ---------------------------------------------------------------- what the report shows

expect_exit 10 "$rpsctl" "http://$flawed/" -q -r 500 -d 2s --require 'p50 < 5s' \
	--require 'errors < 0.1%' --require 'p99.99 of ok < 5s' -o "$T/three.md"
expect_line "$OUT" '^  FAIL   1 of 3 rules is broken; '
matching_lines "$OUT" '^  (FAIL|undecided|pass) +[a-z]+ [^;]*<'
expect_equal "lines of rules" "$LINES_SEEN" 3
expect_line "$OUT" '^  FAIL +errors < 0\.1% +[0-9.]+ %   95 %: [0-9.]+ to [0-9.]+ %$'
expect_line "$OUT" '^  undecided +response p99\.99 of ok < 5s .* requests, and p99\.99 of'
expect_line "$OUT" '^  pass +response p50 < 5s '
expect_line "$T/three.md" '^\| FAIL \| `errors < 0\.1%` \| '

# What an undecided rule does to the exit status.
for row in '12 undecided' '10 fail' '0 pass'; do
	read -r status word <<<"$row"
	expect_exit "$status" "$rpsctl" "http://$good/" -q -n 20 --require 'p99 < 5s' \
		--undecided "$word"
	expect_line "$OUT" '^  UNDECIDED   '
done

# ---------------------------------------------------------------- run files

cat >"$T/shop.ini" <<-EOF
	[target]
	url = http://$slow/
	[load]
	stage = hold 200 for 1s
	stage = hold 400 for 1s
	[request browse]
	require = p95 < 5s
	[request buy]
	path = /buy
	require = p95 < 1ms
	[thresholds]
	require = stage 2: errors <= 0
EOF
expect_exit 10 "$rpsctl" "$T/shop.ini" -q --require 'rate > 1/s' -o "$T/shop.json"
expect_line "$OUT" '^  FAIL   1 of 4 rules is broken'
expect_line "$OUT" '^  FAIL  request buy: response p95 < 1ms '
expect_line "$OUT" '^  pass  request browse: response p95 < 5s '
expect_line "$OUT" '^  pass  stage 2: errors <= 0 '
expect_line "$OUT" '^  pass  rate > 1/s '
expect_exit 0 "$rpsctl" check "$T/shop.ini"
expect_line "$OUT" '^  require +request browse: p95 < 5s$'

# ---------------------------------------------------------------- mistakes

expect_exit 64 "$rpsctl" "http://$good/" --require 'p99 << 5s'
expect_text "what is wrong" "$ERR" "rpsctl: --require: 'p99 << 5s', column 5: '<<' where <, <=, > or >= is expected"
expect_exit 64 "$rpsctl" "http://$good/" -c 2 --require 'response p99 < 5s'
expect_line "$ERR" 'the closed model has no response times: use service'
expect_exit 64 "$rpsctl" report "$T/0.json" --require 'p99 < 5'
expect_line "$ERR" "column 7: '5' needs a unit of time"
expect_exit 64 "$rpsctl" report "$T/0.json" --require 'request buy: p99 < 5s'
expect_line "$ERR" 'no request buy was made'
printf '[target]\nurl = http://%s/\n[thresholds]\nrequire = p99\n' "$good" >"$T/bad.ini"
expect_exit 78 "$rpsctl" check "$T/bad.ini"
expect_line "$ERR" "bad\.ini:4: require: 'p99', column 4: the rule ends where <, <=, > or >= is expected"

# ---------------------------------------------------------------- a rule that ends the run

expect_exit 11 "$rpsctl" "http://$good/" -q -r 200 -d 1h --abort-if 'sent < 1000/s over 1s' \
	-o "$T/aborted.json"
expect_line "$OUT" '^  ABORTED   abort-if sent < 1000/s over 1s: [0-9]+/s at 0:01 \(exit 11\)$'
expect_figures "$T/aborted.json" outcome .run.outcome aborted kind '.thresholds[0].kind' abort-if \
	when '.thresholds[0].first_broken_ns' 1000000000 \
	event '[.events[] | select(.kind == "abort")] | length' 1
expect_exit 0 "$rpsctl" "http://$good/" -q -r 200 -d 2s --abort-if 'errors > 50% over 1s' \
	--abort-if 'p99 > 5s' --require 'errors < 1%'
expect_line "$OUT" '^  PASS   '

# ---------------------------------------------------------------- while it goes on

expect_exit 10 "$rpsctl" "http://$good/" -r 500 -d 2s --require 'errors < 1%' \
	--require 'sent > 1000/s'
expect_line "$ERR" '^0:0[12] .* ours [0-9.-]+ rules broken$'
expect_exit 0 "$rpsctl" "http://$good/" -r 500 -d 2s --require 'errors < 1%'
expect_line "$ERR" '^0:0[12] .* ours [0-9.-]+ rules holding$'

# ---------------------------------------------------------------- stopped

start "$rpsctl" "http://$good/" -d 1h --require 'p99 < 1us'
wait_line "$ERR" ' sent [1-9]' 10
kill -INT "$PID"
wait_exit "$PID" 20
expect_equal "status of a stopped run" "$STATUS" 14
expect_line "$OUT" '^  STOPPED   '

# ---------------------------------------------------------------- in the service: start, then wait

mkdir "$T/run"
cat >"$T/rpsd.conf" <<CONF
[control]
socket = $T/run/control.socket
observe = $T/run/observe.socket
CONF
start "$rpsd" --config "$T/rpsd.conf"
wait_line "$ERR" 'listening on .*observe\.socket'
export RPSCTL_SOCKET=$T/run/control.socket
OUT=$T/stdout.ctl ERR=$T/stderr.ctl
for row in '10 p50<1us' '0 p50<5s' '12 p99.99<5s'; do
	read -r status rule <<<"$row"
	id=$("$rpsctl" start "http://$good/" -r 1000 -d 1s --require "$rule" 2>"$ERR")
	expect_exit "$status" "$rpsctl" wait "$id"
	expect_text "what wait prints" "$OUT" ""
	# It has finished: the same at once, and of the newest.
	expect_exit "$status" "$rpsctl" wait
	expect_exit "$status" "$rpsctl" report "$id" --require 'errors <= 100%'
done
expect_exit 66 "$rpsctl" wait nobody-1
expect_exit 69 "$rpsctl" wait --socket "$T/no.socket"
