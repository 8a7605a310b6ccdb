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
	expect_line_count "lines on stderr of '${*:2}'" "$ERR" 1
	expect_line "$ERR" "$regex"
	expect_text "stdout of '${*:2}'" "$OUT" ""
}

start_nginx
url=http://127.0.0.1:$NGINX_PORT/

# file NAME: a run file from stdin, its path in FILE.
file() {
	local lines

	FILE=$T/$1.ini
	mapfile lines
	printf '%s' "${lines[@]}" >"$FILE"
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
expect_line_count "lines on stderr" "$ERR" 2
expect_line "$ERR" 'many\.ini:4: '
expect_line "$ERR" 'many\.ini:6: '

# Values are judged when all of them are known, and a last line says so.
file unfilled <<-END
	[target]
	url = $url
	path
	[load]
	rate = fast
	duration = \${NO_SUCH_VARIABLE}
END
for command in run check start; do
	expect_exit 78 "$rpsctl" "$command" "$FILE"
	expect_line_count "lines on stderr" "$ERR" 3
	expect_line "$ERR" 'unfilled\.ini:3: '
	expect_line "$ERR" 'unfilled\.ini:6: .*NO_SUCH_VARIABLE. is not set'
	expect_line "$ERR" '^rpsctl: the rest is checked when this is mended$'
done

expect_mistake 66 'nowhere\.ini' "$rpsctl" run "$T/nowhere.ini"
# Flags alone: the command line is wrong; nothing is said of where it would have run.
expect_mistake 64 '^rpsctl: -r: ' "$rpsctl" run "$url" -r fast
expect_mistake 64 '^rpsctl: -r: ' "$rpsctl" run "$url" -r 0
expect_mistake 64 '^rpsctl: -d: ' "$rpsctl" run "$url" -d 3parsecs
expect_mistake 64 '^rpsctl: -c: ' "$rpsctl" run "$url" -c 0
expect_mistake 64 '^rpsctl: -n: ' "$rpsctl" run "$url" -n=1
expect_mistake 64 '^rpsctl: --set x\.y: ' "$rpsctl" run "$url" --set x.y=z
expect_mistake 64 '^rpsctl: --data: cannot read .*nothing: No such file' "$rpsctl" "$url" --data @"$T/nothing"
expect_mistake 64 '^rpsctl: URL "ftp://.*http or https' "$rpsctl" ftp://127.0.0.1/
expect_mistake 64 '^rpsctl: URL "http:/x"' "$rpsctl" run http:/x
# What the URL has to do with flags is the command line's too, and ${NAME} in it is not filled.
expect_mistake 64 '^rpsctl: --stage: stage = .* contradicts rate = 5 \(-r\)' \
	"$rpsctl" "$url" -r 5 --stage 'hold 5 for 1s'
expect_mistake 64 '^rpsctl: -r: the plan is too short' "$rpsctl" "$url" -r x0.0001
# shellcheck disable=SC2016
expect_mistake 64 '^rpsctl: URL "http://\$\{HOME' "$rpsctl" 'http://${HOME}/'
expect_mistake 64 "^rpsctl: run: an argument is empty, expected WHAT" "$rpsctl" ''
expect_mistake 64 "^rpsctl: stop: an argument is empty" "$rpsctl" stop ''

# Two flags that contradict each other are both named, and what does not go with the URL says why.
expect_mistake 64 '^rpsctl: -4 and -6 contradict each other .*leave one of them out' "$rpsctl" "$url" -4 -6
expect_mistake 64 '^rpsctl: -6 and -4 contradict' "$rpsctl" "$url" -6 -q -4
expect_mistake 64 '^rpsctl: -k and --set tls\.verify contradict' \
	"$rpsctl" https://127.0.0.1/ -k --set tls.verify=yes
expect_mistake 64 '^rpsctl: --set connections\.reuse and --no-keepalive contradict' \
	"$rpsctl" "$url" --set connections.reuse=rotate --no-keepalive
expect_mistake 64 '^rpsctl: --think: .*add model = closed \(--closed\), or leave it out$' "$rpsctl" "$url" --think 1s
expect_mistake 64 '^rpsctl: --set load.model: .*write a rate \(-r\), or model = closed \(--closed\)$' \
	"$rpsctl" "$url" -r max --set load.model=open
expect_exit 0 "$rpsctl" "$url" -4 -4 --dry-run
expect_mistake 64 '^rpsctl: -k: .*for https, and the URL is http: leave it out, or .*https' \
	"$rpsctl" "$url" -k
expect_mistake 64 '^rpsctl: --cacert: .*leave it out, or .*https' "$rpsctl" "$url" --cacert /dev/null
expect_mistake 64 '^rpsctl: -k: .*no TLS: leave it out' "$rpsctl" unix:/run/app.sock -k
expect_mistake 64 '^rpsctl: -6: .*IPv4 address: leave it out' "$rpsctl" http://127.0.0.1/ -6
expect_mistake 64 '^rpsctl: -4: .*Unix socket: leave it out' "$rpsctl" unix:/run/app.sock -4

# A flag took the URL for its value: its value is wrong, not the URL missing.
taken() {
	expect_mistake 64 "^rpsctl: $1: '$url' is not $3" "$rpsctl" "$1" "$url"
	expect_mistake 64 "^rpsctl: $2: '$url' is not $3" "$rpsctl" run "$2=$url"
	expect_mistake 64 "^rpsctl: $2: '$url' is not $3" "$rpsctl" start "$2" "$url"
}
taken -w --warmup 'a time'
taken -d --duration 'a time'
taken -c --connections 'a whole number'
taken -r --rate 'a rate'
taken -t --workers 'a whole number'
taken -n --requests 'a whole number'
for flag in think timeout seed slice at stage arrivals connect-to label method; do
	expect_mistake 64 "^rpsctl: --$flag: .*$url" "$rpsctl" --$flag "$url"
done
expect_mistake 64 "^rpsctl: -w: 'localhost:8000' is not a time" "$rpsctl" -w localhost:8000
expect_mistake 64 "^rpsctl: -d: 'http://a/.a=b' is not a time" "$rpsctl" -d 'http://a/?a=b'
expect_mistake 64 "^rpsctl: -w: 'http://a/%20' is not a time" "$rpsctl" -w 'http://a/%20'
expect_mistake 64 "^rpsctl: --set load.warmup: '$url' is not a time" "$rpsctl" --set "load.warmup=$url"
# A value may be any text: which flag took the URL is said beside what is missing.
for flag in -H -o --data --cacert --cert --key --socket; do
	expect_mistake 64 "^rpsctl: run needs WHAT .*: $flag took $url for its value; see" \
		"$rpsctl" "$flag" "$url"
done
expect_mistake 64 "^rpsctl: run needs WHAT \[OVERLAY\.ini\.\.\.\]; see" "$rpsctl" run -d 5
expect_exit 0 "$rpsctl" --json "$url?a=b" --dry-run -q

# What means something only together with another flag is refused without it.
for words in "$url" "$url --dry-run" "./wrong-key.ini"; do
	# shellcheck disable=SC2086
	expect_mistake 64 '^rpsctl: --socket .*add --service, or leave --socket out$' \
		"$rpsctl" run $words --socket "$T/none"
done
expect_mistake 69 '^rpsctl: no service at ' "$rpsctl" "$url" --service --socket "$T/none"
expect_mistake 64 '^rpsctl: report: --socket .*leave --socket out$' \
	"$rpsctl" report "$ROOT/tests/data/result_open.json" --socket "$T/none"
expect_mistake 64 '^rpsctl: --unsynchronised: .*add slice = I/N \(--slice\), or leave it out$' \
	"$rpsctl" "$url" --unsynchronised
expect_exit 0 "$rpsctl" "$url" --unsynchronised --slice 1/2 --dry-run

# A URL where none is taken: what the command takes, and what shows the plan of a URL.
for word in "$url" localhost:8000 localhost:8000/x unix:/run/app.sock; do
	expect_mistake 64 '^rpsctl: check: .* is a URL, and .*run files: rpsctl --dry-run URL' \
		"$rpsctl" check "$word"
	for command in watch status stop pause "set rate=3"; do
		# shellcheck disable=SC2086
		expect_mistake 64 "^rpsctl: ${command%% *}: .* is a URL, and a run is named by its id" \
			"$rpsctl" $command "$word"
	done
	expect_mistake 64 '^rpsctl: report: .* is a URL, and .*\.json' "$rpsctl" report "$word"
	expect_mistake 64 '^rpsctl: merge: .* is a URL, and .*\.json' "$rpsctl" merge "$word" "$word"
	expect_mistake 64 '^rpsctl: .*: a run has one target; .*\[request NAME\].*several runs' \
		"$rpsctl" "$url" "$word"
done
expect_mistake 66 '^rpsctl: checkout: no such file; .*rpsctl run checkout --dry-run' \
	"$rpsctl" check checkout
expect_mistake 66 '^rpsctl: runs/checkout: No such file' "$rpsctl" check runs/checkout

# A file's problems begin with its path as it was typed, in the order of lines; what is missing
# reads the same wherever it is found.
cd "$T"
file missing <<-END
	[target]
	url = $url
	[load]
	rate = fast
	stage = hold 5 for 1s
	[defaults]
	body = @sub/cart.json
	header = Foo
END
for command in run check "run --dry-run"; do
	# shellcheck disable=SC2086
	expect_exit 78 "$rpsctl" $command ./missing.ini
	expect_equal "problems of '$command'" "$(cut -d : -f 1-3 "$ERR")" \
		"$(printf './missing.ini:%s\n' '4: rate' '7: body' '8: header')"
	expect_line "$ERR" ':7: body: cannot read \./sub/cart\.json: No such file or directory \(.*@@sub/cart\.json\)$'
	expect_text stdout "$OUT" ""
done
: >"$T/empty.ini"
expect_mistake 78 '^empty\.ini: \[target\] url is missing' "$rpsctl" empty.ini
{ printf '[target]\nurl = %s' "$url" && head -c 70000 /dev/zero | tr '\0' a; } >"$T/long.ini"
expect_mistake 78 '^long\.ini:2: the line has' "$rpsctl" long.ini
for name in program program.ini program.conf; do
	cp "$BASH" "$T/$name"
	expect_mistake 78 "program.*: (this is|.* this is) not a text file" "$rpsctl" check "./$name"
	head -c 100000 "$BASH" >"$T/$name"
	expect_mistake 78 "program.*: (this is|.* this is) not a text file" "$rpsctl" check "./$name"
done

# A flood of one kind is one line; other kinds are not lost in it.
{ for i in {1..100}; do echo "http://127.0.0.1/$i"; done; echo '[laod]'; echo 'rate = fast'; } >urls.txt
expect_exit 78 "$rpsctl" ./urls.txt
expect_line "$ERR" '^\./urls\.txt:1: "http://127.0.0.1/1" is neither .* \(and 99 more\)$'
expect_line "$ERR" '^\./urls\.txt:101: unknown section \[laod\]'
expect_line "$ERR" "^\./urls\.txt:102: rate: 'fast' is not a rate"
{ printf '[target]\nurl = %s\n' "$url"; printf '[request r%s]\n' {1..1000}; } >requests.ini
expect_mistake 78 '^requests\.ini:67: the run has more than 64 named requests: .*\(and 935 more\)$' "$rpsctl" check requests.ini

# Valid, and hardly meant: methods are case-sensitive.
file method <<-END
	[target]
	url = $url
	[request a]
	method = Post
	[request b]
	method = POST
	[request c]
	method = purge
END
meant='is sent as it is written, and methods are case-sensitive: did you mean'
for command in check "run --dry-run"; do
	# shellcheck disable=SC2086
	expect_exit 0 "$rpsctl" $command method.ini
	matching_lines "$ERR" "$meant"
	expect_equal "hints of '$command'" "$LINES_SEEN" 1
	expect_line "$ERR" "^method\.ini:4: method: Post $meant POST\?$"
done
expect_exit 0 "$rpsctl" "$url" -X get --dry-run
expect_line "$ERR" "^rpsctl: -X: get $meant GET\?$"
expect_exit 0 "$rpsctl" "$url" -X get --dry-run -q
expect_text "stderr with -q" "$ERR" ""

# A result is no run file, however large it is.
cp "$ROOT/tests/data/result_open.json" "$T/a.json"
for command in check run "run --dry-run"; do
	# shellcheck disable=SC2086
	expect_mistake 78 'a\.json: this is the result of a run: rpsctl report shows it$' \
		"$rpsctl" $command ./a.json
done
head -c 1100000 /dev/zero | tr '\0' ' ' >>"$T/a.json"
expect_mistake 78 'a\.json: this is the result of a run' "$rpsctl" check ./a.json
expect_mistake 78 'a\.json: this is the result of a run' "$rpsctl" ./a.json

# What report and merge cannot read: what it is, and what to write instead, in the same words.
file seq <<-END
	# a sequence
	[target]
	url = $url
END
cp seq.ini sequence
: >table.csv
printf '### OK\n\n```ini\n[target]\nurl = %s\n```\n' "$url" >page.md
printf '[target]\nurl = %s\n' "$url" >page.txt
: >odd.json
echo '{"schema": "other"}' >other.json
for command in "report" "merge $ROOT/tests/data/result_open.json"; do
	for word in seq.ini sequence ./sequence; do
		# shellcheck disable=SC2086
		expect_mistake 78 "^rpsctl: $word: this is a run file, not a result: rpsctl run $word " \
			"$rpsctl" $command "$word"
	done
	for word in table.csv page.md ./page.txt; do
		# shellcheck disable=SC2086
		expect_mistake 78 "^rpsctl: $word: only a result in JSON can be read back: .*-o FILE\.json" \
			"$rpsctl" $command "$word"
	done
	for word in nowhere.json ./nowhere nowhere.csv nowhere.ini; do
		# shellcheck disable=SC2086
		expect_mistake 66 "^rpsctl: $word: no such file; .*-o FILE\.json writes one" \
			"$rpsctl" $command "$word"
	done
	# shellcheck disable=SC2086
	expect_mistake 78 '^rpsctl: odd\.json:.* not JSON' "$rpsctl" $command odd.json
	# shellcheck disable=SC2086
	expect_mistake 78 '^rpsctl: other\.json: .*not the result of a run.*-o FILE\.json' \
		"$rpsctl" $command other.json
done
for command in status watch stop pause resume next "set rate=3"; do
	# shellcheck disable=SC2086
	expect_mistake 64 "^rpsctl: ${command%% *}: seq\.ini is a file, and a run is named by its id" \
		"$rpsctl" $command seq.ini
done
expect_mistake 64 "^rpsctl: show: seq\.ini is not the name of a run of the service; rpsctl check" \
	"$rpsctl" show seq.ini

# A file whose name reads as that of a run: what it is, and what takes it, service or not.
printf '[target]\nurl = %s\n' "$url" >load.conf
cp load.conf load
export RPSCTL_SOCKET=$T/none
for command in run start "run --dry-run" "start --dry-run"; do
	for word in load.conf load page.txt other.json; do
		# shellcheck disable=SC2086
		expect_mistake 64 "^rpsctl: ${command%% *}: $word is read as the name of a run of the service; a run file of that name: rpsctl ${command%% *} \./$word$" \
			"$rpsctl" $command "$word"
	done
	# shellcheck disable=SC2086
	expect_mistake 64 "^rpsctl: ${command%% *}: seq is read .*: rpsctl ${command%% *} seq\.ini$" "$rpsctl" $command seq
	# shellcheck disable=SC2086
	expect_mistake 64 ": page\.md is read .*; the file of that name is a report, " "$rpsctl" $command page.md
	# shellcheck disable=SC2086
	expect_mistake 64 ": a\.json is read .*; \./a\.json: this is the result of a run: rpsctl report shows it$" "$rpsctl" $command a.json
done
expect_mistake 64 '^rpsctl: there is no command a\.json; .*the result of a run: rpsctl report' "$rpsctl" a.json
expect_mistake 64 '^rpsctl: show: load\.conf is read .*; rpsctl check load\.conf prints' "$rpsctl" show load.conf
expect_mistake 69 '^rpsctl: no service at ' "$rpsctl" run no-such-file
mkdir folder
expect_mistake 69 '^rpsctl: no service at ' "$rpsctl" run folder
unset RPSCTL_SOCKET
expect_exit 0 "$rpsctl" check load.conf
expect_line "$OUT" "^load\.conf: GET $url"
printf '[policy]\nallow = 192.0.2.1\n[target]\n' >both.conf
expect_mistake 78 '^both\.conf:3: unknown section \[target\]' "$rpsctl" check both.conf

# More words than a command takes.
mapfile -t names < <(printf '%s.json\n' {1..257})
expect_mistake 64 '^rpsctl: merge takes at most 256 words \(FILE FILE\.\.\.\), and 257 were given; merge some with -o SUM\.json, and then the sums; ' \
	"$rpsctl" merge "${names[@]}"
expect_mistake 64 '^rpsctl: run takes at most 33 words .*, and 34 were given; see' \
	"$rpsctl" run "$url" "${names[@]:0:33}"
expect_mistake 64 '^rpsctl: report: unexpected argument 2\.json; rpsctl merge makes one' \
	"$rpsctl" report 1.json 2.json

# Descriptors for rpsctl itself, and none for a daemon.
for n in 6 16; do
	expect_mistake 69 "^rpsctl: too few descriptors for a private rpsd: $n are allowed here \(ulimit -n\)" \
		bash -c "ulimit -n $n; exec '$rpsctl' run '$url' -r 10 -d 1s"
done

# What a plan says that it needs is what a run is refused for.
expect_exit 0 "$rpsctl" "$url" --dry-run -c 200 --set load.workers=2
expect_line "$OUT" '^  needs +226 descriptors beside those of rpsd itself$'
expect_mistake 69 '^rpsctl: rpsd cannot: 200 connections need 226 descriptors beside the [0-9]+ in use, and rpsd may have 100: fewer connections, or a higher limit \(ulimit -n\)$' \
	bash -c "ulimit -n 100; exec '$rpsctl' run '$url' -c 200 -d 1s -q --set load.workers=2"

# Flags and commands: the nearest is named.
expect_exit 64 "$rpsctl" run "$url" --durration 3
expect_line "$ERR" '--durration'
expect_line "$ERR" '--duration'
expect_mistake 64 '^rpsctl: unknown flag --zzzzzz; rpsctl help run lists' "$rpsctl" "$url" --zzzzzz
expect_mistake 64 '^rpsctl: unknown flag --rate: it is one of rpsctl run; see rpsctl help run$' \
	"$rpsctl" stop --rate 5
expect_mistake 64 '^rpsctl: unknown flag --rate: it is one of rpsctl run; see rpsctl help run$' \
	"$rpsctl" help --rate
expect_exit 64 "$rpsctl" statsu
expect_line "$ERR" 'statsu.*status|status'
expect_exit 64 "$rpsctl" run
[ -s "$ERR" ] || fail "no word on what is missing"

expect_line_count "requests that the server saw" "$NGINX_LOG" 0
expect_nothing_left
