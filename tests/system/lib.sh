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
# shellcheck disable=SC2034  # much is set here for the tests to read
set -euo pipefail

: "${RPSD_BUILD:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/build}"
export RPSD_BUILD
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
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

# marked_processes [NAME]: prints pid and name of each living program, or of each called so, that
# carries this test's mark, but for the shells and helpers of the test itself.
marked_processes() {
	local proc name environ

	for proc in /proc/[0-9]*; do
		{ read -r name <"$proc/comm"; } 2>/dev/null || continue
		case $name in
		rpsd | rpsctl | nginx | apache2 | haproxy) ;;
		*) continue ;;
		esac
		[ "$name" = "${1-$name}" ] || continue
		! is_gone "${proc#/proc/}" || continue
		{ mapfile -d '' -t environ <"$proc/environ"; } 2>/dev/null || continue
		case " ${environ[*]} " in
		*" RPSD_TEST_MARK=$T "*) echo "${proc#/proc/} $name" ;;
		esac
	done
}

# No rpsd and no rpsctl of this test may live on; one that is just ending gets 2 s.
expect_nothing_left() {
	local left=

	for ((turn = 0; turn < 200 * ${RPSD_TEST_TIMES-1}; turn++)); do
		left=$(marked_processes rpsd; marked_processes rpsctl)
		[ -n "$left" ] || return 0
		nap
	done
	fail "left behind: $left"
}

cleanup() {
	local status=$? i pid

	trap - EXIT ERR
	set +e
	for ((i = ${#PIDS[@]} - 1; i >= 0; i--)); do
		end_process "${PIDS[i]}"
	done
	while read -r pid _; do
		end_process "$pid"
	done < <(marked_processes)
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
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
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

# wait_exit PID [SECONDS]: sets STATUS to the exit status of a child.
wait_exit() {
	wait_until "${2:-10}" is_gone "$1" || fail "process $1 does not end"
	STATUS=0
	wait "$1" || STATUS=$?
}

free_port() {
	perl -MIO::Socket::INET -e '
		print IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)->sockport'
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

# expect_line FILE REGEX
expect_line() {
	file_has "$1" "$2" || fail "no line with '$2' in $(basename "$1")"
}

# json FILE JQ-EXPRESSION
json() {
	jq -r "$2" "$1" || fail "jq '$2' on $1"
}

# start_origin [FLAGS...]: rpsctl's own origin on a free port; ORIGIN is its address, ORIGIN_PID.
start_origin() {
	: >"$T/origin.out"
	: >"$T/origin.out" # here, not in the child: the last one's line is not this one's
	env --default-signal=HUP "$rpsctl" origin --listen 127.0.0.1:0 "$@" \
		>>"$T/origin.out" 2>"$T/origin.err" </dev/null &
	ORIGIN_PID=$!
	PIDS+=("$ORIGIN_PID")
	wait_line "$T/origin.out" '127\.0\.0\.1:[0-9]+'
	ORIGIN=$(grep -oE '127\.0\.0\.1:[0-9]+' "$T/origin.out" | head -n 1)
}

# start_nginx [LINE-FOR-SERVER-BLOCK...]: NGINX_PORT, NGINX_PID, NGINX_LOG (one line for each
# request, written at once); NGINX_LISTEN may say more of the listener (ssl). The port can be lost to
# somebody else between choosing and binding; then another one is tried.
start_nginx() {
	for _ in 1 2 3 4 5; do
		NGINX_PORT=$(free_port)
		NGINX_DIR=$(mktemp -d "$T/nginx.XXXXXX")
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
	[ "$(id -u)" -ne 0 ] || echo "user root;"
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
				$(printf '%s\n' "$@")
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
	[ "$(wc -l <"$NGINX_LOG")" -ge "$1" ]
}

# expect_nginx_served N: exactly N requests.
expect_nginx_served() {
	wait_until 3 nginx_log_has_lines "$1" || true
	expect_equal "nginx's count of requests" "$(wc -l <"$NGINX_LOG")" "$1"
}

# ---------------------------------------------------------------- two counts of one thing

# What the run says it sent, in and around its window; and how often it sent something once more.
JQ_SENT='(.ledger.sent + ([.outside[]? | objects | .sent? // 0] | add // 0))'
JQ_RETRIED='(.outside.retries // 0)'

sent_by() {
	json "$1" "$JQ_SENT"
}

server_has_counted() {
	[ "$("$2")" -ge "$1" ]
}

# expect_server_count FILE COMMAND: the run of that document and the server agree. COMMAND prints
# how many requests the server has seen since the run began; it may be late for a moment. Each
# request that was sent is there once, or twice where it was sent again.
expect_server_count() {
	local sent most seen

	read -r sent most < <(json "$1" "$JQ_SENT as \$sent | \"\(\$sent) \(\$sent + $JQ_RETRIED)\"")
	wait_until 3 server_has_counted "$sent" "$2" || true
	seen=$("$2")
	if [ "$seen" -lt "$sent" ] || [ "$seen" -gt "$most" ]; then
		fail "the server has seen $seen requests, and the run sent $sent ($most with retries)"
	fi
}
