#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How a run reaches its target: Unix sockets, connect-to, source addresses, the addresses of a name,
# a name that changes, how connections are closed, and ports that do not suffice.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# nginx's log tells who came to which address, and what for.
eval "plain_$(declare -f nginx_config)"
nginx_config() {
	plain_nginx_config "$@" |
		sed "s/\\\$http_x_token/from=\$remote_addr to=\$server_addr host=\$http_host/"
}

# load STATUS WHAT FLAGS...: a short run; its document in $T/result.json.
load() {
	local status=$1
	shift
	: >"$NGINX_LOG"
	expect_exit "$status" "$rpsctl" -q -o "$T/result.json" "$@"
}

# figures_are [NAME JQ-EXPRESSION WANTED]...: in the document of that run.
figures_are() {
	expect_figures "$T/result.json" "$@"
}

# The report breaks its lines where it must.
expect_words() {
	local said
	words_of "$OUT"
	said=$WORDS
	words_of "$ERR"
	[[ $said =~ $1 || $WORDS =~ $1 ]] || fail "no words '$1'"
}

# expect_seen WHAT WORD VALUES: these are the different values of WORD=… in nginx's log, sorted.
expect_seen() {
	local line values
	local -A seen=()

	while IFS= read -r line; do
		if [[ $line =~ ' '$2=([^ ]*) ]]; then seen[${BASH_REMATCH[1]}]=yes; fi
	done <"$NGINX_LOG"
	values=$(printf '%s\n' "${!seen[@]}" | sort | xargs)
	expect_equal "$1" "$values" "$3"
}

free_port
WIDE=$FREE_PORT # on every IPv4 address
start_nginx "listen unix:$T/web.sock;" "listen 0.0.0.0:$WIDE;"

# ---------------------------------------------------------------- Unix sockets

load 0 "unix:$T/web.sock:/some/path?q" -r 200 -d 500ms
expect_nginx_served 100
figures_are "ok over the socket" .ledger.ok 100 \
	address '.plan.target.addresses | join(" ")' "unix:$T/web.sock"
expect_seen "the Host header" host localhost
expect_line "$NGINX_LOG" '^GET /some/path\?q 200 from=unix:'
load 0 "unix:$T/web.sock" --closed -c 20 -n 2000 --set connections.reuse=no
expect_nginx_served 2000
figures_are "ok, a connection for each" .ledger.ok 2000

# What nobody looks at is dropped, also where the kernel does not help.
head -c 3000000 /dev/zero >"$T/large"
chmod 755 "$T"
end_process "$NGINX_PID"
rm -rf "$T"/nginx.* "$T/web.sock"
start_nginx "listen unix:$T/web.sock;" "listen 0.0.0.0:$WIDE;" "location = /large { root $T; }"
load 0 "unix:$T/web.sock:/large" -n 50 -r 100
figures_are "large bodies" .ledger.ok 50

load 13 "unix:$T/nowhere.sock" -r 50 -d 200ms
expect_words "connect to unix:$T/nowhere\.sock: this socket does not exist"

# ---------------------------------------------------------------- connect-to

load 0 http://shop.test/path --connect-to "127.0.0.1:$NGINX_PORT" -r 200 -d 500ms
expect_nginx_served 100
expect_seen "the Host header" host shop.test
figures_are address '.plan.target.addresses | join(" ")' "127.0.0.1:$NGINX_PORT"
load 0 http://shop.test:8080/path --connect-to "unix:$T/web.sock" -r 200 -d 500ms
expect_nginx_served 100
expect_seen "the Host header" host shop.test:8080

# ---------------------------------------------------------------- sources

load 0 "http://127.0.0.1:$NGINX_PORT/" --closed -c 8 -n 400 -t 2 \
	--set connections.source=127.0.0.2-127.0.0.5
expect_nginx_served 400
expect_seen "where nginx saw them come from" from \
	'127.0.0.2 127.0.0.3 127.0.0.4 127.0.0.5'
load 69 "http://127.0.0.1:$NGINX_PORT/" -r 50 -d 200ms --set connections.source=192.0.2.9
expect_words 'source 192\.0\.2\.9: not an address of this host'
expect_line_count "requests at nginx" "$NGINX_LOG" 0
load 64 'http://[::1]/' -r 50 -d 200ms --set connections.source=127.0.0.2

# ---------------------------------------------------------------- addresses

load 0 "http://localhost:$NGINX_PORT/" -r 50 -d 200ms --set target.addresses=v4
expect_nginx_served 10
figures_are address '.plan.target.addresses | join(" ")' "127.0.0.1:$NGINX_PORT" \
	"nothing to tell" '[.events[] | select(.kind == "addresses")] | length' 0
load 0 "http://localhost:$NGINX_PORT/" -r 50 -d 200ms --set target.addresses=first
figures_are address '.plan.target.addresses | join(" ")' "127.0.0.1:$NGINX_PORT"

# ---------------------------------------------------------------- closing

# Answers, and tells of each connection how many reads it had and how it ended.
perl -MIO::Socket::INET -e '
	$| = 1;
	my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 8) or die;
	print $s->sockport, "\n";
	while (my $c = $s->accept) {
		my ($n, $r, $b) = (0);
		while ($r = sysread($c, $b, 65536)) {
			$n++;
			syswrite($c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
		}
		print "$n reads, ", defined $r ? "end" : $!{ECONNRESET} ? "reset" : $!, "\n";
	}' >"$T/closing" 2>&1 </dev/null &
PIDS+=($!)
wait_line "$T/closing" '^[0-9]+$'
read -r port <"$T/closing"
load 0 "http://127.0.0.1:$port/" --closed -c 1 -n 3
wait_line "$T/closing" '^3 reads, end'
load 0 "http://127.0.0.1:$port/" --closed -c 1 -n 4 --set connections.close=rst
wait_line "$T/closing" '^4 reads, reset'

# ---------------------------------------------------------------- names, in a namespace

# in_namespace FLAGS SCRIPT: runs it where /etc/hosts or the network may be our own.
NAMESPACE=
for try in "unshare --user --map-root-user" unshare; do
	# shellcheck disable=SC2086  # words
	if $try --mount --net true 2>/dev/null; then
		NAMESPACE=$try
		break
	fi
done

if [ -n "$NAMESPACE" ] && [ -e /etc/hosts ]; then
	printf '127.0.0.1 shop.test four.test\n::1 six.test\n' >"$T/hosts"
	# A name service that does not read the file, or a file that cannot be bound.
	cat >"$T/named" <<-'END'
		hosts=$1
		shift
		mount --bind "$hosts" /etc/hosts || exit 99
		[ "$(getent hosts shop.test | cut -d ' ' -f 1)" = 127.0.0.1 ] || exit 99
		exec "$@"
	END
	named="$NAMESPACE --mount bash $T/named $T/hosts"
fi
# shellcheck disable=SC2086  # words
if [ -n "${named-}" ] && $named true 2>"$T/named.err"; then
	expect_exit 13 $named "$rpsctl" http://four.test/ -q -r 50 -d 200ms \
		--set target.addresses=v6
	expect_words 'no IPv6 address for host "four\.test"'
	expect_exit 13 $named "$rpsctl" http://six.test/ -q -r 50 -d 200ms \
		--set target.addresses=v4
	expect_words 'no IPv4 address for host "six\.test"'
	expect_exit 13 $named "$rpsctl" http://six.test/ -q -r 50 -d 200ms \
		--set connections.source=127.0.0.2
	expect_words 'no source address is IPv6'
	expect_words 'try an address of that family in \[connections\] source'

	: >"$NGINX_LOG"
	start $named "$rpsctl" "http://shop.test:$WIDE/" -q -o "$T/result.json" -r 50 -d 5s \
		--no-keepalive --set 'target.dns=every 1s'
	wait_line "$NGINX_LOG" 'to=127\.0\.0\.1 host=shop\.test'
	# In place: the bind holds the file, not its name.
	echo '127.0.0.2 shop.test' >"$T/hosts"
	wait_line "$NGINX_LOG" 'to=127\.0\.0\.2 host=shop\.test'
	: >"$T/hosts"
	wait_exit "$PID" 20
	expect_equal "exit status" "$STATUS" 0
	expect_nginx_served 250
	figures_are ok .ledger.ok 250 \
		addresses '.plan.target.addresses | join(" ")' "127.0.0.1:$WIDE 127.0.0.2:$WIDE" \
		"the changes" '[.events[] | select(.kind == "addresses")] | length' 2 \
		"the change" 'first(.events[] | select(.kind == "addresses")) | .text' \
		"now 127.0.0.2:$WIDE; was 127.0.0.1:$WIDE" \
		"the lookup that failed" '[.events[] | select(.kind == "addresses")][1].text
			| startswith("lookup failed, the old ones are kept: no address for host \"shop.test\": ")' true
else
	skip "names that change (needs a namespace and an /etc/hosts to bind over)"
fi

# ---------------------------------------------------------------- ports

# 50 ports, in a network of our own. It has no other servers, and its loopback begins switched off.
cat >"$T/ports" <<-'END'
	echo 40000 40049 >/proc/sys/net/ipv4/ip_local_port_range || exit 99
	perl -e '
		socket(my $s, 2, 2, 0) or die;
		my $r = pack("a16 s x14", "lo", 0);
		ioctl($s, 0x8913, $r) or die; # SIOCGIFFLAGS
		$r = pack("a16 s x14", "lo", (unpack("a16 s", $r))[1] | 1);
		ioctl($s, 0x8914, $r) or die; # SIOCSIFFLAGS
	' || exit 99
	: >"$T/ports.out" # here, not in the child: the last one's line is not this one's
	"$RPSD_BUILD/rpsctl" origin --listen 127.0.0.1:8000 >>"$T/ports.out" 2>&1 </dev/null &
	origin=$!
	for ((turn = 0; turn < 500; turn++)); do
		[[ $(<"$T/ports.out") != *127.0.0.1:8000* ]] || break
		sleep 0.01
	done
	"$@"
	status=$?
	kill "$origin"
	wait "$origin"
	exit "$status"
END
export T
ported="$NAMESPACE --net bash $T/ports"
# shellcheck disable=SC2086  # words
if [ -n "$NAMESPACE" ] && $ported true 2>"$T/ported.err"; then
	fifty=(http://127.0.0.1:8000/ -q -o "$T/result.json" --closed -n 600)
	expect_exit 13 $ported "$rpsctl" "${fifty[@]}" -c 60
	expect_words '60 connections need 60 ports towards each of 1 address and there are 49'
	expect_words 'ip_local_port_range = 40000 40049,'
	expect_exit 0 $ported "$rpsctl" "${fifty[@]}" -c 49
	figures_are "ok from 50 ports" .ledger.ok 600
	expect_exit 0 $ported "$rpsctl" "${fifty[@]}" -c 60 \
		--set connections.source=127.0.0.2,127.0.0.3
	figures_are "ok from 100 ports" .ledger.ok 600
	# Whatever becomes of it.
	$ported "$rpsctl" http://127.0.0.1:8000/ -q -o "$T/result.json" -r 500 -d 200ms \
		--no-keepalive >"$OUT" 2>"$ERR" || true
	figures_are "the note" '[.events[] | select(.kind == "ports")] | length' 1
else
	skip "a small port range (needs a namespace with a network of its own)"
fi
expect_nothing_left
