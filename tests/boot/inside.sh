#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What has to be true of an installed rpsd, seen from within a booted system; run by boot.service.
# Each step says what it has found to be so.
# shellcheck source=tests/system/lib.sh
export RPSD_BUILD=/nonexistent
. /source/tests/system/lib.sh

cp -a /installed/. /
rpsctl=$(command -v rpsctl)
units=$(dirname "$(find /usr/lib/systemd/system /usr/local/lib/systemd/system -name rpsd.service 2>/dev/null | head -n 1)")

holds() {
	echo "ok  $*"
}

# as_user USER COMMAND...: with his groups.
as_user() {
	local user=$1
	shift
	setpriv --reuid "$user" --regid "$user" --init-groups env HOME=/nonexistent "$@"
}

unit() {
	systemctl show --property "$1" --value "${2:-rpsd.service}"
}

expect_unit() {
	expect_equal "$1" "$(unit "$1")" "$2"
}

is_up_anew() {
	[ "$(unit ActiveState)" = active ] && [ "$(unit MainPID)" != "$old" ]
}

expect_sockets() {
	expect_equal "the sockets' folder" "$(stat -c '%U:%G %a' /run/rpsd)" "root:root 755"
	expect_equal "the control socket" "$(stat -c '%U:%G %a' /run/rpsd/control.socket)" "root:rpsd 660"
	expect_equal "the observe socket" "$(stat -c '%U:%G %a' /run/rpsd/observe.socket)" "root:root 666"
}

journal_has() {
	journalctl --quiet --output cat --unit rpsd.service | grep -E -- "$1" >/dev/null
}

# ---------------------------------------------------------------- units and users

expect_exit 0 systemd-analyze security --offline=true --threshold=11 "$units/rpsd.service"
holds "exposure is $(grep -oE '[0-9]+\.[0-9]+ [A-Z]+' "$OUT" | tail -n 1)"
systemd-analyze verify --man=no "$units"/rpsd.service "$units"/rpsd*.socket >"$OUT" 2>&1 || true
expect_equal "what verify says of our units" "$(grep rpsd "$OUT" || true)" ""
holds "systemd has nothing to say against the units"

systemd-sysusers 2>/dev/null
useradd --no-create-home --groups rpsd rpsd-member
useradd --no-create-home rpsd-outsider
cat >/etc/rpsd/rpsd.conf.d/test.conf <<-END
	[origin fast]
	listen = 127.0.0.1:8000
	[origin slow]
	listen = 127.0.0.1:8001
	delay = 2s
END
cat >/etc/rpsd/runs.d/quick.ini <<-END
	[target]
	url = http://127.0.0.1:8000/
	[load]
	rate = 200
	duration = 1s
	[defaults]
	header = Authorization: Bearer secret
END
cat >/etc/rpsd/runs.d/slow.ini <<-END
	[target]
	url = http://127.0.0.1:8001/
	[load]
	rate = 20
	duration = 60s
END
cat >/etc/rpsd/runs.d/away.ini <<-END
	[target]
	url = http://192.0.2.1:8000/
END

# ---------------------------------------------------------------- activation

systemctl daemon-reload
systemctl --quiet enable --now rpsd.socket
expect_equal "the observe socket's unit" "$(systemctl is-enabled rpsd-observe.socket)" enabled
expect_sockets
expect_unit ActiveState inactive
holds "two sockets with their modes and owners, and no daemon yet"

expect_exit 0 as_user rpsd-outsider "$rpsctl" status
expect_unit ActiveState active
expect_unit NotifyAccess main
expect_equal "the status that rpsd tells systemd" "$(unit StatusText)" "0 active runs"
expect_equal "the daemon's user" "$(stat -c %U "/proc/$(unit MainPID)")" _rpsd
expect_line "$OUT" 'no runs'
holds "the first question starts the daemon, which says it is ready"

# ---------------------------------------------------------------- who may

for user in root rpsd-member; do
	expect_exit 0 as_user "$user" "$rpsctl" run quick -q --json
	expect_equal "the ledger of $user's run" \
		"$(json "$OUT" '.ledger | "\(.planned) \(.ok) \(.balanced)"')" "200 200 true"
	expect_equal "who has run it" "$(json "$OUT" .run.user)" "$user"
done
journal_has "started by rpsd-member: .*uid=$(id -u rpsd-member) pid=[0-9]+\)" || fail "no trail"
expect_exit 0 as_user rpsd-member "$rpsctl" start quick
id=$(cat "$OUT")
is_completed() {
	"$rpsctl" status "$id" >"$OUT" && file_has "$OUT" "$id +completed"
}
wait_until 20 is_completed || fail "the run does not finish"
expect_exit 0 as_user rpsd-outsider "$rpsctl" report "$id" --json
expect_equal "the ledger of the started run" "$(json "$OUT" .ledger.ok)" 200
expect_equal "secrets in a report" "$(grep -c 'Bearer secret' "$OUT" || true)" 0
holds "group rpsd starts a named run, everybody reads its report"

expect_exit 77 as_user rpsd-member "$rpsctl" start http://127.0.0.1:8000/
expect_line "$ERR" 'refused: .*only an administrator'
expect_exit 77 as_user rpsd-outsider "$rpsctl" start quick
expect_line "$ERR" 'not in group rpsd'
for user in root rpsd-member rpsd-outsider; do
	expect_exit 0 as_user "$user" "$rpsctl" status --socket /run/rpsd/observe.socket
	expect_exit 77 as_user "$user" "$rpsctl" start quick --socket /run/rpsd/observe.socket
	expect_line "$ERR" 'refused: your role'
	expect_exit 77 as_user "$user" "$rpsctl" stop --all --socket /run/rpsd/observe.socket
done
expect_exit 77 "$rpsctl" run away -q
expect_line "$ERR" 'only loopback is allowed'
holds "outsiders look, on the observe socket root does too; other hosts are not loaded"

# ---------------------------------------------------------------- accidents

old=$(unit MainPID)
kill -KILL "$old"
wait_until 20 is_up_anew || fail "not restarted after SIGKILL"
expect_sockets
expect_exit 0 as_user rpsd-member "$rpsctl" run quick -q
holds "killed, it comes back on the same sockets"

mkdir -p /run/systemd/system/rpsd.service.d
printf '[Service]\nWatchdogSec=1s\n' >/run/systemd/system/rpsd.service.d/test.conf
systemctl daemon-reload
systemctl restart rpsd.service
old=$(unit MainPID)
expect_exit 0 as_user rpsd-member "$rpsctl" run quick -q
expect_equal "the pid after two intervals of the watchdog" "$(unit MainPID)" "$old"
kill -STOP "$old"
wait_until 30 is_up_anew || fail "the watchdog does not restart it"
journal_has 'Watchdog timeout' || fail "it was something else than the watchdog"
expect_exit 0 as_user rpsd-outsider "$rpsctl" status
holds "hanging, the watchdog brings it back"

rm -r /run/systemd/system/rpsd.service.d
systemctl daemon-reload
systemctl restart rpsd.service
start setpriv --reuid rpsd-member --regid rpsd-member --init-groups "$rpsctl" run slow -q --json
has_sent() {
	[ "$("$rpsctl" origins --json | jq '.origins[] | select(.name == "slow").requests')" -ge 10 ]
}
wait_until 20 has_sent || fail "the slow run does not send"
expect_equal "the status of a run" "$(unit StatusText)" "1 active run"
systemctl --quiet stop rpsd.service 2>/dev/null
wait_exit "$PID" 10
expect_equal "the exit status of the stopped run" "$STATUS" 14
expect_equal "its ledger" "$(json "$OUT" '.ledger | "\(.sent > 0) \(.ok == .sent) \(.balanced)"')" \
	"true true true"
expect_unit ActiveState inactive
expect_unit Result success
expect_sockets
holds "stopped during a run, it awaits the answers and reports"

# ---------------------------------------------------------------- configuration

printf '[polcy]\n' >/etc/rpsd/rpsd.conf.d/wrong.conf
! systemctl start rpsd.service 2>/dev/null || fail "it starts with a wrong configuration"
expect_unit ExecMainStatus 78
expect_unit ActiveState failed
journal_has 'wrong\.conf:1: unknown section \[polcy\]' || fail "the journal does not say why"
rm /etc/rpsd/rpsd.conf.d/wrong.conf
systemctl reset-failed rpsd.service
systemctl restart rpsd.socket
expect_exit 0 as_user rpsd-outsider "$rpsctl" status
expect_sockets
holds "a wrong configuration is said and not tried again"

expect_equal "failed units" "$(systemctl list-units --failed --plain --no-legend)" ""
holds "nothing has failed"
