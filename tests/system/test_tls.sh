#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# https against nginx: the versions, whom to trust, who we are, and the same count on both sides.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/certificates.sh
. "$(dirname "$0")/certificates.sh"

# ---------------------------------------------------------------- certificates

authority ca
authority other-ca
certificate good ca DNS:localhost,IP:127.0.0.1 -days 2
certificate wrong-host ca DNS:elsewhere.test -days 2
certificate client ca DNS:client.test -days 2
certificate_between expired ca DNS:localhost,IP:127.0.0.1 20200101000000Z 20200102000000Z
certificate_between not-yet ca DNS:localhost,IP:127.0.0.1 21200101000000Z 21200102000000Z
self_signed self-signed DNS:localhost,IP:127.0.0.1
chmod 644 "$T"/*.key

# serve CERTIFICATE [LINE-FOR-SERVER-BLOCK...]: nginx over TLS, its address in URL.
serve() {
	local name=$1
	shift
	[ -z "${NGINX_PID-}" ] || end_process "$NGINX_PID"
	rm -rf "$T"/nginx.*
	NGINX_LISTEN=ssl start_nginx "ssl_certificate $T/$name.pem;" \
		"ssl_certificate_key $T/$name.key;" "ssl_session_cache shared:test:1m;" "$@"
	URL=https://127.0.0.1:$NGINX_PORT/
}

# load STATUS FLAGS...: a short run; its document in $T/result.json, its report in $OUT.
load() {
	local status=$1
	shift
	: >"$NGINX_LOG"
	expect_exit "$status" "$rpsctl" "$URL" -q -o "$T/result.json" -o "$T/report.md" "$@"
}

# figures_are [NAME JQ-EXPRESSION WANTED]...: in the document of that run.
figures_are() {
	expect_figures "$T/result.json" "$@"
}

# ---------------------------------------------------------------- versions and counts

# The run may end while one more connection is in its handshake.
for version in 1.2 1.3; do
	serve good "ssl_protocols TLSv$version;"
	load 0 --cacert "$T/ca.pem" -r 500 -d 1s
	expect_nginx_served 500
	figures_are "ok over TLS $version" .ledger.ok 500 \
		balanced .ledger.balanced true \
		version .plan.target.tls_info.version "TLSv$version" \
		verify .plan.target.tls_info.verify true \
		tls .plan.target.tls true \
		handshakes '.latency.tls.count == .connections.opened' true \
		connects '.latency.connect.count >= .connections.opened' true
	expect_line "$OUT" '^  connect '
	expect_line "$OUT" '^  tls '
	! file_has "$OUT" 'not verified' || fail "who says so?"

	load 0 --cacert "$T/ca.pem" --closed -n 1000 -c 8
	expect_nginx_served 1000
	figures_are "ok, closed" .ledger.ok 1000

	# A connection for each request: what can be resumed is.
	load 0 --cacert "$T/ca.pem" --closed -n 300 -c 4 -t 2 --no-keepalive
	expect_nginx_served 300
	figures_are "handshakes without keep-alive" '.latency.tls.count >= 300' true \
		"resumed" '.connections.tls_resumed_share > 0.5' true
	load 0 --cacert "$T/ca.pem" --closed -n 100 -c 4 --no-keepalive --set tls.resume=no
	figures_are "resumed with resume = no" .connections.tls_resumed_share 0
done
expect_nothing_left

# More than one read, more than one record; and a body that ends with the connection.
serve good "location = /large { root $T; }"
head -c 3000000 /dev/zero >"$T/large"
chmod 755 "$T"
URL=${URL}large load 0 --cacert "$T/ca.pem" -n 50 -r 100
figures_are "large bodies" .ledger.ok 50 \
	"their bytes" '.rates.bytes_in_per_s > 1000000' true

# ---------------------------------------------------------------- whom to trust

# The report breaks its lines where it must.
expect_words() {
	words_of "$OUT"
	[[ $WORDS =~ $1 ]] || fail "no words '$1' in the report"
}

# expect_refused CLASS REASON REMEDY FLAGS...: nothing is sent, and class and report say why and what
# helps; both models; the closed one plans nothing before there is a connection, and so has no errors.
expect_refused() {
	local class=$1 reason=$2 remedy=$3 model ledger
	shift 3
	for model in '--closed -c 2' '-r 50'; do
		# shellcheck disable=SC2086  # two words
		load 13 -d 200ms $model "$@"
		expect_line_count "requests at nginx" "$NGINX_LOG" 0
		ledger=(ok .ledger.ok 0 sent .ledger.sent 0 balanced .ledger.balanced true)
		if [ "$model" = '-r 50' ]; then
			ledger+=("the errors' classes" '[.errors[].class] | join(" ")' "$class" \
				"the error's phase" '.errors[0].phase' tls \
				"its count" '.errors[0].count' 10 \
				"the ledger's class" .ledger.not_connected 10)
		fi
		figures_are "${ledger[@]}"
		expect_words "$reason"
		expect_words "try $remedy"
	done
}

serve good
untrusted='issuer of the server.s certificate is not trusted'
name_it='--cacert FILE \(\[tls\] ca-file\)'
expect_refused tls-untrusted "$untrusted: CN = ca" "$name_it"
expect_refused tls-untrusted "$untrusted" "$name_it" --cacert "$T/other-ca.pem"
load 0 -k -d 200ms -r 50
expect_nginx_served 10
expect_line "$OUT" 'certificate not verified \(-k\)'
expect_line "$T/report.md" 'certificate not verified'
figures_are verify .plan.target.tls_info.verify false
expect_exit 0 "$rpsctl" report "$T/result.json" -v
expect_line "$OUT" 'certificate not verified \(-k\)'

serve expired
expect_refused tls-expired 'certificate expired on 2020-01-02 00:00 UTC' \
	'a valid certificate on the server' --cacert "$T/ca.pem"
serve not-yet
expect_refused tls-not-yet-valid 'certificate is not valid before 2120-01-01 00:00 UTC' \
	'a valid certificate on the server' --cacert "$T/ca.pem"
serve self-signed
expect_refused tls-self-signed 'self-signed' "$name_it" --cacert "$T/ca.pem"
# Whoever names it trusts it.
load 0 --cacert "$T/self-signed.pem" -d 200ms -r 50
figures_are "self-signed and named" .ledger.ok 10
serve wrong-host
expect_refused tls-wrong-host 'is not for 127\.0\.0\.1 but for elsewhere\.test' \
	'--set tls\.server-name=elsewhere\.test' --cacert "$T/ca.pem"
load 0 --cacert "$T/ca.pem" --set tls.server-name=elsewhere.test -d 200ms -r 50
figures_are "asked for by its name" .ledger.ok 10

# ---------------------------------------------------------------- who we are

serve good "ssl_protocols TLSv1.2 TLSv1.3;" "ssl_client_certificate $T/ca.pem;" \
	"ssl_verify_client on;"
load 13 --cacert "$T/ca.pem" -d 200ms -r 50
figures_are "without a certificate" '.statuses."400"' 10
load 0 --cacert "$T/ca.pem" --cert "$T/client.pem" --key "$T/client.key" -d 200ms -r 50
figures_are "with one" .ledger.ok 10
cat "$T/client.pem" "$T/client.key" >"$T/both.pem"
load 0 --cacert "$T/ca.pem" --cert "$T/both.pem" -d 200ms -r 50
figures_are "with both in one file" .ledger.ok 10
load 78 --cacert "$T/ca.pem" --cert "$T/client.pem" --key "$T/ca.key" -d 200ms -r 50
expect_words 'does not belong to the certificate'
for dry in "" --dry-run; do
	# shellcheck disable=SC2086  # a flag or none
	expect_exit 64 "$rpsctl" "$URL" --cacert "$T/large" $dry
	expect_line "$ERR" '^rpsctl: --cacert: .*large: the file has no certificate \(PEM\)$'
done
load 78 -k --set tls.ciphers=NO-SUCH -d 200ms -r 50
expect_words 'try .*, or other ciphers'

# From a run file, beside which its files are.
mkdir "$T/runs"
cp "$T/ca.pem" "$T/client.pem" "$T/client.key" "$T/runs/"
cat >"$T/runs/shop.ini" <<-END
	[target]
	url = $URL
	[tls]
	ca-file = ca.pem
	certificate = client.pem
	key = client.key
	min-version = 1.3
	[load]
	rate = 50
	duration = 200ms
END
cd /
expect_exit 0 "$rpsctl" "$T/runs/shop.ini" -q
expect_exit 0 "$rpsctl" check "$T/runs/shop.ini"
expect_line "$OUT" 'tls +certificate verified for 127\.0\.0\.1 by ca\.pem, TLS 1\.3'
! file_has "$OUT" PRIVATE || fail "the key is shown"

# ---------------------------------------------------------------- mistakes

# A file that a flag names is missing: the command line is wrong. One that a run file names: that.
printf '[target]\nurl = %s\n[tls]\nca-file = nowhere.pem\n' "$URL" >"$T/lacks.ini"
printf '[target]\nurl = %s\n' "$URL" >"$T/plain.ini"
for what in "$URL" "$T/plain.ini" "start $URL" "$URL --dry-run"; do
	for file in "--cacert " "--set tls.ca-file="; do
		# shellcheck disable=SC2086
		expect_exit 64 "$rpsctl" $what ${file}$T/nowhere.pem
		expect_line "$ERR" 'nowhere\.pem: No such file'
	done
done
for command in run "run --dry-run" check start; do
	# shellcheck disable=SC2086
	expect_exit 78 "$rpsctl" $command "$T/lacks.ini"
	expect_line "$ERR" 'lacks\.ini:4: ca-file: cannot read .*nowhere\.pem: No such file'
done
expect_exit 64 "$rpsctl" "http://127.0.0.1:$NGINX_PORT/" -k -q
expect_line "$ERR" '^rpsctl: -k: .*verify is for https, and the URL is http'
expect_exit 64 "$rpsctl" start "$URL" --cert "$T/client.pem" --key "$T/client.key"
expect_line "$ERR" "a private key never crosses the service's socket"
expect_exit 78 "$rpsctl" start "$T/runs/shop.ini"
expect_line "$ERR" "shop\.ini:6: key: a private key never crosses"

# http spoken to https, and the other way round.
load 13 -d 200ms -r 50
URL=http://127.0.0.1:$NGINX_PORT/ load 13 -d 200ms -r 50
figures_are "http to https" '.statuses."400"' 10
start_origin
URL=https://$ORIGIN/ load 13 -d 200ms -r 50
expect_words 'does not speak TLS'
end_process "$ORIGIN_PID"

# A port that says nothing and resets, as soon as it has read something: either scheme may be wrong.
perl -MIO::Socket::INET -MSocket -e '
	my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 64) or die;
	$| = 1;
	print $s->sockport, "\n";
	while (my $c = $s->accept) {
		sysread($c, my $bytes, 4096);
		setsockopt($c, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0));
		close $c;
	}' >"$T/resets.port" &
PIDS+=("$!")
wait_line "$T/resets.port" '^[0-9]+$'
for scheme in http https; do
	URL=$scheme://127.0.0.1:$(<"$T/resets.port")/
	load 13 -d 200ms -r 50
	other=https
	[ "$scheme" = http ] || other=http
	expect_words "try .*$other://"
	load 13 -d 200ms --closed -c 2
	expect_words "try .*$other://"
done
expect_nothing_left
