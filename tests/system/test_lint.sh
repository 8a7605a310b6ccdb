#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The lint finds what it is there for, in a small tree of its own: an include of an upper layer, a
# pure module that is none, a circle of headers, a circle of calls.
. "$(dirname "$0")/lib.sh"

support=$(cd "$(dirname "$0")/../support" && pwd)
tree=$T/tree
mkdir -p "$tree/common" "$tree/daemon/loop" "$tree/build/obj/common"
cd "$tree" || exit 1

# make FILE, with its text from stdin
make_file() {
	cat >"$1"
}

# offends WHAT COMMAND...: it ends with an error and says WHAT.
offends() {
	local what=$1 said
	shift
	if said=$("$@" 2>&1); then
		fail "passed: $*"
	fi
	[[ $said == *"$what"* ]] || fail "$* does not say '$what': $said"
}

passes() {
	local said
	said=$("$@" 2>&1) || fail "$*: $said"
}

compile() {
	local name
	rm -f build/obj/common/*.o
	for name in common/*.c; do
		cc -I. -c -o "build/obj/${name%.c}.o" "$name" || fail "cc $name"
	done
}

# ---- layers

make_file common/a.h <<'C'
/* One. Pure. */
int a(int n);
C
make_file common/a.c <<'C'
#include "common/a.h"
int a(int n) { return n; }
C
passes "$support/layers.sh" common/a.c common/a.h

make_file common/b.c <<'C'
#include "daemon/loop/loop.h"
C
offends "common/b.c:1: common/ must not include daemon/loop/loop.h" \
	"$support/layers.sh" common/a.c common/b.c

make_file daemon/loop/a.c <<'C'
#include "daemon/http/up.h"
#include <zlib.h>
#include "a.h"
#include <curl/curl.h>
C
offends "daemon/loop/a.c:1: daemon/loop/ must not include daemon/http/up.h" \
	"$support/layers.sh" daemon/loop/a.c
offends "daemon/loop/a.c:2: <zlib.h> is only for common/stats/hdr_codec" "$support/layers.sh" daemon/loop/a.c
offends 'daemon/loop/a.c:3: "a.h" is not written from the root' "$support/layers.sh" daemon/loop/a.c
offends "daemon/loop/a.c:4: <curl/curl.h> is of a library that layers.txt does not name" \
	"$support/layers.sh" daemon/loop/a.c

# Within common: the ground below, the documents above it.
mkdir common/plan common/result
make_file common/plan/up.c <<'C'
#include "common/a.h"
#include "common/plan/plan.h"
#include "common/result/result.h"
C
offends "common/plan/up.c:3: common/plan/ must not include common/result/result.h" \
	"$support/layers.sh" common/plan/up.c
offends "layers: 1 wrong" "$support/layers.sh" common/plan/up.c
make_file common/c.c <<'C'
#include "common/plan/plan.h"
C
offends "common/c.c:1: common/ must not include common/plan/plan.h" "$support/layers.sh" common/c.c
make_file common/result/a.c <<'C'
#include "common/a.h"
#include "common/plan/plan.h"
C
passes "$support/layers.sh" common/result/a.c
rm -r common/plan common/result common/c.c

# What the header says binds both files.
make_file common/a.c <<'C'
#include "common/a.h"
#include <sys/socket.h>
int a(int n) { return (int)time(0) + n; }
C
offends "common/a.c:2: a pure module must not include <sys/socket.h>" \
	"$support/layers.sh" common/a.c
offends "common/a.c:3: a pure module must not call time()" "$support/layers.sh" common/a.c
# Only a call of that name is one.
make_file common/a.c <<'C'
#include "common/a.h"
int uptime(int n);
/* time() is not asked. */
int a(int n) { return uptime(n); }
C
passes "$support/layers.sh" common/a.c

# ---- circles

circles() {
	"$support/circles.sh" build "$T/circles.txt" common/*.c common/*.h
}

: >"$T/circles.txt"
make_file common/a.c <<'C'
#include "common/a.h"
int b(int n);
int a(int n) { return n ? b(n - 1) : 0; }
C
make_file common/b.h <<'C'
int b(int n);
C
make_file common/b.c <<'C'
#include "common/b.h"
int b(int n) { return n; }
C
compile
passes circles

make_file common/b.c <<'C'
#include "common/a.h"
#include "common/b.h"
int b(int n) { return a(n); }
C
compile
offends "these need each other: common/b common/a" circles
echo "common/a common/b: a test" >"$T/circles.txt"
passes circles
echo "common/a common/b:" >"$T/circles.txt"
offends "no reason" circles
echo "common/a*: another" >"$T/circles.txt"
offends "these need each other" circles

# A row outlives its circle.
printf '%s\n' "common/a common/b: a test" "common/c common/d: gone" >"$T/circles.txt"
offends "no circle any more, take the row away: common/c common/d" circles

# Headers have no excuse.
echo "common/a common/b: a test" >"$T/circles.txt"
make_file common/b.h <<'C'
#include "common/a.h"
int b(int n);
C
passes circles
make_file common/a.h <<'C'
#include "common/b.h"
int a(int n);
C
offends "these need each other: common/b.h common/a.h" circles

rm -rf build
offends "no object files" circles
