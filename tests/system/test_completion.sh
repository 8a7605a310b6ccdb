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

cd "$T"
# shellcheck disable=SC1091
. "$T/completion"

# complete_words WORD...: what the last word could become is then in COMPREPLY.
complete_words() {
	COMP_WORDS=("$rpsctl" "$@")
	COMP_CWORD=$#
	_rpsctl || true
}

# expect_words "WORD..." WORDS-OF-THE-LINE...: exactly these, in any order.
expect_words() {
	local word wanted
	local -A offered=()
	read -ra wanted <<<"$1"
	shift
	complete_words "$@"
	for word in "${COMPREPLY[@]}"; do
		offered[$word]=yes
	done
	for word in "${wanted[@]}"; do
		[ -n "${offered[$word]-}" ] || fail "no $word for '$*': ${COMPREPLY[*]}"
		unset "offered[$word]"
	done
	[ ${#offered[@]} -eq 0 ] || fail "${!offered[*]} for '$*'"
}

# expect_word WORD WORDS-OF-THE-LINE...: among others.
expect_word() {
	local want=$1 word
	shift
	complete_words "$@"
	for word in "${COMPREPLY[@]}"; do
		[ "$word" != "$want" ] || return 0
	done
	fail "no $want for '$*': ${COMPREPLY[*]}"
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
expect_exit 0 "$rpsctl" help
commands=()
while IFS= read -r line; do
	if [[ $line =~ ^'  '([a-z]+)' ' ]]; then commands+=("${BASH_REMATCH[1]}"); fi
done <"$OUT"
[ ${#commands[@]} -ge 12 ] || fail "no list of commands"
for command in "${commands[@]}"; do
	expect_word "$command" "$command"
	flags_of "$command"
	for flag in "${FLAGS[@]}"; do
		expect_word "$flag" "$command" "$flag"
	done
done

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
complete_words run odd/
# shellcheck disable=SC2016
expect_equal "odd names" "$(printf '%s\n' "${COMPREPLY[@]}" | sort)" \
	"$(printf '%s\n' 'odd/$(touch ran).ini' 'odd/*.ini' 'odd/a b.ini' | sort)"
expect_line "$T/compopt" '^-o filenames$'
rpsctl=$rpsctl_is
[ ! -e "$T/ran" ] || fail "a word was run"
