#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The tools that judge the rest: they must be able to say no.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$T/tree/daemon/loop" "$T/tree/common" "$T/tree/ctl"
cd "$T/tree"
cat >daemon/loop/a.c <<-END
	#include "daemon/loop/a.h"
	#include "daemon/http/up.h"
	#include <zlib.h>
	#include "a.h"
	#include <curl/curl.h>
END
cat >common/quantile.c <<-END
	#include <unistd.h>
	int64_t now = clock_now_ns();
END
echo '#include "daemon/loop/loop.h"' >ctl/a.c
echo '#include "common/list.h"' >common/fine.c
expect_exit 1 "$ROOT/tests/support/layers.sh" daemon/loop/a.c common/quantile.c ctl/a.c common/fine.c
for place in daemon/loop/a.c:{2,3,4,5} common/quantile.c:{1,2} ctl/a.c:1; do
	expect_line "$OUT" "^$place: "
done
expect_equal "offences" "$(grep -c '^[a-z].*:[0-9]*: ' "$OUT")" 7
expect_exit 0 "$ROOT/tests/support/layers.sh" common/fine.c
cd /

program() {
	printf '#!/bin/sh\necho "%s"\nexit %s\n' "$2" "$3" >"$T/$1"
	chmod +x "$T/$1"
}
program test_good '100%: Checks: 3, Failures: 0, Errors: 0' 0
program test_bad '50%: Checks: 2, Failures: 1, Errors: 0' 1
program test_empty '100%: Checks: 0, Failures: 0, Errors: 0' 0
expect_exit 0 "$ROOT/tests/unit/run.sh" "$T/test_good" "$T/test_good"
expect_line "$OUT" '^2 passed, 0 failed'
expect_exit 1 "$ROOT/tests/unit/run.sh" "$T/test_bad" "$T/test_empty" "$T/missing" "$T/test_good"
expect_line "$OUT" '^1 passed, 3 failed'
expect_exit 1 "$ROOT/tests/unit/run.sh"
expect_exit 1 "$ROOT/tests/system/run.sh" "$T" "$T/test_good" "$T/test_bad"
expect_line "$OUT" '^1 passed, 1 failed'
expect_exit 1 "$ROOT/tests/system/run.sh" "$T" "$T/nothing"
