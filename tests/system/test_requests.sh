#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Several requests by name, their checks, and answers that point elsewhere: what the result and the
# report say of them adds up, and nginx's log is the witness.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

start_nginx 'location = /browse { default_type text/plain; return 200 "lorem ipsum dolor"; }' \
	'location = /buy { return 503; }' \
	'location = /moved { return 301 http://elsewhere.test/$arg_to; }'
URL=http://127.0.0.1:$NGINX_PORT
LOAD='rate = 1000'

# load STATUS NAME PATH LINE...: runs what stands in a file of these lines; the result is in
# $T/result.json and the report in $OUT.
load() {
	local status=$1 name=$2 path=$3
	shift 3
	printf '%s\n' '[target]' "url = $URL$path" '[load]' "$LOAD" 'requests = 1000' "$@" \
		>"$T/$name.ini"
	: >"$NGINX_LOG"
	expect_exit "$status" "$rpsctl" run "$T/$name.ini" -o "$T/result.json" -o -
}

# figures_are [NAME JQ-EXPRESSION WANTED]...: in the document of that run.
figures_are() {
	expect_figures "$T/result.json" "$@"
}

# served PATH: sets LINES_SEEN to how many requests for it nginx has logged.
served() {
	matching_lines "$NGINX_LOG" "^GET $1 "
}

# ---------------------------------------------------------------- by name

load 0 shop / '[request browse]' 'weight = 8' 'path = browse' '[request buy]' 'weight = 2' 'path = buy'
figures_are "names, in order" '.requests | keys_unsorted | join(" ")' 'browse buy' \
	"every ledger balances" '([.requests[].ledger.balanced] | all) and .ledger.balanced' true \
	"the parts are the whole" '.ledger as $all | [.requests[].ledger] as $parts
		| $all | del(.balanced) | keys
		| all(. as $class | $all[$class] == ([$parts[][$class]] | add))' true \
	"the shares" '[.requests[].share] | add' 1 \
	"the share is near the weight" '.requests.browse.share | . > 0.7 and . < 0.9' true \
	"all of buy failed" .requests.buy.ledger.ok 0 \
	"response, service and offered are of ok ones" '.requests.browse |
		.latency.response.count == .ledger.ok and
		.latency.service.count == .ledger.ok and .offered.unserved_share == 0' true
expect_nginx_served 1000
figures "$T/result.json" .requests.browse.ledger.sent .requests.buy.ledger.sent
served /browse
expect_equal "the log says the same of browse" "$LINES_SEEN" "${FIGURES[0]}"
served /buy
expect_equal "the log says the same of buy" "$LINES_SEEN" "${FIGURES[1]}"
expect_line "$OUT" '^shop-[0-9]+ . 2 requests to http://127'
expect_line "$OUT" '^  request +share +ok +p50 +p99 +failed$'
expect_line "$OUT" '^  browse +[0-9.]+ % +[0-9]+ +[0-9.,]+ +[0-9.,]+ +0$'
expect_line "$OUT" '^  buy +[0-9.]+ % +0 +unserved +unserved +[0-9]+$'

# In sequence there is nothing random.
LOAD=$'rate = 1000\norder = sequence'
load 0 turns / '[request browse]' 'weight = 3' 'path = browse' '[request buy]' 'path = buy'
figures_are "three of each four" '.requests | "\(.browse.ledger.sent) \(.buy.ledger.sent)"' '750 250' \
	"the result says so" .plan.effective.order sequence
served /buy
expect_equal "the log says so too" "$LINES_SEEN" 250
# 18 bytes in each answer of browse, and their heads.
figures_are "bytes are those of the rates" '((.bytes.in / .rates.bytes_in_per_s -
		(.window.end_ns - .window.start_ns) / 1e9) | fabs) < 1e-6' true \
	"bytes of answers" '.bytes.in > 750 * 18 and .bytes.out > 1000 * 18' true
expect_line "$OUT" '^  status  200: 750 . 503: 250$'
expect_line "$OUT" '^  bytes   [0-9.]+ [KM]iB in, [0-9.]+ [KM]iB out$'

LOAD='model = closed'
# One without a name has no part of its own.
load 0 plain /browse
figures_are "no names" 'has("requests")' false

# A connection on which a request said "Connection: close" has no other one after it.
load 0 parting /browse '[request part]' 'header = Connection: te, Close' '[request stay]'
figures_are "closed after each that said so" \
	'.ledger.ok == 1000 and .connections.closed_by_us == .requests.part.ledger.sent' true
LOAD='model = closed'

# ---------------------------------------------------------------- checks

# failed_check CLASS EXAMPLE LINE...: all fail, by that check, with that example.
failed_check() {
	local class=$1 example=$2
	shift 2
	load 13 check /browse '[defaults]' "$@"
	figures_are "$* fails by" '[.errors[] | "\(.phase) \(.class)"] | join(" ")' "check $class" \
		"example of $class" '.errors[0].example' "$example" \
		check_failed .ledger.check_failed 1000
	expect_line "$OUT" "$class"
}

read -r sha256 _ < <(printf 'lorem ipsum dolor' | sha256sum)
load 0 check /browse '[defaults]' 'expect-header = Content-Type: text/plain' \
	'expect-header = content-length' 'expect-body = sum dol' 'expect-size = 17B' \
	"expect-sha256 = $sha256"
figures_are "ok with every check" .ledger.ok 1000
failed_check check-header 'Content-Type is text/plain, expected text/html' 'expect-header = Content-Type: text/html'
failed_check check-header 'no header X-Missing' 'expect-header = X-Missing'
failed_check check-body 'body of 17 bytes lacks the text; it begins: lorem ipsum dolor' \
	'expect-body = lorem dolor'
failed_check check-size 'body has 17 bytes, expected 16' 'expect-size = 16B'
failed_check check-hash "body has SHA-256 $sha256" \
	"expect-sha256 = $(printf 0%.0s {1..64})"

# ---------------------------------------------------------------- redirects

load 0 moved '/moved?to=here'
# In the headline, or in a note where a busy machine gave the headline something else to say.
readonly said='[.headline.because, .generator.notes[].text] | map(select(test("redirects"))) | join("|")'
figures_are redirects '.redirects | "\(.count) \(.share) \(.location)"' \
	'1000 1 http://elsewhere.test/here' \
	"words on redirects" "$said" \
	'1,000 of 1,000 answers were redirects (301 to http://elsewhere.test/here), never followed'
expect_line "$OUT" '^ +try +load the address they point to:'
load 0 some / '[request moved]' 'path = moved' '[request browse]' 'weight = 3' 'path = browse'
figures "$T/result.json" .redirects.count "$said"
expect_equal "words on some redirects" "${FIGURES[1]}" "${FIGURES[0]} of 1,000 answers were \
redirects (301 to http://elsewhere.test/), never followed"

# Who asks for them gets no advice, who refuses them gets it with the failure.
load 0 asked /moved '[defaults]' 'expect-status = 301'
figures_are "words on what is expected" "$said" ''
load 13 refused /moved '[defaults]' 'expect-status = 200'
figures_are http_error .ledger.http_error 1000
expect_line "$OUT" 'load the address they point to'
expect_nothing_left
