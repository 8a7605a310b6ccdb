#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each measured stage has a row of its own: its counts are those of the plan, all rows together are
# the run, and slices of the run add up to it, stage by stage.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

start_origin
url=http://$ORIGIN/

# 50.5 arrivals: the 51st is due on the border of the first two stages, and belongs to the first.
printf '%s\n' '[target]' "url = $url" '[load]' 'stage = warmup hold 100 for 100ms' \
	'stage = hold 101 for 500ms' 'stage = ramp to 201 over 500ms' 'stage = pause 200ms' \
	'stage = hold 301 for 300ms' 'cooldown = 100ms' >"$T/staged.ini"
rows='[.stages[] | "\(.number) \(.ledger.planned) \(.ledger.ok)"] | join(", ")'

expect_exit 0 "$rpsctl" run "$T/staged.ini" -o "$T/whole.json" -o -
figures "$T/whole.json" .ledger.planned
expect_figures "$T/whole.json" "planned and ok of each" "$rows" '2 51 51, 3 75 75, 4 0 0, 5 90 90' \
	"they are the run" '. as $all | .ledger | keys - ["balanced"] |
		all(. as $class | $all.ledger[$class] == ([$all.stages[].ledger[$class]] | add))' true \
	"each balances" '[.stages[].ledger.balanced] | all' true \
	"their times" '[.stages[] | .start_ns, .end_ns] | map(. / 1e6) | join(" ")' \
	'0 500 500 1000 1000 1200 1200 1500' \
	"their texts" '.stages[0].text' 'hold 101 for 500ms' \
	"the rate of the second" '.stages[1].rates.planned_per_s' 150 \
	"answers in their histograms" '[.stages[].latency.response.count] | add' "${FIGURES[0]}" \
	"percentiles where there are answers" '[.stages[] | .offered.p99_ns != null] | map(tostring) |
		join(" ")' 'true true false true'
expect_line "$OUT" '^  stage +rate/s  planned +ok  failed +p50 +p95 +p99 +ours$'
expect_line "$OUT" '^  2 101 for 500ms +102 +51 +51 +0 '

expect_exit 0 "$rpsctl" report "$T/whole.json" -o "$T/whole.stages.csv" -o "$T/whole.md"
expect_line "$T/whole.stages.csv" '^stage,text,start_s,end_s,planned_per_s,ok_per_s,planned,sent,ok,p50_ms,'
expect_line "$T/whole.stages.csv" '^3,"ramp to 201 over 500ms",0.500,1.000,150.000,150.000,75,75,75,'
expect_line "$T/whole.stages.csv" '^4,"pause 200ms",1.000,1.200,0.000,0.000,0,0,0,,,,$'
expect_line "$T/whole.md" '^\| stage \| rate/s \| planned \|'
expect_line "$T/whole.md" '^\| 5 301 for 300ms \| 300 \| 90 \| 90 \| 0 \|'

for i in 1 2; do
	expect_exit 0 "$rpsctl" run "$T/staged.ini" --slice "$i/2" --unsynchronised -q -o "$T/$i.json"
done
expect_exit 0 "$rpsctl" merge "$T/1.json" "$T/2.json" -o "$T/sum.json"
expect_figures "$T/sum.json" "the sum's rows" "$rows" '2 51 51, 3 75 75, 4 0 0, 5 90 90' \
	"its texts" '.stages[1].text' 'ramp to 201 over 500ms' \
	"its rates" '.stages[1].rates.planned_per_s' 150 \
	"its histograms" '.stages[1].latency.our_delay.count' 75

# One stage says nothing more than the run.
expect_exit 0 "$rpsctl" "$url" -r 50 -d 100ms -q -o "$T/one.json"
expect_figures "$T/one.json" "no rows" 'has("stages")' false

# The steps of a stage have a row each, also where it is the only one; slices add up step by step.
printf '%s\n' '[target]' "url = $url" '[load]' 'stage = step from 100 to 50 by 20 every 200ms' \
	>"$T/steps.ini"
expect_exit 0 "$rpsctl" run "$T/steps.ini" -o "$T/steps.json" -o "$T/steps.stages.csv" -o -
expect_figures "$T/steps.json" "planned and ok of each step" "$rows" \
	'1 20 20, 2 16 16, 3 12 12, 4 10 10' \
	"they are the run" '.ledger.planned == ([.stages[].ledger.planned] | add)' true \
	"their times" '[.stages[] | .start_ns, .end_ns] | map(. / 1e6) | join(" ")' \
	'0 200 200 400 400 600 600 800' \
	"the last one's text" '.stages[3].text' 'hold 50/s for 200ms (step 4 of 4)' \
	"the plan has one stage" '.plan.stages | length' 1
expect_line "$OUT" '^  2 80/s for 200ms \(st.* +80 +16 +16 +0 '
expect_line "$T/steps.stages.csv" '^4,"hold 50/s for 200ms \(step 4 of 4\)",0\.600,0\.800,50\.000,50\.000,10,10,10,'
for i in 1 2; do
	expect_exit 0 "$rpsctl" run "$T/steps.ini" --slice "$i/2" --unsynchronised -q -o "$T/$i.json"
done
expect_exit 0 "$rpsctl" merge "$T/1.json" "$T/2.json" -o "$T/sum.json"
expect_figures "$T/sum.json" "the sum's steps" "$rows" '1 20 20, 2 16 16, 3 12 12, 4 10 10'

# What a stopped run has not reached has no row; what it has begun ends with it.
printf '%s\n' '[target]' "url = $url" '[load]' 'stage = hold 100 for 1h' 'stage = hold 200 for 1h' \
	>"$T/long.ini"
start "$rpsctl" run "$T/long.ini" -o "$T/stopped.json"
wait_line "$ERR" 'sent [1-9]'
kill -INT "$PID"
wait_exit "$PID" 10
expect_figures "$T/stopped.json" "one row" '.stages | length' 1 \
	"it ends with the run" '.stages[0].end_ns == .window.end_ns - .window.start_ns' true
end_process "$ORIGIN_PID"
expect_nothing_left
