#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What rpsctl and rpsd do together with a run's words: overlays, variables, scales, labels, dry runs,
# files of every form, and what the service is asked.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

start_nginx
url=http://127.0.0.1:$NGINX_PORT/
result=$T/result.json
served=0

# served N: so many more since the last time.
served() {
	served=$((served + $1))
	expect_nginx_served "$served"
}

# file NAME: a file from stdin.
file() {
	local lines

	mapfile lines
	printf '%s' "${lines[@]}" >"$T/$1"
}

# ---------------------------------------------------------------- overlays

mkdir "$T/runs" "$T/over"
file runs/base.ini <<-END
	[target]
	url = $url
	[load]
	stage = hold 1000 for 1h
	[defaults]
	header = X-Token: @token
END
echo from-base >"$T/runs/token"
file over/first.ini <<-END
	[load]
	rate = 40
	duration = 500ms
	[defaults]
	header = X-Token: over @mine
END
echo from-overlay >"$T/over/mine"
file second.ini <<-END
	[load]
	rate = 20
	[run]
	label = by=second
END

expect_exit 0 "$rpsctl" "$T/runs/base.ini" "$T/over/first.ini" "$T/second.ini" -q -o "$result"
served 10
expect_figures "$result" \
	"the stage" '.plan.stages[0]' 'hold 20/s for 500ms' \
	"the name" .run.name base \
	"the label" .run.labels.by second
expect_equal "the text" "$(json "$result" .plan.text)" "$(<"$T/runs/base.ini")"
matching_lines "$NGINX_LOG" 'from-overlay$'
expect_equal "the header" "$LINES_SEEN" 10
# A flag comes after all of them.
expect_exit 0 "$rpsctl" "$T/runs/base.ini" "$T/over/first.ini" "$T/second.ini" -q -r 10 \
	-o "$result"
served 5

# What is wrong in an overlay has its place there, all of it at once.
file wrong.ini <<-END
	; an overlay
	[load]
	rat = 5
	duration = long
END
expect_exit 78 "$rpsctl" "$T/runs/base.ini" "$T/wrong.ini" -q
expect_line "$ERR" "^$T/wrong.ini:3: unknown key 'rat'"
expect_line "$ERR" "^$T/wrong.ini:4: duration: 'long'"
expect_line_count "lines on stderr" "$ERR" 2
expect_exit 66 "$rpsctl" "$url" 2000
expect_line "$ERR" '^rpsctl: 2000: no such file; .*overlays'

# ---------------------------------------------------------------- variables

file vars.ini <<-END
	[target]
	url = http://127.0.0.1:\${NGINX_TEST_PORT}/\${NGINX_TEST_PATH:-none}
	[load]
	rate = 20
	duration = 500ms
	[defaults]
	header = X-Token: \${NGINX_TEST_TOKEN}
END
unset NGINX_TEST_PORT NGINX_TEST_PATH NGINX_TEST_TOKEN
expect_exit 78 "$rpsctl" "$T/vars.ini" -q
expect_line "$ERR" "^$T/vars.ini:2: url: .*NGINX_TEST_PORT. is not set"
expect_exit 78 "$rpsctl" check "$T/vars.ini"
expect_line "$ERR" "^$T/vars.ini:2: url: "
export NGINX_TEST_PORT=$NGINX_PORT NGINX_TEST_TOKEN=s3cret
expect_exit 0 "$rpsctl" "$T/vars.ini" -q -o "$result"
served 10
matching_lines "$NGINX_LOG" '^GET /none 200 s3cret$'
expect_equal "requests with it" "$LINES_SEEN" 10
expect_equal "the text" "$(json "$result" .plan.text)" "$(<"$T/vars.ini")"
! file_has "$result" s3cret || fail "the variable's value is in the result"

# ---------------------------------------------------------------- scales and labels

expect_exit 0 "$rpsctl" "$T/vars.ini" -q -r x0.5 -o "$result" --label commit=1f2e --label 'why=a = b'
served 5
expect_figures "$result" \
	"the stage" '.plan.stages[0]' 'hold 10/s for 500ms' \
	"the labels" .run.labels '{"commit":"1f2e","why":"a = b"}'
expect_exit 64 "$rpsctl" "$url" -q -r xfast
expect_line "$ERR" "^rpsctl: -r: 'xfast' is not a scale"
expect_exit 64 "$rpsctl" "$url" -q --label commit
expect_line "$ERR" "^rpsctl: --label: 'commit' is not a label"

# ---------------------------------------------------------------- the habits of other tools' users

# says LINE FLAGS...: on stderr, of a URL.
says() {
	local line=$1
	shift
	expect_exit 0 "$rpsctl" "$url" --dry-run "$@"
	expect_text "stderr of '$*'" "$ERR" "${line:+rpsctl: $line}"
}

users='as -c is given without a rate; -r RATE sets one'
default='which is the default rate; -r RATE sets another'
says "open model at 100/s, $default"
expect_line "$OUT" 'even spacing: hold 100/s for 10s$'
says "2 workers, closed model with 100 users, $users" -t2 -c100 -d5s
expect_line "$OUT" '^  load +closed model, 100 users, each waits for its answer$'
says "closed model with 8 users, as --set connections.count is given without a rate; -r RATE sets one" \
	--set connections.count=8
says "50 requests at 100/s, $default" -n 50
says "" -c 8 -r 20
says "" -c 8 --closed
says "" -c 8 "$T/second.ini"
says "" -c 8 --stage 'hold 20 for 1s' --stage 'ramp to 40 over 1s' --arrivals poisson
expect_line "$OUT" '^  load +open model, Poisson arrivals, up to 40/s$'
expect_exit 0 "$rpsctl" "$T/over/../vars.ini" --dry-run -c 8
expect_text "stderr" "$ERR" ""
# As it is run; ${NAME} in a URL stays as it is.
# shellcheck disable=SC2016
expect_exit 0 "$rpsctl" "$url\${NGINX_TEST_TOKEN}" -c 2 -n 30 -4 --think 1ms -o "$result"
served 30
expect_equal "the first line" "$(head -n 1 "$ERR" | sed 's/.* as [^:]*: //')" \
	"closed model with 2 users, $users"
matching_lines "$NGINX_LOG" '^GET /\$\{NGINX_TEST_TOKEN\} '
expect_equal "requests as typed" "$LINES_SEEN" 30
expect_figures "$result" \
	"the model" .plan.model closed \
	"the text" '[.plan.text | split("\n")[] | select(. == "count = 2")] | length' 1

# ---------------------------------------------------------------- closed descriptors

# rpsctl and its daemon have none of 0 to 2: the file is written, the report is not.
got=0
"$rpsctl" "$url" -r 100 -n 5 -o "$result" <&- >&- 2>&- || got=$?
expect_equal "exit status" "$got" 1
served 5
expect_figures "$result" sent .ledger.sent 5
expect_exit 0 "$rpsd" --version
got=0
"$rpsd" --check --config "$T/no.conf" <&- >&- 2>&- || got=$?
expect_equal "exit status of rpsd" "$got" 78
got=0
"$rpsctl" "$url" -r 100 -n 5 -o "$result" <&- 2>&- >"$OUT" || got=$?
expect_equal "exit status without stdin and stderr" "$got" 0
served 5

# What stdout does not take is an error, whatever was to be printed: closed, full, or only for reading.
refuses_output() {
	local said=$1 got=0
	shift
	"$@" 2>"$ERR" >&- || got=$?
	expect_equal "exit status of $* >&-" "$got" 1
	expect_line "$ERR" "^$said: cannot write to stdout: Bad file descriptor"
	got=0
	"$@" 2>"$ERR" >/dev/full || got=$?
	expect_equal "exit status of $* >/dev/full" "$got" 1
	expect_line "$ERR" "^$said: cannot write to stdout: No space left on device$"
	got=0
	"$@" 2>"$ERR" 1</dev/null || got=$?
	expect_equal "exit status of $* 1</dev/null" "$got" 1
	expect_line "$ERR" "^$said: cannot write to stdout: Bad file descriptor"
}
for word in "report $result" "report $result --json" "report $result -v" --help --version version \
	help 'help run' 'completion bash' "check $T/vars.ini" "run $T/vars.ini --dry-run"; do
	# shellcheck disable=SC2086
	refuses_output rpsctl "$rpsctl" $word
done
for word in --help --version; do
	refuses_output rpsd "$rpsd" "$word"
done
# A daemon that is started by hand and may not listen at its place says where it may.
mkdir -m 0 "$T/shut"
as_user=()
[ "$EUID" -ne 0 ] || as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
expect_exit 0 "$rpsd" --help
expect_line "$OUT" '^By hand, also without root:  rpsd --socket '
if [ "$EUID" -ne 0 ] || "${as_user[@]}" "$rpsd" --version >"$OUT" 2>&1; then
	expect_exit 1 "${as_user[@]}" "$rpsd" --socket "$T/shut/socket"
	expect_line "$ERR" 'Permission denied; start rpsd as root, or with --socket PATH where you may write$'
fi
# Nothing is sent for a report that cannot be printed.
expect_exit 1 sh -c '"$0" "$1" -n 5 >&-' "$rpsctl" "$url"
expect_line "$ERR" '^rpsctl: cannot write to stdout: Bad file descriptor \(-o FILE writes a file\)$'
served 0
# A closed stdin is no empty body.
expect_exit 64 sh -c '"$0" "$1" -n 5 --data @- <&-' "$rpsctl" "$url"
expect_line "$ERR" '^rpsctl: --data: cannot read /dev/stdin: Bad file descriptor$'
served 0

# ---------------------------------------------------------------- a dry run

expect_exit 0 "$rpsctl" run "$T/vars.ini" "$T/second.ini" --dry-run -r x0.1 --label a=b
expect_line "$OUT" "^vars: GET http://127.0.0.1:$NGINX_PORT/none$"
expect_line "$OUT" '^  load +open model, even spacing: hold 2/s for 500ms$'
expect_line "$OUT" '^  sends +1 request,'
expect_line "$OUT" '^  labels +by=second$'
expect_line "$OUT" '^ +a=b$'
cp "$OUT" "$T/dry"
expect_exit 0 "$rpsctl" check "$T/vars.ini"
[ "$(awk 'length > 80' "$OUT" "$T/dry")" = "" ] || fail "too wide: $(cat "$OUT" "$T/dry")"
expect_exit 64 "$rpsctl" "$url" --dry-run -r fast
expect_line "$ERR" "^rpsctl: -r: 'fast' is not a rate"
expect_exit 69 "$rpsctl" start checkout --dry-run --socket "$T/nowhere"
# With --json it is a document, of a file and of a URL.
for what in "$T/vars.ini" "$url"; do
	expect_exit 0 "$rpsctl" run "$what" --dry-run --json -q -r 20 -d 1 -o "$T/unwritten.json"
	expect_figures "$OUT" \
		"its schema" .schema rpsd.plan/1 \
		"what it sends" .sends.requests 20 \
		"its digest" '.plan.sha256 | length' 64
	expect_text "stderr" "$ERR" ""
done
! file_has "$OUT" s3cret || fail "the variable's value is in the plan"
expect_exit 0 "$rpsctl" "$url" --dry-run -r 20 -o "$T/unwritten.json"
expect_line "$ERR" "^rpsctl: -o $T/unwritten.json: not written, as --dry-run "
[ ! -e "$T/unwritten.json" ] || fail "a dry run has written a report"
served 0

# ---------------------------------------------------------------- check

expect_exit 0 "$rpsctl" check "$T/runs/base.ini" "$T/over/first.ini" "$T/second.ini" "$T/vars.ini"
expect_line "$OUT" "^$T/runs/base.ini with $T/over/first.ini, $T/second.ini:$"
expect_line "$OUT" "^$T/vars.ini:$"
expect_line "$OUT" 'hold 20/s for 500ms$'
expect_exit 78 "$rpsctl" check "$T/runs/base.ini" "$T/wrong.ini" "$T/vars.ini"
expect_line "$ERR" "^$T/wrong.ini:3: "
expect_line "$OUT" "^$T/vars.ini:$"
# An overlay that stands alone is a run file without a target.
expect_exit 78 "$rpsctl" check "$T/second.ini"
expect_line "$ERR" 'url is missing'
expect_exit 66 "$rpsctl" check "$T/vars.ini" "$T/nowhere.ini"
expect_line "$OUT" "^$T/vars.ini:$"

# ---------------------------------------------------------------- files of every form

expect_exit 0 "$rpsctl" "$url" -r 50 -d 2 -q --set statistics.interval=500ms \
	-o "$result" -o "$T/r.txt" -o "$T/r.csv" -o "$T/r.md"
served 100
expect_equal "the first line" "$(head -n 1 "$T/r.csv")" \
	"t_s,planned,sent,completed,ok,failed,in_flight,queue,p50_ms,p99_ms,max_ms,our_delay_p99_ms,open"
expect_equal "rows" "$(($(wc -l <"$T/r.csv") - 1))" "$(json "$result" '.intervals.rows | length')"
expect_equal "planned in all rows" "$(awk -F, 'NR > 1 { n += $2 } END { print n }' "$T/r.csv")" 100
expect_line "$T/r.md" '^### OK · 127\.0\.0\.1-[0-9]+$'
expect_line "$T/r.md" '^\| planned \| 100 \| 50/s \| 100 % \|$'
expect_line "$T/r.md" '^rate = 50$|^url = '
expect_line "$T/r.txt" '^  planned +100 '
expect_exit 64 "$rpsctl" "$url" -d 1 -q -o "$T/r.xlsx"
expect_text "the line" "$ERR" \
	"rpsctl: -o $T/r.xlsx: the name must end in .json, .txt, .stages.csv, .csv, .md or .hlog"
# What cannot be written is found out before anything is sent; else the run's own status is kept.
expect_exit 1 "$rpsctl" "$url" -d 1 -q -o "$T/not-there/r.json"
expect_text "the line" "$ERR" \
	"rpsctl: -o $T/not-there/r.json: its folder does not exist"
# Nobody may write below a file, not even root.
expect_exit 1 "$rpsctl" "$url" -d 1 -q -o "$T/r.md/r.json"
expect_line "$ERR" '^rpsctl: -o .*/r\.json: Not a directory$'
expect_exit 1 "$rpsctl" "$url" -d 1 -q -o /proc/r.json
expect_line "$ERR" '^rpsctl: -o /proc/r\.json: no file can be made in its folder$'
expect_text "stdout" "$OUT" ""
mkdir "$T/gone" "$T/gone/r.json"
expect_exit 1 "$rpsctl" "$url" -d 1 -q -o "$T/gone/r.json"
rmdir "$T/gone/r.json"
served 0
start "$rpsctl" "$url" -d 1 -r 10 -o "$T/gone/r.json"
wait_line "$ERR" '^running privately'
rmdir "$T/gone"
wait_exit "$PID"
expect_equal "exit status" "$STATUS" 1
expect_line "$ERR" "^rpsctl: cannot write $T/gone/r.json: No such file"
served 10
# Where no number can be kept, that is said, once.
expect_exit 0 env XDG_STATE_HOME=/proc/nowhere "$rpsctl" "$url" -d 1 -r 10 -q
expect_line_count "lines on stderr" "$ERR" 1
expect_line "$ERR" "^rpsd: this run's number is not kept"
expect_exit 0 "$rpsctl" "$url" -d 1 -r 10 -q
expect_text "stderr" "$ERR" ""
served 20
expect_exit 64 "$rpsctl" "$url" -z 10s
expect_text "the line" "$ERR" "rpsctl: unknown flag -z: the duration is -d 10s"
served 0

# ---------------------------------------------------------------- the service, and this host

printf '[control]\nsocket = %s\nobserve =\n' "$T/control.socket" >"$T/rpsd.conf"
"$rpsd" --config "$T/rpsd.conf" >"$T/rpsd.out" 2>&1 </dev/null &
PIDS+=("$!")
wait_line "$T/rpsd.out" 'listening on .*control\.socket'
export RPSCTL_SOCKET=$T/control.socket

expect_exit 0 "$rpsctl" list
expect_line "$OUT" '^no named runs in /.*/runs\.d; |^name +target +load$'
expect_exit 0 "$rpsctl" list --json
figures "$OUT" '.plans | type' .directory
expect_equal "the list's type" "${FIGURES[0]}" array
named=${FIGURES[1]}
# expect_words STATUS LINE COMMAND...: one line on stderr.
expect_words() {
	expect_exit "$1" "${@:3}"
	expect_text "the line of '${*:4}'" "$ERR" "$2"
}
nowhere="rpsctl: no such run in $named: no-such-run; rpsctl list lists the known ones"
expect_words 66 "$nowhere" "$rpsctl" run no-such-run "$T/second.ini" --dry-run
expect_words 66 "$nowhere" "$rpsctl" start no-such-run "$T/second.ini"
expect_words 66 "$nowhere" "$rpsctl" show no-such-run
expect_words 64 "rpsctl: show: no-such.ini is not the name of a run of the service; \
rpsctl check FILE prints what a file means" "$rpsctl" show no-such.ini
expect_exit 66 "$rpsctl" run no-such-run -q
expect_text "the line" "$ERR" "$nowhere"
expect_words 64 "rpsctl: there is no command no-such-run, and no run of that name in $named; \
http://no-such-run/ is a URL" "$rpsctl" no-such-run
# Each message has its remedy.
start_it="to start it: rpsd --socket $T/none"
for command in status watch list; do
	expect_words 69 "rpsctl: no service at $T/none; $start_it; a run of your own needs none: \
rpsctl URL, or rpsctl FILE.ini" env RPSCTL_SOCKET="$T/none" "$rpsctl" "$command"
done
# What can be done without a service depends on what was asked for.
own="a run of your own needs none"
for command in "stop|$own: Ctrl-C ends it" "pause|$own: p in its live view pauses it" \
	"set rate=5|$own: + and - in its live view change the rate" \
	"origins|rpsctl origin serves without one, and prints its counts at its end" \
	"show|a file needs none: rpsctl check FILE tells what it means"; do
	# shellcheck disable=SC2086
	expect_words 69 "rpsctl: no service at $T/none; $start_it; ${command#*|}" \
		env RPSCTL_SOCKET="$T/none" "$rpsctl" ${command%|*}
done
expect_words 69 "rpsctl: no service at $T/none; $start_it; a result's file needs none: rpsctl \
report FILE.json" env RPSCTL_SOCKET="$T/none" "$rpsctl" report
expect_words 64 "rpsctl: there is no command no-such-run (rpsctl --help lists them); a \
named run of the service is rpsctl run no-such-run; http://no-such-run/ is a URL" env RPSCTL_SOCKET="$T/none" "$rpsctl" no-such-run
none="the service has no run; rpsctl start NAME starts one (rpsctl list shows the names)"
expect_words 66 "rpsctl: report: $none, rpsctl report FILE.json shows a result's file" \
	"$rpsctl" report
for command in watch pause; do
	expect_words 66 "rpsctl: $command: $none, rpsctl URL runs without the service" \
		"$rpsctl" "$command"
done
(
	cd "$T"
	: >such-a-file
	expect_words 64 "rpsctl: there is no command such-a-file; a run file of that name: rpsctl \
./such-a-file" "$rpsctl" such-a-file
	: >such.ini
	expect_words 64 "rpsctl: there is no command such; a run file of that name: rpsctl such.ini" \
		"$rpsctl" such
	: >stats
	expect_words 64 "rpsctl: there is no command stats; did you mean status, or the file: rpsctl \
./stats?" "$rpsctl" stats
)
# A table of stages that has none.
expect_exit 0 "$rpsctl" report "$ROOT/tests/data/result_open.json" -o "$T/open.stages.csv"
expect_text "the line" "$ERR" "rpsctl: $T/open.stages.csv has its header alone: the result has no \
stages that are told apart; -o FILE.csv has a line for each interval"
# Words of other tools, and words in two.
expect_words 64 "rpsctl: there is no command GET; a method is a flag: rpsctl URL -X GET" \
	"$rpsctl" GET "$url"
overlay="no such file; the words after the first one are overlays, which are run files"
expect_words 66 "rpsctl: 8000: $overlay; a port belongs to the URL, as in \
localhost:8000, a rate to -r" \
	"$rpsctl" localhost 8000
expect_words 66 "rpsctl: /no/path: $overlay; a path belongs to the URL, as in localhost:8000/path" \
	"$rpsctl" localhost:8000 /no/path
expect_words 66 "rpsctl: POST: $overlay; a method is a flag, as in -X POST" "$rpsctl" "$url" POST
expect_words 66 "rpsctl: other.ini: $overlay" "$rpsctl" "$url" other.ini
expect_words 64 "rpsctl: origin: unexpected argument 8000; the address is --listen ADDRESS:PORT; \
see rpsctl help origin" "$rpsctl" origin 8000
expect_words 64 "rpsctl: unknown flag --status: answers of another status are --errors '100% 500'" \
	"$rpsctl" origin --status 500
# A port alone is neither a command nor a host: the C library would take it for 0.0.31.64.
expect_words 64 "rpsctl: there is no command 8000; a port needs its host: rpsctl localhost:8000" \
	"$rpsctl" 8000
expect_exit 64 "$rpsctl" http://h.test/ --connect-to 8000 --dry-run
expect_line "$ERR" 'a number alone is no host: a port comes after one, as in localhost:8000'
# A message alone, not a second one on the same word.
expect_exit 64 "$rpsctl" http://127.0.0.1:1/ -H @headers.txt --dry-run
expect_equal "the line" "$(cat "$ERR")" \
	"rpsctl: -H: '@headers.txt' is not a header: write NAME: VALUE, as in Accept: text/html"
# Policy: the remedy is named, whether the address is known at once or from its name.
expect_words 77 "rpsctl: refused: 192.0.2.1: only loopback is allowed; [policy] allow lists more" \
	"$rpsctl" start http://192.0.2.1/
expect_exit 77 "$rpsctl" run --service http://3221225985/ -q
expect_line "$OUT" 'try +root can list the address in rpsd\.conf: \[policy\] allow ='
idle="rpsctl: stop: no run of the service is active; rpsctl status shows those that have finished, \
and Ctrl-C ends one of your own"
expect_words 66 "$idle" "$rpsctl" stop
expect_words 0 "$idle" "$rpsctl" stop --all
expect_exit 0 "$rpsctl" start "$T/runs/base.ini" "$T/over/first.ini"
id=$(<"$OUT")
expect_exit 0 "$rpsctl" watch "$id"
served 20
expect_words 66 "$idle" "$rpsctl" stop
expect_words 66 "rpsctl: $id has finished; rpsctl report $id shows its report" \
	"$rpsctl" stop "$id"
expect_words 66 "rpsctl: no such run: base; did you mean $id?" "$rpsctl" report base
expect_words 66 "rpsctl: no such run: base; did you mean $id?" "$rpsctl" watch base
expect_words 66 "rpsctl: no such run: ${id}1; did you mean $id?" "$rpsctl" stop "${id}1"

STATUS=0
"$rpsctl" doctor >"$OUT" 2>"$ERR" || STATUS=$?
[ "$STATUS" -le 1 ] || fail "doctor ends with $STATUS"
expect_equal "whether it warns" "$(grep -c '^  warn' "$OUT" || true)" \
	"$([ "$STATUS" -eq 0 ] && echo 0 || grep -oE '^[0-9]+ warning' "$OUT" | cut -d ' ' -f 1)"
expect_line "$OUT" '^  ok    rpsd +/.*/rpsd, version [0-9.]+ as rpsctl$|^  ok    rpsd '
expect_line "$OUT" '^  ok    service +answers at'
for word in descriptors ports somaxconn CPUs steal clock timer group; do
	expect_line "$OUT" "^  (ok|warn) +$word "
done
[ "$(awk 'length > 80' "$OUT")" = "" ] || fail "too wide: $(cat "$OUT")"

for flag in --version -V version; do
	expect_exit 0 "$rpsctl" $flag
	expect_line "$OUT" '^rpsctl [0-9.]+'
done
expect_exit 0 "$rpsctl" help connection wait
expect_line "$OUT" '^connection wait$'
expect_exit 64 "$rpsctl" help respones
expect_line "$ERR" 'did you mean response\?$'
