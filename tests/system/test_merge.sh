#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# rpsctl merge with results of real runs: of slices and of repetitions, the files of both, and what
# is refused.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

start_origin
url=http://$ORIGIN/

# Three slices, and three repetitions, which run side by side only to save time.
pids=()
for i in 1 2 3; do
	"$rpsctl" "$url" -r 300 -d 1.5s -q --slice "$i/3" --unsynchronised --label "part=$i" \
		-o "$T/s$i.json" >"$T/s$i.txt" 2>&1 &
	pids+=($!)
	"$rpsctl" "$url" -r 100 -d 1.5s -q -o "$T/r$i.json" >"$T/r$i.txt" 2>&1 &
	pids+=($!)
done
PIDS+=("${pids[@]}")
for pid in "${pids[@]}"; do
	wait_exit "$pid" 20
	expect_equal "status of a run" "$STATUS" 0
done

# What every result has.
readonly shape='"\(.ledger.planned) \(.latency.response.count) \(.rates.planned_per_s) \(.headline.planned_per_s) \(.parts | length) \([.batches.rows[].planned] | add) \([.intervals.rows[].planned] | add)"'

# expect_same FILE OTHER JQ-EXPRESSION...: these are the same in both.
expect_same() {
	local file=$1 other=$2 wanted
	shift 2
	figures "$other" "$@"
	wanted=("${FIGURES[@]}")
	figures "$file" "$@"
	while [ $# -gt 0 ]; do
		expect_equal "$1" "${FIGURES[-$#]}" "${wanted[-$#]}"
		shift
	done
}

# ---------------------------------------------------------------- slices

expect_exit 0 "$rpsctl" merge "$T/s1.json" "$T/s2.json" "$T/s3.json" \
	-o "$T/all.json" -o "$T/all.hlog" -o "$T/all.csv" -o "$T/all.md"
expect_line "$OUT" '^  planned +450 +300/s '
expect_line "$OUT" '^  ok +450 '
expect_line "$OUT" '^  part +planned +ok +p50 +p99 +our p99  generator$'
matching_lines "$OUT" '/127\.0\.0\.1-[0-9]* *150 *150 '
expect_equal "lines of parts" "$LINES_SEEN" 3
matching_lines "$T/all.md" '^\| .*/127\.0\.0\.1-[0-9]+ \| 150 \| 150 \| '
expect_equal "rows of parts" "$LINES_SEEN" 3
expect_figures "$T/all.json" figures "$shape" "450 450 300 300 3 450 450" \
	"the largest" .latency.response.max_ns \
	"$(jq -s 'map(.latency.response.max_ns) | max' "$T"/s[123].json)"
expect_line "$T/all.hlog" '^Tag=response,0\.000,1\.000,'
expect_line_count "rows and their head" "$T/all.csv" 3
for file in "$T/all.json" "$T/all.hlog" "$OUT"; do
	! file_has "$file" missing || fail "a slice is called missing"
done

# Grouped otherwise, and read back as any result is.
expect_exit 0 "$rpsctl" merge "$T/s3.json" "$T/s1.json" --json -o "$T/some.json"
expect_exit 0 "$rpsctl" merge "$T/s2.json" "$T/some.json" -o "$T/other.json"
expect_same "$T/other.json" "$T/all.json" \
	.ledger .latency.response.hdr .offered .statuses .batches.rows .run.uuid

# No member of a result is lost on the way, and what is missing stands wherever a headline does.
members='[paths(type != "object" and type != "array") | map(strings) | join(".")] | unique | .[]'
json "$T/s1.json" "$members" | grep -vE '^(plan\.slice|run\.labels|slowest|events|generator\.notes)' |
	sort >"$T/members"
json "$T/all.json" "$members" | sort >"$T/members.all"
expect_equal "lost members" "$(comm -23 "$T/members" "$T/members.all")" ""
lacks='slices 1, 3 of 3: 2 missing'
expect_exit 0 "$rpsctl" report "$T/some.json" -o "$T/some.txt" -o "$T/some.md" -o "$T/some.hlog" \
	-o "$T/some.csv"
expect_line "$OUT" "^  OK   $lacks\$"
expect_line "$T/some.txt" "^  OK   $lacks\$"
expect_line "$T/some.md" "^$lacks"
expect_line "$T/some.hlog" "^#\[Only $lacks\]\$"
expect_figures "$T/some.json" headline .headline.missing "$lacks"
expect_exit 0 "$rpsctl" report "$T/some.json" -v
expect_line "$OUT" "verdict    OK: $lacks"

# ---------------------------------------------------------------- repetitions

expect_exit 0 "$rpsctl" merge --repeats "$T/r1.json" "$T/r2.json" "$T/r3.json" -v \
	-o "$T/mean.json" -o "$T/mean.hlog" -o "$T/mean.csv" -o "$T/mean.md" -o "$T/mean.txt"
expect_line "$OUT" '^  planned +450 +100/s '
expect_line "$OUT" 'mean of 3 runs$'
expect_line "$T/mean.md" 'mean of 3 runs'
expect_figures "$T/mean.json" figures "$shape" "450 450 100 100 3 450 450" \
	interval '.latency.response.ci95.p50_ns | length' 2
expect_line_count "rows and their head" "$T/mean.csv" 7
expect_line "$T/mean.hlog" '^Tag=response,4\.000,1\.000,'
expect_line "$T/mean.hlog" '^Tag=response,5\.000,0\.500,'
expect_exit 0 "$rpsctl" merge --repeats "$T/r3.json" "$T/r1.json" -o "$T/two.json"
expect_figures "$T/two.json" "interval of two" .latency.response.ci95.p50_ns null
expect_exit 0 "$rpsctl" merge --repeats "$T/two.json" "$T/r2.json" -o "$T/three.json"
expect_same "$T/three.json" "$T/mean.json" \
	.ledger .latency.response.hdr .latency.response.ci95 .offered .run.uuid .window.end_ns
expect_exit 0 "$rpsctl" report "$T/three.json"
expect_line "$OUT" 'mean of 3 runs$'

# ---------------------------------------------------------------- what is neither

# refused WORDS ARGS...
refused() {
	local words=$1

	shift
	expect_exit 78 "$rpsctl" merge "$@" -o "$T/not.json"
	expect_text "the line" "$ERR" "rpsctl: $words"
	[ ! -e "$T/not.json" ] || fail "a refused result was written"
}

advice='their rates do not add up; --repeats merges repetitions'
refused "$T/r1.json and $T/r2.json both ran the whole plan: $advice" "$T/r1.json" "$T/r2.json"
refused "$T/s1.json has slice 1 of 3, $T/s2.json slice 2: repetitions have the same slices (those of one run are merged without --repeats)" \
	--repeats "$T/s1.json" "$T/s2.json"
refused "$T/mean.json holds repetitions, whose rates are means: --repeats adds further ones; merge the slices of each repetition before that" \
	"$T/mean.json" "$T/r1.json"
jq '.run.uuid = "another" | .run.id = "again"' "$T/s1.json" >"$T/again.json"
refused "$T/s1.json and $T/again.json are both slice 1 of 3: $advice" "$T/s1.json" "$T/again.json"
refused "$T/s1.json and $T/r1.json are not of one plan (plan.sha256 differs)" \
	"$T/s1.json" "$T/r1.json"
refused "$T/s1.json and $T/./s1.json are the same file: it would count twice" \
	"$T/s1.json" "$T/./s1.json"
cp "$T/r1.json" "$T/copy.json"
run="$(json "$T/r1.json" '.run | "\(.id) (\(.uuid))"')"
refused "$T/copy.json is the same run as $T/r1.json, $run: it would count twice" \
	"$T/r1.json" "$T/copy.json"
refused "$T/copy.json is the same run as $T/r1.json, $run: it would count twice" \
	--repeats "$T/r1.json" "$T/copy.json"
refused "$T/copy.json is the same run as $T/two.json, $run: it would count twice" \
	--repeats "$T/two.json" "$T/copy.json"
expect_exit 64 "$rpsctl" merge "$T/s1.json"
expect_exit 66 "$rpsctl" merge "$T/s1.json" "$T/nowhere.json"
echo '{}' >"$T/empty.json"
expect_exit 78 "$rpsctl" merge "$T/s1.json" "$T/empty.json"
expect_exit 64 "$rpsctl" merge "$T/s1.json" "$T/s2.json" -o "$T/x.pdf"

# Figures that no run can have: a line, or a sum, but no endless list and no word of memory.
for i in 1 2; do
	jq ".plan.slice = {index: $i, of: 5000000000000}" "$T/s$i.json" >"$T/slice-$i.json"
	jq '.rates.ok_per_s = 1.7e308 | .headline.ok_per_s = 1.7e308
		| .generator.cpu_ns_per_request = 1.7e308' "$T/s$i.json" >"$T/huge-$i.json"
done
expect_exit 78 timeout 20 "$rpsctl" merge "$T/slice-1.json" "$T/slice-2.json"
expect_line "$ERR" 'slice-1\.json: there is no slice 1 of 5000000000000$'
expect_exit 0 "$rpsctl" merge "$T/huge-1.json" "$T/huge-2.json"

# ---------------------------------------------------------------- what the sum is worth

# By its own figures, whatever was said of a part; how a run ended is said of the sum too.
jq '.run.exit_code = 12 | .headline.result = "void" | .generator.verdict = "saturated"
	| .headline.because = "this machine was slow"' "$T/s2.json" >"$T/void.json"
expect_exit 0 "$rpsctl" merge "$T/s1.json" "$T/void.json" -o "$T/sum.json"
expect_line "$OUT" '^  OK   slices 1, 2 of 3: 3 missing$'
# On a busy machine the sum itself says so.
expect_equal "what it hides" "$(json "$T/sum.json" '.generator.verdict == "saturated" or
	([.generator.notes[] | select(.code == "merge-verdict").text] | length == 1)')" true
jq '.run.exit_code = 13 | .run.outcome = "failed" | .run.reason = "it was refused"' \
	"$T/s2.json" >"$T/failed.json"
expect_exit 13 "$rpsctl" merge "$T/s1.json" "$T/failed.json"
expect_line "$OUT" '^  FAILED   slices 1, 2 of 3: 3 missing \(exit 13\)$'
expect_line "$OUT" '/127\.0\.0\.1-[0-9]+: it was refused'
