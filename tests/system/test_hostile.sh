#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Servers that do everything wrong (tests/support/hostile_script.h has their words), before one
# daemon: each arrival ends in the class of the table and with its fault, none waits past its
# timeout, both sides count the same, and the daemon keeps its size and its descriptors.
# shellcheck disable=SC2016  # jq's variables
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

readonly hostile=$RPSD_BUILD/tests/support/hostile
readonly keep_runs=4
[ -x "$hostile" ] || fail "$hostile is not built; make system does"

# Kilobytes that the daemon may grow by, over all cases; a sanitizer keeps what is freed.
growth_max=8192
case $RPSD_BUILD in
*/build/?*) growth_max=500000 ;;
esac

# ---------------------------------------------------------------- cases

names=() wanted=() kinds=() flags=() scripts=()

# expect CLASSES FAULT KIND FLAGS SCRIPT NAME...: arrivals all end in CLASSES (a|b: each in one of
# them) with FAULT, "-" for none, or "any". KIND: http, or the version of TLS.
expect() {
	wanted+=("$1 $2")
	kinds+=("$3")
	flags+=("$4")
	scripts+=("$5")
	shift 5
	names+=("$*")
}

# The timeout that a case is about is short; the other one leaves a slow machine its time.
set_timeouts() {
	connect_ms=3000
	request_ms=5000
	case ${wanted[$1]} in
	*connect-timeout | *tls-timeout) connect_ms=150 ;;
	*' timeout') request_ms=$((400 * ${RPSD_TEST_TIMES-1})) ;;
	*' any') connect_ms=300 request_ms=600 ;;
	esac
}

# start_case I: server and run, in the background.
start_case() {
	local i=$1 d=$T/case.$1 url=http tls=() connect_ms request_ms

	mkdir "$d"
	if [ "${kinds[i]}" != http ]; then
		tls=(--tls "${kinds[i]}" --ca "$d/ca.pem")
	fi
	"$hostile" --limit 5s "${tls[@]}" "${scripts[i]}" >"$d/server" 2>&1 </dev/null &
	servers[i]=$!
	PIDS+=("$!")
	wait_address "$d/server"
	tls=()
	if [ "${kinds[i]}" != http ]; then
		url=https
		tls=(--cacert "$d/ca.pem")
	fi
	url=$url://$ADDRESS/
	set_timeouts "$i"
	# shellcheck disable=SC2086  # several words
	"$rpsctl" run "$url" --service -q -r 100 -n 8 --set timeouts.connect=${connect_ms}ms \
		--set timeouts.request=${request_ms}ms "${tls[@]}" ${flags[i]} -o "$d/result.json" \
		>"$d/report" 2>&1 </dev/null &
	clients[i]=$!
	PIDS+=("$!")
}

# What is wrong with the first result that is not as it should be, after its case's number; or nothing.
# One call of jq judges several results, in the order of $cases.
readonly judge='
	first($cases[] as $case | input | ($case.class | split("|")) as $classes |
	([.errors[].class] | unique | join("|")) as $faults |
	(.ledger.sent + .outside.retries) as $most |
	if .ledger.balanced != true then "the ledger does not balance"
	elif .ledger.planned != 8 or ([.ledger[$classes[]]] | add) != 8 then
		"\(.ledger | with_entries(select(.value != 0))) instead of \($case.class)"
	elif $case.fault != "any" and $faults != ($case.fault | ltrimstr("-")) then
		"the fault is \($faults) instead of \($case.fault)"
	elif (.latency.failed.max_ns // 0) > ($case.timeout_ms + 1500) * 1e6 then
		"one has waited for \(.latency.failed.max_ns) ns"
	elif $case.served > $most or ($case.is_counted and $case.served < .ledger.sent) then
		"\(.ledger.sent) sent, \($most) with retries, \($case.served) requests at the server"
	else empty end | "\($case.i) \(.)")'

# fail_case I WORDS...
fail_case() {
	OUT=$T/case.$1/report ERR=$T/case.$1/server fail "${names[$1]} (${kinds[$1]}): ${*:2}"
}

# check_cases I...: they have ended.
check_cases() {
	local i class fault is_counted cases='' results=() said connect_ms request_ms

	for i in "$@"; do
		set_timeouts "$i"
		read -r class fault <<<"${wanted[i]}"
		file_has "$T/case.$i/server" '^requests ([0-9]+)' || fail_case "$i" "no count"
		# What a server resets it may have not read.
		is_counted=false
		[[ ${scripts[i]} != *request* || ${wanted[i]} == *' any' ]] || is_counted=true
		cases+="${cases:+,}{\"i\": $i, \"class\": \"$class\", \"fault\": \"$fault\",
			\"served\": ${BASH_REMATCH[1]}, \"is_counted\": $is_counted,
			\"timeout_ms\": $request_ms}"
		results+=("$T/case.$i/result.json")
		[ -s "${results[-1]}" ] || fail_case "$i" "no result"
	done
	said=$(jq -rn --argjson cases "[$cases]" "$judge" "${results[@]}") || said="$1 no verdict"
	[ -z "$said" ] || fail_case "${said%% *}" "${said#* }"
}

# run_cases WIDTH: all that were told of since the last time, so many at once.
n_done=0
run_cases() {
	local width=$1 i wave

	while [ "$n_done" -lt ${#names[@]} ]; do
		wave=()
		for ((i = n_done; i < n_done + width && i < ${#names[@]}; i++)); do
			wave+=("$i")
			start_case "$i"
		done
		for i in "${wave[@]}"; do
			wait_exit "${clients[i]}" 30
			kill "${servers[i]}" 2>/dev/null || true
			wait "${servers[i]}" || true
		done
		check_cases "${wave[@]}"
		n_done=$((n_done + ${#wave[@]}))
	done
}
servers=() clients=()

# measure_daemon: sets MEMORY_KB and DESCRIPTORS.
measure_daemon() {
	local files

	file_has "/proc/$rpsd_pid/status" '^VmRSS:[[:blank:]]+([0-9]+) kB'
	MEMORY_KB=${BASH_REMATCH[1]}
	files=("/proc/$rpsd_pid/fd/"*)
	DESCRIPTORS=${#files[@]}
}

are_descriptors_closed() {
	measure_daemon
	[ "$DESCRIPTORS" -le "$descriptors_before" ]
}

# ---------------------------------------------------------------- the daemon

export RPSCTL_SOCKET=$T/control.socket
printf '[daemon]\nkeep-runs = %s\n[control]\nobserve =\n' $keep_runs >"$T/rpsd.conf"
"$rpsd" --config "$T/rpsd.conf" --socket "$RPSCTL_SOCKET" >"$T/rpsd.out" 2>&1 </dev/null &
rpsd_pid=$!
PIDS+=("$rpsd_pid")
wait_line "$T/rpsd.out" 'listening on'

# What is made once: by as many good runs as are kept, and the last one.
head='HTTP/1.1 200 OK\r\n'
rest='Content-Length: 2\r\n\r\nok'
ok=$head$rest
for ((i = 0; i <= keep_runs; i++)); do
	expect ok - 1.3 '' "handshake forever { request send \"$ok\" }" "a good server"
done
run_cases 3
measure_daemon
memory_before=$MEMORY_KB
descriptors_before=$DESCRIPTORS

# ---------------------------------------------------------------- silence

chunked="${head}Transfer-Encoding: chunked\r\n\r\n"
long=yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy

expect timeout timeout http '' 'request hang' "never answers"
expect timeout timeout http '' 'request read-not' "never answers, never reads"
# The one place is for the daemon's first look at the address.
expect not_connected connect-timeout http '' 'accept 1 hang' "accepts never"
expect timeout timeout http '' \
	"request send \"${head}Content-Length: 1000\r\n\r\n\" forever { send-slowly 1 20ms x }" \
	"a body of one byte now and then"
expect timeout timeout http '' 'request send-slowly 1 20ms "HTTP/1.1 200 OK and so on" hang' \
	"a head of one byte now and then"
expect timeout timeout http '' "request send \"${head}Content-Length: 9\r\n\r\nbody\" hang" \
	"half a body"

# ---------------------------------------------------------------- ends

expect connection_error closed http '' 'request' "closes without an answer"
expect connection_error closed http '' 'request fin hang' "closes its side alone"
expect connection_error reset http '' 'request rst' "resets without an answer"
expect connection_error closed http '' "cut 30 fin request send \"$ok\"" "FIN within the head"
expect connection_error reset http '' "cut 39 rst request send \"$ok\"" "RST within the body"
expect connection_error reset http '' "cut 30 rst request send \"${head}\r\nuntil close\"" \
	"RST where the body ends with the connection"
expect ok - http '' "cut 30 fin request send \"${head}\r\nuntil close\"" \
	"FIN where the body ends with the connection"

# ---------------------------------------------------------------- too much, too early

expect ok - http '' 'forever { request send "HTTP/1.1 204 No Content\r\n\r\nsurplus" }' \
	"a body behind 204"
expect ok - http '' 'forever { request send "HTTP/1.1 304 Not Modified\r\n\r\nsurplus" }' \
	"a body behind 304"
expect ok - http '' 'forever { request send "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok." }' \
	"a Content-Length that is too small"
expect ok - http '' "forever { request send \"$ok\r\n\" }" "a line end after each body"
expect ok - http '' \
	"forever { request send \"$head\" repeat 700 { send \"X: $long\r\n\" } send \"$rest\" }" \
	"a header of 70,000 bytes"
expect ok - http '-H Upgrade:x -H Connection:upgrade --set defaults.expect-status=101' \
	'request send "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\x81\x05hello" hang' \
	"an upgrade that is asked for"
expect bad_response bad-response http '' \
	'request send "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" hang' \
	"an upgrade that is not asked for"
expect http_error status http '' \
	"forever { request send \"HTTP/1.1 099 x\r\n$rest\" }" "a status of no class"
expect ok - http '-X HEAD' \
	"forever { request send \"${head}Content-Length: 7\r\n\r\nsurplus\" }" "a body behind HEAD"
# Nobody can tell for sure what was said first.
expect 'ok|bad_response|connection_error' any http '' "send \"$ok\" request" \
	"answers before it is asked"
# Timeouts: where the machine stood still and the next request came within the delay.
expect 'ok|timeout' any http '-r 5' "request send \"$ok\" delay 10ms send \"$ok\" hang" \
	"answers a kept connection that has asked nothing"

# ---------------------------------------------------------------- not HTTP

expect bad_response not-http http '' 'request send "220 mail.test ESMTP\r\n" hang' "SMTP"
expect bad_response speaks-tls http '' 'request send "\x15\x03\x03\x00\x02\x02\x32" hang' \
	"an alert of TLS"
expect bad_response speaks-http2 http '' \
	'request send "\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03" hang' "a frame of HTTP/2"
expect bad_response not-http http '' 'request forever { send "\x00\xff\x01\x80" }' "noise"
expect bad_response bad-response http '' \
	"request send \"${head}Content-Length: 18446744073709551616\r\n\r\n\" hang" \
	"a Content-Length of 2^64"
expect bad_response bad-response http '' "request send \"${chunked}10000000000000000\r\n\" hang" \
	"a chunk of 2^64 bytes"
expect bad_response bad-response http '' "request send \"${chunked}-1\r\n\" hang" \
	"a chunk of -1 bytes"
run_cases 6

# expect_connections NAME WANT: of that case, "bytes after answers, closed by the client, by the server".
expect_connections() {
	local i

	for i in "${!names[@]}"; do
		[ "${names[i]}" != "$1" ] || expect_figures "$T/case.$i/result.json" "$1" \
			'.connections | [.surplus, .closed_by_us, .closed_by_peer]' "$2"
	done
}
expect_connections "a Content-Length that is too small" '[8,8,0]'
expect_connections "a line end after each body" '[0,0,0]'
expect_connections "an upgrade that is asked for" '[0,8,0]'

# ---------------------------------------------------------------- without end

expect bad_response bad-response http '' \
	"request send \"$head\" forever { send \"X: $long\r\n\" }" "headers without end"
expect bad_response bad-response http '' \
	"request send \"$head\" forever { send \"$long\" }" "a line without end"
expect bad_response bad-response http '' \
	'request forever { send "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" }' "1xx without end"
expect bad_response bad-response http '' \
	"request send \"${chunked}1\" forever { send \";a=$long\" }" "a chunk extension without end"
expect bad_response bad-response http '' \
	"request send \"${chunked}0\r\n\" forever { send \"T: $long\r\n\" }" "trailers without end"
# Expired: where the machine is slow, and connections open late beside what is flooding in.
expect 'timeout|expired|not_connected' any http '-r 40' \
	"request send \"$chunked\" forever { send \"1;a=$long\r\nx\r\n\" }" \
	"chunks with extensions without end"
expect 'timeout|expired|not_connected' any http '-r 40' \
	"request send \"${head}Content-Length: 9000000000000000000\r\n\r\n\" forever { send \"$long\" }" \
	"a giant body"
expect 'timeout|expired|not_connected' any http '-r 40' \
	"request send \"${chunked}7ffffffffffffff0\r\n\" forever { send \"$long\" }" "a giant chunk"
expect 'timeout|expired|not_connected' any http '-r 40' "request send \"$head\r\n\" forever { send \"$long\" }" \
	"a body until a close that never comes"
run_cases 2

# ---------------------------------------------------------------- TLS

for version in 1.2 1.3; do
	expect not_connected tls-timeout "$version" '' 'cut 300 hang handshake' \
		"never ends the handshake"
	expect not_connected tls-alert "$version" '' \
		'raw "\x15\x03\x03\x00\x02\x02\x28" hang handshake' "an alert in the handshake"
	expect not_connected tls-closed "$version" '' 'cut 100 fin handshake' \
		"closes in the handshake"
	expect not_connected tls-closed "$version" '' 'cut 100 rst handshake' \
		"resets in the handshake"
	expect not_connected tls-alpn "$version" '' 'alpn h2 handshake hang' \
		"chooses a protocol that was not offered"
	expect connection_error receive "$version" '' 'handshake request alert hang' \
		"a fatal alert instead of the answer"
	expect connection_error receive "$version" '' \
		"handshake request raw \"$ok and no TLS\" hang" "a record that is none"
	expect connection_error receive "$version" '' \
		'handshake request raw "\x17\x03\x03\x00\x20 thirty-two bytes that are no data " hang' \
		"a record that nobody has encrypted"
	expect connection_error closed "$version" '' \
		"handshake request cut 20 fin send \"$ok\"" "half a record, and a FIN"
	expect connection_error reset "$version" '' \
		"handshake request cut 20 rst send \"$ok\"" "half a record, and a RST"
	expect timeout timeout "$version" '' \
		"handshake request cut 20 hang send \"$ok\"" "half a record, and nothing more"
	expect ok - "$version" '' "handshake request send \"$ok\"" \
		"closes without a goodbye behind a whole answer"
	expect connection_error truncated "$version" '' \
		"handshake request send \"${head}\r\nuntil close\"" \
		"closes without a goodbye where the body ends with the connection"
	expect ok - "$version" '' "handshake request send \"${head}\r\nuntil close\" goodbye" \
		"a body until the goodbye"
done
expect ok - 1.2 '' \
	"handshake request renegotiate send \"${head}Connection: close\r\n$rest\" request" \
	"renegotiates"
run_cases 6

# OpenSSL would read such messages for as long as they come.
hello_request='\x16\x03\x03\x00\x04\x00\x00\x00\x00'
expect connection_error receive 1.3 '-r 40' 'handshake request forever { key-update }' \
	"new keys without end"
expect 'not_connected|expired|unsent' any 1.2 '-r 40' \
	"forever { raw \"$hello_request$hello_request$hello_request$hello_request\" } handshake" \
	"asks for a handshake without end"
run_cases 1

# ---------------------------------------------------------------- the daemon after all that

expect ok - http '' "forever { request send \"$ok\" }" "a good server"
run_cases 1
measure_daemon
memory_after=$MEMORY_KB
wait_until 3 are_descriptors_closed || true
descriptors_after=$DESCRIPTORS
echo "${#names[@]} cases; resident: $memory_before kB before, $memory_after kB after;" \
	"descriptors: $descriptors_before before, $descriptors_after after"
[ $((memory_after - memory_before)) -le "$growth_max" ] || fail "the daemon has grown"
[ "$descriptors_after" -le "$descriptors_before" ] || fail "descriptors are left open"
end_process "$rpsd_pid"
expect_nothing_left
