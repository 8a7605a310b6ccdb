#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Records results of short runs of every kind as tests/data/results/NAME.json: what a reader, a
# merge or a report must be able to take. A minute on a machine left alone; needs nginx and openssl.
# What names the machine is replaced. Afterwards the reports of each are recorded from them:
#	tests/support/record_results.sh && RECORD=1 build/tests/ctl/test_recorded
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
# shellcheck source=tests/system/certificates.sh
. "$(dirname "$0")/../system/certificates.sh"

to=$ROOT/tests/data/results
mkdir -p "$to"

# anonymous HOST FILE
anonymous() {
	sed -E -e "s/^( *\"name\": )\"$(uname -n)\"/\1\"$1\"/" \
		-e 's/^( *"kernel": )"[^"]*"/\1"6.1.0-18-amd64"/' \
		-e 's/^( *"cpu_model": )"[^"]*"/\1"CPU"/' \
		-e 's/^( *"user": )"[^"]*"/\1"somebody"/' \
		-e "s|$T|/tmp/test|g" "$2"
}

# record NAME WHAT FLAGS...
record() {
	local name=$1
	shift
	[ "$1" = report ] || set -- "$@" -q
	"$rpsctl" "$@" -o "$T/$name.json" >"$OUT" 2>"$ERR" </dev/null || true
	[ -s "$T/$name.json" ] || fail "no document of $name"
	anonymous host-a "$T/$name.json" >"$to/$name.json"
}

# Merged from what was recorded.
merge() {
	local name=$1
	shift
	"$rpsctl" merge "$@" -o "$to/$name.json" >"$OUT" 2>"$ERR" || true
	[ -s "$to/$name.json" ] || fail "no document of $name"
}

start_origin
record open "http://$ORIGIN/" -r 200 -d 2s -w 0.5s --label part=one
record closed "http://$ORIGIN/" -c 4 -d 1.5s
for i in 1 2 3; do
	record "slice$i" "http://$ORIGIN/" -r 300 -d 2s --slice "$i/3" --unsynchronised
done
merge slices "$to"/slice[123].json
merge slices_two "$to"/slice[13].json
for i in 1 2 3; do record "repeat$i" "http://$ORIGIN/" -r 100 -d 2s; done
merge repeats --repeats "$to"/repeat[123].json
for i in 1 2; do
	"$rpsctl" "http://$ORIGIN/" -c 2 -d 2s -q -o "$T/c$i.json" >/dev/null 2>&1 &
	pids[i]=$!
done
for i in 1 2; do
	wait_exit "${pids[i]}"
	anonymous "host-$i" "$T/c$i.json" >"$to/user$i.json"
done
merge users "$to"/user[12].json

cat >"$T/shop.ini" <<END
[target]
url = http://$ORIGIN/
[load]
rate = 200
duration = 2s
arrivals = poisson
seed = 7
[request browse]
weight = 3
path = products
[request buy]
method = POST
path = cart
body = one
expect-status = 201
END
record requests "$T/shop.ini"
record stages "http://$ORIGIN/" --set load.stage='ramp from 50 to 300 over 2s' \
	--set load.cooldown=0.5s

# A run of the service that a person has steered.
mkdir "$T/run"
cat >"$T/rpsd.conf" <<END
[control]
socket = $T/run/control.socket
observe = $T/run/observe.socket
END
OUT=$T/daemon.out ERR=$T/daemon.log
start "$rpsd" --config "$T/rpsd.conf"
OUT=$T/stdout ERR=$T/stderr
wait_line "$T/daemon.log" "listening on $T/run/observe.socket"
export RPSCTL_SOCKET=$T/run/control.socket
# In words of `status`.
state_is() {
	"$rpsctl" status "$id" --json 2>/dev/null | jq -e --arg s "$1" '.runs[0].state == $s' >/dev/null
}
id=$("$rpsctl" start "http://$ORIGIN/" -r 100 -d 3s)
wait_until 5 state_is running || fail "$id does not run"
"$rpsctl" set "$id" rate=150 >/dev/null
"$rpsctl" pause "$id" >/dev/null
"$rpsctl" resume "$id" >/dev/null
wait_until 10 state_is finished || fail "$id does not end"
record steered report "$id"
unset RPSCTL_SOCKET
end_process "$PID"

end_process "$ORIGIN_PID"
start_origin --errors '20% 503' --delay exp:2ms
record errors "http://$ORIGIN/" -r 300 -d 2s

end_process "$ORIGIN_PID"
start_origin --delay 50ms
record overload "http://$ORIGIN/" -r 200 -d 2s -c 2 --timeout 500ms
record dropped "http://$ORIGIN/" -r 200 -d 1s -c 2 --set connections.exhausted=drop
free_port
record refused "http://127.0.0.1:$FREE_PORT/" -r 100 -d 1s

end_process "$ORIGIN_PID"
start_origin --hang 5%
record hang "http://$ORIGIN/" -r 100 -d 1.5s --timeout 300ms

authority ca
certificate good ca DNS:localhost,IP:127.0.0.1 -days 2
NGINX_LISTEN=ssl start_nginx "ssl_certificate $T/good.pem;" "ssl_certificate_key $T/good.key;" \
	"location /moved { return 301 https://elsewhere.test/; }"
record tls "https://127.0.0.1:$NGINX_PORT/" --cacert "$T/ca.pem" -r 200 -d 1.5s
record untrusted "https://127.0.0.1:$NGINX_PORT/" -r 100 -d 1s
record insecure "https://127.0.0.1:$NGINX_PORT/moved" -k -r 100 -d 1s
ls -l "$to"
