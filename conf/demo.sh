#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A first run, from nothing: serves something to load on a free port of this machine, sends it 2000
# requests a second for 10 seconds at exactly planned instants, prints the report and what the
# server itself has counted. Ctrl-C ends the run early, with its report. Nothing remains,
# and the exit status is the run's.
#
#	conf/demo.sh BUILD_DIR [FLAGS OF rpsctl run...]
set -eu

rpsctl=${1:?usage: conf/demo.sh BUILD_DIR [FLAGS]}/rpsctl
shift
if [ $# -eq 0 ]; then
	set -- -r 2000 -d 10s
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/rpsd-demo.XXXXXX")
origin=
interrupted=

# Asks the server to end and shows its own count: the independent side of the ledger.
end_origin() {
	[ -n "$origin" ] || return 0
	kill "$origin" 2>/dev/null || :
	wait "$origin" || :
	origin=
	sed -n 's/^served /the server itself counted: /p' "$dir/said"
}

cleanup() {
	status=$?
	trap '' INT TERM HUP
	trap - EXIT
	end_origin >/dev/null || :
	rm -rf "$dir"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 143' TERM
trap 'exit 129' HUP
# The run hears Ctrl-C itself, reports and says how it ended.
trap 'interrupted=yes' INT

# Runs are numbered in the user's state directory; this one shall leave no number.
XDG_STATE_HOME=$dir
export XDG_STATE_HOME

# In its own session, so that Ctrl-C does not take the server away under the run. Reading the pipe
# waits for its first line, the address, or for its end.
mkfifo "$dir/address"
setsid "$rpsctl" origin --listen 127.0.0.1:0 >"$dir/address" 2>"$dir/said" </dev/null &
origin=$!
if ! read -r url <"$dir/address"; then
	cat "$dir/said" >&2
	[ -z "$interrupted" ] || exit 130
	exit 69
fi

echo "$ rpsctl run $url $*" >&2
status=0
"$rpsctl" run "$url" "$@" || status=$?
end_origin
exit "$status"
