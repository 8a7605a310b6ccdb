#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Our framing and control code before the certification client of the Go implementation of Varlink:
# Debian's packages golang-go and golang-github-varlink-go-dev. The client says in words what failed
# and exits with 0 all the same.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"

program=github.com/varlink/go/cmd/varlink-go-certification
sources=/usr/share/gocode
if ! command -v go >/dev/null || [ ! -d "$sources/src/$program" ]; then
	fail "the Go client is missing: make deps-varlink"
fi

expect_exit 0 env GO111MODULE=off GOPATH="$sources" GOCACHE="$T/go" GOFLAGS= \
	go build -o "$T/client" "$program"

"$RPSD_BUILD/tests/support/varlink_cert" "$T/cert.socket" 2>"$T/cert.err" &
PIDS+=("$!")
wait_until 5 test -S "$T/cert.socket" || fail "the server does not listen"

for turn in 1 2; do
	expect_exit 0 "$T/client" --client --varlink="unix:$T/cert.socket"
	for step in Start Test01 Test02 Test03 Test04 Test05 Test06 Test07 Test08 Test09 Test11; do
		expect_line "$OUT" "^$step: "
	done
	expect_line "$OUT" "^Test10: '\[Reply number 1 Reply number 2 .* Reply number 10\]'"
	expect_line "$OUT" "^End: 'true'"
	expect_equal "failed steps in turn $turn" "$(grep -c failed "$OUT" || true)" 0
done
expect_equal "what the server says" "$(cat "$T/cert.err")" ""
echo "varlink-go-certification passes"
