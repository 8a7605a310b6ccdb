#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Shared by the system tests, which source it first. A test is a bash script that ends with 0 when
# all it says holds. RPSD_BUILD names the folder with rpsd and rpsctl; $T is a private folder.
# Whatever a test starts here is ended by its pid when the test ends, however it ends.
#
# Nothing asserts on wall-clock time that a busy machine could break: only counts, exit statuses,
# words, and lower bounds.
#
# What is asked again and again starts no process: on a slow machine one costs more than the answer.
# So $(<FILE) stands for cat, line_count for wc, and expect_figures is one jq for many figures.
# shellcheck disable=SC2034  # much is set here for the tests to read
set -euo pipefail

ROOT=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
export RPSD_BUILD=${RPSD_BUILD:-$ROOT/build}
rpsctl=$RPSD_BUILD/rpsctl
rpsd=$RPSD_BUILD/rpsd

T=$(mktemp -d "${TMPDIR:-/tmp}/rpsd-test.XXXXXX")
OUT=$T/stdout # of the last expect_exit or start
ERR=$T/stderr
PIDS=()

# nap: a hundredth of a second, without a process. Nothing is ever written to this FIFO.
mkfifo "$T/nap"
nap() {
	read -rt 0.01 <>"$T/nap" || true
}

# Everything started below carries this word in its environment, also what it starts itself in a
# session of its own: so a daemon left behind is found, and nobody else's is mistaken for ours.
export RPSD_TEST_MARK=$T

# State of the user (run numbers) stays private too.
export HOME=$T XDG_STATE_HOME=$T/state
# Servers are in folders that a user's PATH may lack.
PATH=$PATH:/usr/sbin:/sbin
unset RPSCTL_SOCKET

# ---------------------------------------------------------------- ending

pid_is_alive() {
	kill -0 "$1" 2>/dev/null
}

# Ends a process by its pid and waits for it, whoever its parent is: TERM, after 3 s KILL.
end_process() {
	local pid=$1 turn

	kill "$pid" 2>/dev/null || return 0
	for ((turn = 0; turn < 300; turn++)); do
		! is_gone "$pid" || break
		nap
	done
	kill -KILL "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
}

is_gone() {
	local stat

	pid_is_alive "$1" || return 0
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
	stat=${stat##*) }
	[ "${stat%% *}" = Z ]
}

# find_marked NAME...: the living programs of these names that carry this test's mark, so not the
# shells and helpers of the test itself: their pids are then in MARKED.
find_marked() {
	local proc name environ

	MARKED=()
	for proc in /proc/[0-9]*; do
		{ read -r name <"$proc/comm"; } 2>/dev/null || continue
		[[ " $* " == *" $name "* ]] || continue
		! is_gone "${proc#/proc/}" || continue
		{ mapfile -d '' -t environ <"$proc/environ"; } 2>/dev/null || continue
		case " ${environ[*]} " in
		*" RPSD_TEST_MARK=$T "*) MARKED+=("${proc#/proc/}") ;;
		esac
	done
}

nothing_is_left() {
	find_marked rpsd rpsctl
	[ ${#MARKED[@]} -eq 0 ]
}

# No rpsd and no rpsctl of this test may live on; one that is just ending gets 2 s.
expect_nothing_left() {
	wait_until 2 nothing_is_left ||
		fail "left: $(ps -o pid=,args= -p "$(IFS=,; echo "${MARKED[*]}")" | xargs)"
}

cleanup() {
	local status=$? i pid

	trap - EXIT ERR
	set +e
	for ((i = ${#PIDS[@]} - 1; i >= 0; i--)); do
		end_process "${PIDS[i]}"
	done
	find_marked rpsd rpsctl nginx apache2 haproxy
	for pid in "${MARKED[@]}"; do
		end_process "$pid"
	done
	rm -rf "$T"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'echo "$0:$LINENO: \"$BASH_COMMAND\" failed" >&2' ERR

# fail WORDS...: says why, shows what the last program said, and ends the test.
fail() {
	echo "$0:${BASH_LINENO[${#BASH_LINENO[@]} - 2]}: $*" >&2
	for said in "$OUT" "$ERR"; do
		[ -s "$said" ] || continue
		echo "--- $(basename "$said")" >&2
		tail -n 40 "$said" >&2
	done
	exit 1
}

# skip WHAT (needs ...): a part of the test that cannot run here. The runner counts and lists them.
skip() {
	echo "skipped: $*"
}

# ---------------------------------------------------------------- waiting

# wait_until SECONDS COMMAND...: polls every 10 ms until the command succeeds. A sanitizer or a busy
# machine needs more seconds, RPSD_TEST_TIMES as many.
wait_until() {
	local turns=$(($1 * 100 * ${RPSD_TEST_TIMES-1}))
	shift
	while ! "$@"; do
		turns=$((turns - 1))
		[ "$turns" -gt 0 ] || return 1
		nap
	done
}

port_is_open() {
	{ : <>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null
}

# file_has FILE REGEX: as grep -E does.
file_has() {
	local lines line

	{ mapfile -t -n 2000 lines <"$1"; } 2>/dev/null || return 1
	for line in "${lines[@]}"; do
		if [[ $line =~ $2 ]]; then return 0; fi
	done
	[ "${#lines[@]}" -eq 2000 ] && grep -qE -- "$2" "$1"
}

wait_port() {
	wait_until "${2:-5}" port_is_open "$1" || fail "nothing listens on port $1"
}

# wait_line FILE REGEX [SECONDS]
wait_line() {
	wait_until "${3:-5}" file_has "$1" "$2" || fail "no line with '$2' in $1: $(tail -n 5 "$1" 2>&1)"
}

# wait_address FILE: for the first address in it; it is then in ADDRESS.
wait_address() {
	wait_line "$1" '127\.0\.0\.1:[0-9]+'
	ADDRESS=${BASH_REMATCH[0]}
}

# wait_exit PID [SECONDS]: sets STATUS to the exit status of a child.
wait_exit() {
	wait_until "${2:-10}" is_gone "$1" || fail "process $1 does not end"
	STATUS=0
	wait "$1" || STATUS=$?
}

# free_port: sets FREE_PORT to one on which nothing listens, below those that the kernel gives to
# clients, where it can be.
free_port() {
	local first

	read -r first _ </proc/sys/net/ipv4/ip_local_port_range
	[ "$first" -ge 20000 ] || first=60000
	FREE_PORT=$((10000 + (RANDOM * 32768 + RANDOM) % (first - 10000)))
	! port_is_open "$FREE_PORT" || free_port
}

# ---------------------------------------------------------------- programs

# start COMMAND...: in the background, output to $OUT and $ERR, pid in PID. SIGINT works there,
# which a shell would otherwise switch off for background jobs, and SIGHUP under nohup too.
start() {
	# Here, not in the child: who waits for a line must not find the one of the last time.
	: >"$OUT"
	: >"$ERR"
	env --default-signal=HUP,INT,QUIT "$@" >"$OUT" 2>"$ERR" </dev/null &
	PID=$!
	PIDS+=("$PID")
}

# expect_exit CODE COMMAND...: runs it, keeps its words in $OUT and $ERR.
expect_exit() {
	local want=$1 got=0
	shift
	"$@" >"$OUT" 2>"$ERR" </dev/null || got=$?
	[ "$got" -eq "$want" ] || fail "exit $got instead of $want: $*"
}

# expect_equal WHAT GOT WANTED
expect_equal() {
	[ "$2" = "$3" ] || fail "$1 is '$2' instead of '$3'"
}

# expect_text WHAT FILE WANTED: all that is in the file, but for newlines at its end.
expect_text() {
	expect_equal "$1" "$(<"$2")" "$3"
}

# words_of FILE: sets WORDS to all its words, one blank between them, wherever its lines break.
words_of() {
	local words

	read -rd '' -a words <"$1" || true
	WORDS="${words[*]}"
}

# line_count FILE: sets LINES_SEEN to the number of newlines in it, as wc -l has it.
line_count() {
	local lines

	mapfile lines <"$1"
	LINES_SEEN=${#lines[@]}
	if [ "$LINES_SEEN" -gt 0 ] && [[ ${lines[-1]} != *$'\n' ]]; then
		LINES_SEEN=$((LINES_SEEN - 1))
	fi
}

# expect_line_count WHAT FILE WANTED
expect_line_count() {
	line_count "$2"
	expect_equal "$1" "$LINES_SEEN" "$3"
}

# matching_lines FILE REGEX: sets LINES_SEEN to the number of lines that match, as grep -cE has it.
matching_lines() {
	local lines line

	LINES_SEEN=0
	mapfile -t lines <"$1"
	for line in "${lines[@]}"; do
		if [[ $line =~ $2 ]]; then LINES_SEEN=$((LINES_SEEN + 1)); fi
	done
}

# expect_line FILE REGEX
expect_line() {
	file_has "$1" "$2" || fail "no line with '$2' in $(basename "$1")"
}

# json FILE JQ-EXPRESSION
json() {
	jq -r "$2" "$1" || fail "jq '$2' on $1"
}

# figures FILE JQ-EXPRESSION...: sets FIGURES to their values, of which each has one, on one line.
figures() {
	local file=$1 filter
	shift
	printf -v filter '(%s), ' "$@"
	mapfile -t FIGURES < <(jq -rc "${filter%, }" "$file")
	[ ${#FIGURES[@]} -eq $# ] || fail "${#FIGURES[@]} values of ${file##*/} instead of $#: $*"
}

# expect_figures FILE [WHAT JQ-EXPRESSION WANTED]...: figures of one document.
expect_figures() {
	local file=$1 names=() expressions=() wanted=() i
	shift
	while [ $# -gt 0 ]; do
		names+=("$1")
		expressions+=("$2")
		wanted+=("$3")
		shift 3
	done
	figures "$file" "${expressions[@]}"
	for i in "${!names[@]}"; do
		expect_equal "${names[i]}" "${FIGURES[i]}" "${wanted[i]}"
	done
}

# flags_of COMMAND: sets FLAGS to all that its help lists, letters and names. The help is in $OUT.
flags_of() {
	local line

	expect_exit 0 "$rpsctl" help "$1"
	FLAGS=()
	while IFS= read -r line; do
		if [[ $line =~ ^\ {2,}(--?[A-Za-z0-9][a-z0-9-]*)(, (--[a-z0-9-]+))? ]]; then
			FLAGS+=("${BASH_REMATCH[1]}" ${BASH_REMATCH[3]:+"${BASH_REMATCH[3]}"})
		fi
	done <"$OUT"
	[ ${#FLAGS[@]} -gt 0 ] || fail "no flag of $1 is understood"
}

# start_origin [FLAGS...]: rpsctl's own origin on a free port; ORIGIN is its address, ORIGIN_PID.
start_origin() {
	: >"$T/origin.out"
	: >"$T/origin.out" # here, not in the child: the last one's line is not this one's
	env --default-signal=HUP "$rpsctl" origin --listen 127.0.0.1:0 "$@" \
		>>"$T/origin.out" 2>"$T/origin.err" </dev/null &
	ORIGIN_PID=$!
	PIDS+=("$ORIGIN_PID")
	wait_address "$T/origin.out"
	ORIGIN=$ADDRESS
}

# start_nginx [LINE-FOR-SERVER-BLOCK...]: NGINX_PORT, NGINX_PID, NGINX_LOG (one line for each
# request, written at once); NGINX_LISTEN may say more of the listener (ssl). The port can be lost to
# somebody else between choosing and binding; then another one is tried.
start_nginx() {
	for _ in 1 2 3 4 5; do
		free_port
		NGINX_PORT=$FREE_PORT
		NGINX_DIR=$T/nginx.$NGINX_PORT
		mkdir "$NGINX_DIR" || continue
		NGINX_LOG=$NGINX_DIR/access.log
		nginx_config "$@" >"$NGINX_DIR/nginx.conf"
		nginx -e "$NGINX_DIR/error.log" -p "$NGINX_DIR" -c "$NGINX_DIR/nginx.conf" \
			>"$NGINX_DIR/out" 2>&1 </dev/null &
		NGINX_PID=$!
		PIDS+=("$NGINX_PID")
		wait_until 5 nginx_is_decided || break
		if ! is_gone "$NGINX_PID"; then
			return 0
		fi
	done
	fail "nginx does not start: $(cat "$NGINX_DIR/out" "$NGINX_DIR/error.log" 2>&1)"
}

nginx_is_decided() {
	is_gone "$NGINX_PID" || { [ -s "$NGINX_DIR/nginx.pid" ] && port_is_open "$NGINX_PORT"; }
}

nginx_config() {
	local lines
	printf -v lines '%s\n' "$@"
	[ "$EUID" -ne 0 ] || echo "user root;"
	cat <<-END
		daemon off;
		worker_processes 1;
		worker_rlimit_nofile 8192;
		pid nginx.pid;
		error_log error.log;
		events {
			worker_connections 4096;
		}
		http {
			client_body_temp_path body;
			proxy_temp_path proxy;
			fastcgi_temp_path fastcgi;
			uwsgi_temp_path uwsgi;
			scgi_temp_path scgi;
			keepalive_requests 100000;
			large_client_header_buffers 4 16k;
			log_format test '\$request_method \$request_uri \$status \$http_x_token';
			access_log access.log test;
			server {
				listen 127.0.0.1:$NGINX_PORT ${NGINX_LISTEN-} backlog=4096;
				$lines
				location / {
					return 200 "hello\n";
				}
			}
		}
	END
}

# Every line is in the log when nginx has ended its request, which is before the client sees the
# last byte only for most: ask again for a moment.
nginx_log_has_lines() {
	line_count "$NGINX_LOG"
	[ "$LINES_SEEN" -ge "$1" ]
}

# expect_nginx_served N: exactly N requests.
expect_nginx_served() {
	wait_until 3 nginx_log_has_lines "$1" || true
	expect_line_count "nginx's count of requests" "$NGINX_LOG" "$1"
}

# What a run says it sent, in and around its window; and how often it sent something once more.
JQ_SENT='(.ledger.sent + ([.outside[]? | objects | .sent? // 0] | add // 0))'
JQ_RETRIED='(.outside.retries // 0)'
