#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Our logs of histograms (.hlog) before other people's readers: counts, percentiles and maxima of
# each tag must be those of the result, to the ns. The readers are Debian's libhdrhistogram-java and
# npm's hdr-histogram-js, which is installed into the build folder.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"

here=$ROOT/tests/interop
jar=/usr/share/java/hdrhistogram.jar
js=$RPSD_BUILD/interop
js_version=3.0.1

[ -r "$jar" ] || fail "no $jar: make deps-interop"
for program in java node npm; do
	command -v "$program" >/dev/null || fail "no $program: make deps-interop"
done
if [ ! -d "$js/node_modules/hdr-histogram-js" ]; then
	mkdir -p "$js"
	npm install --silent --no-audit --no-fund --prefix "$js" "hdr-histogram-js@$js_version" >&2 ||
		fail "npm cannot install hdr-histogram-js@$js_version"
fi

# same NAME: the log of a result, read by all.
same() {
	"$js/figures" "$T/$1.json" >"$T/want" || fail "$1: the result does not agree with itself"
	[ -s "$T/want" ] || fail "$1: nothing to read"
	java -cp "$jar" "$here/Figures.java" "$T/$1.hlog" >"$T/java"
	NODE_PATH=$js/node_modules node "$here/figures.js" "$T/$1.hlog" >"$T/js"
	diff -u "$T/want" "$T/java" >&2 || fail "$1: Java reads other figures"
	diff -u "$T/want" "$T/js" >&2 || fail "$1: JavaScript reads other figures"
	sed "s/^/  $1: /" "$T/want"
}

start_origin --delay exp:2ms --errors '1% 503'
for name in open again; do
	expect_exit 0 "$rpsctl" "http://$ORIGIN/" -r 500 -d 4 -w 1 -q -o "$T/$name.json"
	expect_exit 0 "$rpsctl" report "$T/$name.json" -o "$T/$name.hlog"
done
expect_exit 0 "$rpsctl" "http://$ORIGIN/" -r max -c 4 -d 3 -q \
	-o "$T/closed.json" -o "$T/closed.hlog"
expect_exit 0 "$rpsctl" merge "$T/open.json" "$T/again.json" \
	-o "$T/merged.json" -o "$T/merged.hlog"

echo "tag count p50 p90 p99 p99.9 max, in ns: the same in the result, in Java and in JavaScript"
for name in open again closed merged; do
	same "$name"
done
expect_equal "tags of an open run" "$(cut -d' ' -f1 "$T/want" | tr '\n' ' ')" \
	"our_delay response service "
