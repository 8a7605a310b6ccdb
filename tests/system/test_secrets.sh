#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What stands in a file or a credential reaches the server, and nobody else: it is in no output of
# rpsctl, of the service or of a private daemon, whatever they are asked.
# shellcheck disable=SC2016  # nginx has variables too
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

start_nginx 'if ($request_uri = /closed) { return 401; }'
url=http://127.0.0.1:$NGINX_PORT
sed -i 's/\$http_x_token/"$http_authorization" "$http_x_token"/' \
	"$NGINX_DIR/nginx.conf"
kill -HUP "$NGINX_PID"

# A token, a password, a header and a body, each a word that stands nowhere else.
mkdir "$T/runs" "$T/credentials" "$T/run"
echo tok-geheim-1 >"$T/runs/token"
echo pw-geheim-2 >"$T/credentials/shop-password"
echo head-geheim-3 >"$T/runs/header"
echo body-geheim-4 >"$T/runs/body"
basic=$(printf shop:pw-geheim-2 | base64 -w0)
secrets=(geheim "$basic" "$(printf pw-geheim-2 | base64 -w0)" "$(base64 -w0 <"$T/runs/token")")

cat >"$T/runs/shop.ini" <<END
[target]
url = $url/
[load]
model = closed
requests = 40
[connections]
count = 2
[defaults]
auth = bearer @token
header = X-Token: @header
[request browse]
path = browse
weight = 3
[request buy]
path = buy
method = POST
body = @body
chunked = 4B
auth = basic shop cred:shop-password
expect-status = 200
expect-header = Content-Type
[request closed]
path = closed
auth = none
END

# kept WHAT: the last words are without secrets.
kept() {
	local secret said
	said=$(<"$OUT")$'\n'$(<"$ERR")

	for secret in "${secrets[@]}"; do
		[[ $said != *"$secret"* ]] || fail "$1 tells $secret"
	done
}

# ---------------------------------------------------------------- without the credential

expect_exit 78 "$rpsctl" run "$T/runs/shop.ini"
expect_line "$ERR" "shop\.ini:19: auth: cred:shop-password: no credentials here: "
kept "the refusal"
expect_exit 0 "$rpsctl" check "$T/runs/shop.ini"
expect_line "$OUT" "browse +60% +GET +/browse"
expect_line "$OUT" "note +cred:shop-password is read by the service"
kept "check"

# ---------------------------------------------------------------- a private run

export CREDENTIALS_DIRECTORY=$T/credentials
expect_exit 0 "$rpsctl" check "$T/runs/shop.ini"
kept "check"
expect_exit 0 "$rpsctl" "$T/runs/shop.ini" --dry-run
kept "a dry run"
nginx_has_reloaded() {
	expect_exit 0 "$rpsctl" run "$url/reloaded" -n 1 --closed -c 1 -q
	file_has "$NGINX_LOG" '/reloaded 200 "-" "-"'
}
wait_until 5 nginx_has_reloaded || fail "nginx does not write what it should"
: >"$NGINX_LOG"

expect_exit 0 "$rpsctl" run "$T/runs/shop.ini" -v -o "$T/result.json" -o "$T/result.md" \
	-o "$T/result.txt"
kept "a run"
expect_nginx_served 40
# Each request went out as it is written.
matching_lines "$NGINX_LOG" '"(Bearer tok-geheim-1|-|Basic [A-Za-z0-9=]+)" "head-geheim-3"'
expect_equal "requests of all kinds" "$LINES_SEEN" 40
for line in 'GET /browse 200 "Bearer tok-geheim-1" "head-geheim-3"' \
	"POST /buy 200 \"Basic $basic\" \"head-geheim-3\"" \
	'GET /closed 401 "-" "head-geheim-3"'; do
	grep -xF "$line" "$NGINX_LOG" >/dev/null || fail "nginx has not seen: $line"
done
matching_lines "$NGINX_LOG" ' /closed '
expect_figures "$T/result.json" errors .ledger.http_error "$LINES_SEEN"
cat "$T"/result.* >"$OUT"
kept "a result"
expect_exit 0 "$rpsctl" report "$T/result.json" --json
kept "report"

# ---------------------------------------------------------------- in the service

printf '[control]\nsocket = %s\nobserve = %s\n' "$T/run/control.socket" "$T/run/look.socket" \
	>"$T/rpsd.conf"
env -u CREDENTIALS_DIRECTORY "$rpsd" --config "$T/rpsd.conf" >"$T/daemon" 2>&1 </dev/null &
daemon=$!
PIDS+=("$daemon")
wait_line "$T/daemon" 'listening on .*look\.socket'
expect_exit 0 "$rpsctl" run --service "$T/runs/shop.ini" -v --socket "$T/run/control.socket"
kept "a run in the service"
for socket in control look; do
	for question in "status" "report" "report --json" "list" "show" "origins" "watch"; do
		# shellcheck disable=SC2086  # words
		"$rpsctl" $question --socket "$T/run/$socket.socket" >"$OUT" 2>"$ERR" </dev/null || :
		kept "$question of $socket.socket"
	done
done
expect_exit 0 "$rpsctl" report --json --socket "$T/run/look.socket"
[[ $(json "$OUT" .plan.text) == *'auth = basic *** @***'* ]] ||
	fail "who may not operate sees the user or the file's name"
expect_equal "the digest" "$(json "$OUT" .plan.sha256)" null
expect_exit 0 "$rpsctl" report --json --socket "$T/run/control.socket"
[[ $(json "$OUT" .plan.text) == *"auth = basic shop cred:shop-password"* ]] ||
	fail "the reference is not in the plan's text"

# A secret that somebody writes into the file is refused without being repeated.
sed 's/^auth = bearer.*/auth = bearer tok-geheim-1/' "$T/runs/shop.ini" >"$T/runs/written.ini"
expect_exit 78 "$rpsctl" check "$T/runs/written.ini"
expect_line "$ERR" 'written\.ini:9: auth: a secret must not be in a run file'
kept "check of a written secret"
expect_exit 78 "$rpsctl" run --service "$T/runs/written.ini" --socket "$T/run/control.socket"
kept "a start with a written secret"

# Its memory is without them by then: they are overwritten when a run has ended. A sanitizer keeps what
# is freed, and a system may let no one look.
cat >"$T/search.py" <<'END'
import re, sys
pid, words = sys.argv[1], [w.encode() for w in sys.argv[2:]]
try:
    memory = open(f"/proc/{pid}/mem", "rb")
    for line in open(f"/proc/{pid}/maps"):
        place, mode = line.split()[:2]
        begin, end = (int(n, 16) for n in place.split("-"))
        if not mode.startswith("rw"):
            continue
        memory.seek(begin)
        found = memory.read(end - begin)
        for word in words:
            for at in re.finditer(re.escape(word), found):
                print(line.split()[-1], found[max(0, at.start() - 40):at.end() + 40])
except PermissionError:
    sys.exit(77)
END
case $RPSD_BUILD in
*/build/?*) skip "secrets in memory (needs a build without sanitizers)" ;;
*)
	status=0
	python3 "$T/search.py" "$daemon" "${secrets[@]}" >"$T/found" 2>&1 || status=$?
	if [ "$status" = 77 ]; then
		skip "secrets in memory (needs /proc/PID/mem of one's own processes)"
	elif [ "$status" != 0 ] || [ -s "$T/found" ]; then
		fail "the service still holds secrets: $(head -n 5 "$T/found")"
	fi
	;;
esac

end_process "$daemon"
cp "$T/daemon" "$OUT"
kept "the daemon's log"
expect_nothing_left
