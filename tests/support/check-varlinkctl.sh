#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# rpsd before varlinkctl, the strictest client there is. It is newer than Debian 12, so it comes out
# of a small root of the next Debian, which mmdebstrap makes once in the build folder. Without
# mmdebstrap, or without the right to chroot, this says so and checks nothing.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"

if ! command -v mmdebstrap >/dev/null || [ "$(id -u)" -ne 0 ]; then
	echo "varlinkctl: skipped, it needs mmdebstrap and root"
	exit 0
fi

root=$RPSD_BUILD/varlinkctl
if [ ! -x "$root/usr/bin/varlinkctl" ]; then
	rm -rf "$root" "$root.new"
	expect_exit 0 mmdebstrap --quiet --variant=minbase --include=systemd trixie "$root.new"
	mv "$root.new" "$root"
fi

# The folder that both see: a path of theirs is one of ours behind $root.
inside=/tmp/$(basename "$T")
outside=$root$inside
mkdir "$outside"
trap 'rm -rf "$outside"; cleanup' EXIT
address=unix:$inside/control.socket

printf '[origin o]\nlisten = 127.0.0.1:0\n' >"$T/rpsd.conf"
"$rpsd" --config "$T/rpsd.conf" --socket "$outside/control.socket" >"$T/rpsd.out" 2>&1 </dev/null &
PIDS+=("$!")
wait_line "$T/rpsd.out" 'listening on'
url=http://$(grep -oE '127\.0\.0\.1:[0-9]+' "$T/rpsd.out" | head -n 1)/
export RPSCTL_SOCKET=$outside/control.socket

# ask STATUS ARGUMENTS...
ask() {
	local want=$1
	shift
	expect_exit "$want" chroot "$root" varlinkctl "$@"
}

ask 0 info "$address"
expect_line "$OUT" 'Product: *rpsd'
expect_line "$OUT" 'io\.rpsd\.Control'

ask 0 list-methods "$address" io.rpsd.Control
for method in Start Stop Status Watch Report List Show Origins; do
	expect_line "$OUT" "^io\.rpsd\.Control\.$method\$"
done

ask 0 introspect "$address" io.rpsd.Control
expect_line "$OUT" '^interface io\.rpsd\.Control'
expect_line "$OUT" '^error Refused'
cp "$OUT" "$outside/introspected.varlink"
cp "$ROOT/common/control/rpsd.varlink" "$outside/rpsd.varlink"
ask 0 validate-idl "$inside/introspected.varlink"
ask 0 validate-idl "$inside/rpsd.varlink"

ask 0 call --json=short "$address" io.rpsd.Control.Status '{}'
expect_equal "the daemon of Status" "$(json "$OUT" .daemon.version)" \
	"$("$rpsd" --version | cut -d ' ' -f 2)"
ask 0 call --json=short "$address" io.rpsd.Control.List '{}'
expect_equal "the plans of List" "$(json "$OUT" '.plans | type')" array

expect_exit 0 "$rpsctl" start "$url" -r 200 -d 2s
id=$(cat "$OUT")
ask 0 call --json=short --more "$address" io.rpsd.Control.Watch "{\"run\":\"$id\"}"
tr -d '\036' <"$OUT" >"$T/watched"
[ "$(wc -l <"$T/watched")" -ge 2 ] || fail "Watch has sent one message"
expect_equal "the last state" "$(tail -n 1 "$T/watched" | jq -r .progress.run.state)" finished

ask 0 call --json=short --more "$address" io.rpsd.Control.Report "{\"run\":\"$id\"}"
tr -d '\036' <"$OUT" >"$T/report"
expect_equal "the ledger" "$(json "$T/report" '.result.ledger | "\(.ok) \(.balanced)"')" "400 true"

ask 0 call --oneway "$address" io.rpsd.Control.Stop '{"all":true}'
ask 1 call "$address" io.rpsd.Control.Watch '{"run":"none-1"}'
expect_line "$ERR" 'io\.rpsd\.Control\.NoSuchRun'
ask 1 call "$address" io.rpsd.Control.Status '{"runn":"x"}'
expect_line "$ERR" 'org\.varlink\.service\.InvalidParameter'
echo "varlinkctl $(chroot "$root" varlinkctl --version | head -n 1 | cut -d ' ' -f 2) passes"
