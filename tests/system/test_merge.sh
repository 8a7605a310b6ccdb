#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# rpsctl merge with results of real runs: the sum, its files, and what is refused.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

start_origin
url=http://$ORIGIN/
for name in a b c; do
	expect_exit 0 "$rpsctl" "$url" -r 100 -d 2 -q --label "part=$name" -o "$T/$name.json"
done

# ---------------------------------------------------------------- the sum

expect_exit 0 "$rpsctl" merge "$T/a.json" "$T/b.json" "$T/c.json" \
	-o "$T/all.json" -o "$T/all.hlog" -o "$T/all.csv"
expect_line "$OUT" '^  planned +600 '
expect_line "$OUT" '^  ok +600 '
expect_line "$OUT" '^  part +planned +ok +p50 +p99 +our p99  generator$'
expect_equal "lines of parts" "$(grep -c '/127\.0\.0\.1-[0-9]* *200 *200 ' "$OUT")" 3
expect_equal "counts" "$(json "$T/all.json" \
	'"\(.ledger.planned) \(.latency.response.count) \(.parts | length)"')" "600 600 3"
expect_equal "the largest" "$(json "$T/all.json" .latency.response.max_ns)" \
	"$(jq -s 'map(.latency.response.max_ns) | max' "$T"/[abc].json)"
expect_equal "batches" "$(json "$T/all.json" '[.batches.rows[].planned] | add')" 600
expect_line "$T/all.hlog" '^Tag=response,0\.000,1\.000,'
expect_equal "rows" "$(($(wc -l <"$T/all.csv") - 1))" 2

# Grouped otherwise, and read back as any result is.
expect_exit 0 "$rpsctl" merge "$T/c.json" "$T/a.json" --json -o "$T/ca.json"
expect_exit 0 "$rpsctl" merge "$T/b.json" "$T/ca.json" -o "$T/bca.json"
for path in .ledger .latency.response.hdr .offered .statuses .batches.rows .run.uuid; do
	expect_equal "$path" "$(json "$T/bca.json" "$path")" "$(json "$T/all.json" "$path")"
done
expect_exit 0 "$rpsctl" report "$T/bca.json"
expect_equal "lines of parts" "$(grep -c '/127\.0\.0\.1-[0-9]* *200 *200 ' "$OUT")" 3

# ---------------------------------------------------------------- what is no sum

expect_exit 64 "$rpsctl" merge "$T/a.json"
expect_exit 78 "$rpsctl" merge "$T/a.json" "$T/./a.json"
expect_equal "the line" "$(cat "$ERR")" \
	"rpsctl: $T/a.json and $T/./a.json are the same file: it would count twice"
cp "$T/a.json" "$T/copy.json"
expect_exit 78 "$rpsctl" merge "$T/a.json" "$T/copy.json"
expect_line "$ERR" "^rpsctl: $T/a\.json and $T/copy\.json have the same run, "
expect_exit 78 "$rpsctl" merge "$T/all.json" "$T/b.json"
expect_line "$ERR" "^rpsctl: $T/all\.json and $T/b\.json have the same run, "
expect_exit 0 "$rpsctl" "$url" -r 50 -d 1 -q -o "$T/other.json"
expect_exit 78 "$rpsctl" merge "$T/a.json" "$T/other.json" -o "$T/not.json"
expect_equal "the line" "$(cat "$ERR")" \
	"rpsctl: $T/a.json and $T/other.json are not of one plan (plan.sha256 differs)"
[ ! -e "$T/not.json" ] || fail "a refused sum was written"
expect_exit 66 "$rpsctl" merge "$T/a.json" "$T/nowhere.json"
echo '{}' >"$T/empty.json"
expect_exit 78 "$rpsctl" merge "$T/a.json" "$T/empty.json"
expect_exit 64 "$rpsctl" merge "$T/a.json" "$T/b.json" -o "$T/x.pdf"

# Figures that no run can have: a line, or a sum, but no endless list and no word of memory.
for name in a b; do
	[ "$name" = a ] && index=1 || index=2
	sed "s/\"plan\": {/&\"slice\": {\"index\": $index, \"of\": 9000000000000000000},/" \
		"$T/$name.json" >"$T/slice-$name.json"
	jq '.rates.ok_per_s = 1.7e308 | .headline.ok_per_s = 1.7e308
		| .generator.cpu_ns_per_request = 1.7e308' "$T/$name.json" >"$T/huge-$name.json"
done
expect_exit 78 timeout 20 "$rpsctl" merge "$T/slice-a.json" "$T/slice-b.json"
expect_line "$ERR" 'slice-a\.json: there is no slice 1 of 9000000000000000000$'
expect_exit 0 "$rpsctl" merge "$T/huge-a.json" "$T/huge-b.json"

# ---------------------------------------------------------------- the worst decides

jq '.run.uuid = "another" | .run.exit_code = 12 | .headline.result = "void"
	| .headline.because = "this machine was slow"' "$T/b.json" >"$T/void.json"
expect_exit 12 "$rpsctl" merge "$T/a.json" "$T/void.json"
expect_line "$OUT" '^  VOID   .*/127\.0\.0\.1-[0-9]+: this machine was slow'
