#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The completion function in a bash that is not interactive, with no service and with one.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

export RPSCTL_SOCKET=$T/nowhere
expect_exit 0 "$rpsctl" completion bash
bash -n "$OUT" || fail "bash does not read it"
cp "$OUT" "$T/completion"
expect_exit 64 "$rpsctl" completion fish
expect_exit 64 "$rpsctl" completion

mkdir "$T/dir"
touch "$T/checkout.ini" "$T/soak.ini" "$T/result.json" "$T/note.txt"

# complete WORD...: what the last word could become, one on each line.
complete_words() {
	(
		cd "$T"
		# shellcheck disable=SC1091
		. "$T/completion"
		COMP_WORDS=("$rpsctl" "$@")
		COMP_CWORD=$#
		COMPREPLY=()
		_rpsctl
		printf '%s\n' "${COMPREPLY[@]}"
	)
}

# expect_words "WORD..." WORDS-OF-THE-LINE...: exactly these, in any order.
expect_words() {
	local want=$1 got
	shift
	got=$(complete_words "$@" | sort -u | tr '\n' ' ')
	want=$(tr ' ' '\n' <<<"$want" | sort -u | tr '\n' ' ')
	expect_equal "completion of '$*'" "${got% }" "${want% }"
}

# expect_word WORD WORDS-OF-THE-LINE...: among others.
expect_word() {
	local want=$1 words
	shift
	# Not by a pipe into grep -q: that leaves at the first match, and its writer then fails.
	words=$(complete_words "$@")
	grep -qxF -e "$want" <<<"$words" || fail "no $want for '$*': $words"
}

expect_word status st
expect_word start st
expect_word help h
expect_word checkout.ini ''
expect_word run ''
expect_words 'checkout.ini' run ch
expect_word check c
expect_word checkout.ini c
expect_words 'soak.ini' run checkout.ini so
expect_words 'soak.ini' checkout.ini so
expect_words '--duration --dry-run --data' run --d
expect_words '--duration --dry-run --data' localhost:8000 --d
expect_words '--delay --drip' origin --d
expect_words '--now' stop --n
expect_words '' version x
expect_words 'note.txt' run localhost -o no
expect_words 'note.txt' run localhost --output = no
expect_words '' run localhost -r 2
expect_words 'load.rate=' run localhost --set load.ra
expect_words 'POST PUT PATCH' run localhost -X P
expect_words 'result.json' report res
expect_words 'result.json' merge other.json res
expect_word our-delay help our
expect_word status help stat
expect_words 'connect-refused' help connect-r
expect_words 'bash' completion b
expect_words '' status ''

# Each command and each flag of each command is there.
"$rpsctl" help | sed -n 's/^  \([a-z]\+\) .*/\1/p' >"$T/commands"
[ "$(wc -l <"$T/commands")" -ge 12 ] || fail "no list of commands"
while read -r command; do
	expect_word "$command" "$command"
	for flag in $("$rpsctl" help "$command" | grep -oE '^ +(-[a-zA-Z0-9],?)? *(--[a-z0-9-]+)?' | tr -d ','); do
		expect_word "$flag" "$command" "$flag"
	done
done <"$T/commands"

# ---------------------------------------------------------------- words are data

# A daemon that answers with commands and patterns: none runs, and only names are offered.
cat >"$T/hostile" <<'END'
#!/bin/bash
case $1 in
list)
	echo 'name  target  load'
	# shellcheck disable=SC2016  # words that a shell would expand
	printf '%s  http://a.test/  100/s\n' good-1 '$(touch${IFS}ran)' '`touch${IFS}ran`' \
		'${x[$(touch${IFS}ran)]}' '*' '~' '-f' 'a;b' "a'b" '<(touch${IFS}ran)' good.2
	;;
status)
	echo 'run  state'
	# shellcheck disable=SC2016
	printf '%s  running\n' good-7 '$(touch${IFS}ran)-1' '`touch${IFS}ran`-2' '*-3' '--all-4'
	;;
esac
END
chmod +x "$T/hostile"
rpsctl_is=$rpsctl
rpsctl=$T/hostile
expect_words 'good-1 good.2' show ''
expect_words 'good-1' show good-
expect_words 'good-7' stop ''
expect_words '' show '$('
expect_words '' stop '*'

# The name of a file is offered as it is, and readline is told to quote it.
mkdir "$T/odd"
# shellcheck disable=SC2016
touch "$T/odd/\$(touch ran).ini" "$T/odd/*.ini" "$T/odd/a b.ini"
compopt() {
	echo "$*" >>"$T/compopt"
}
got=$(complete_words run odd/ | sort)
# shellcheck disable=SC2016
expect_equal "odd names" "$got" "$(printf '%s\n' 'odd/$(touch ran).ini' 'odd/*.ini' 'odd/a b.ini' | sort)"
grep -qx -e '-o filenames' "$T/compopt" || fail "readline is not told that these are files"
rpsctl=$rpsctl_is
[ ! -e "$T/ran" ] || fail "a word was run"
