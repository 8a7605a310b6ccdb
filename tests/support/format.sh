#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The form of the sources that git knows: clang-format, no line comments in C, no trailing blanks.
# Says file:line of each offence.
set -eu

cd "$(dirname "$0")/../.."
bad=0

mapfile -t all < <(git ls-files -- '*.c' '*.h')
sources=()
for file in ${all[@]+"${all[@]}"}; do
	[ -e "$file" ] && sources+=("$file")
done
if [ "${#sources[@]}" -eq 0 ]; then
	echo "format: no C file to check" >&2
	exit 1
fi

if command -v clang-format >/dev/null; then
	clang-format --dry-run -Werror "${sources[@]}" || bad=1
else
	echo "format: clang-format is not installed, the layout is not checked" >&2
fi

# Foreign text is made harmless in ctl/print.c, so nothing else prints.
if git grep -nE '\b(v?f?printf|f?puts|f?putc|putchar|fwrite|json_dumpf|perror) ?\(' -- 'ctl/*.c' \
	':!ctl/print.c'; then
	echo "format: rpsctl prints by ctl/print.h" >&2
	bad=1
fi

# Takes strings, character constants and block comments away; a // that remains is a comment.
awk '
FNR == 1 { in_comment = 0 }
{
	text = ""
	quote = ""
	n = length($0)
	for (i = 1; i <= n; i++) {
		c = substr($0, i, 1)
		two = substr($0, i, 2)
		if (in_comment) {
			if (two == "*/") {
				in_comment = 0
				i++
			}
		} else if (quote != "") {
			if (c == "\\")
				i++
			else if (c == quote)
				quote = ""
		} else if (c == "\"" || c == "\047") {
			quote = c
		} else if (two == "/*") {
			in_comment = 1
			i++
		} else if (two == "//") {
			printf "%s:%d: a // comment marks what must not be committed\n", FILENAME, FNR
			bad = 1
			next
		}
	}
}
END { exit bad }
' "${sources[@]}" || bad=1

# Recorded outputs under tests/data may end in blanks: they are what some program said.
if git grep -nIE '[[:blank:]]+$' -- . ':!tests/data' ':!LICENSE'; then
	echo "format: the lines above end in blanks"
	bad=1
fi

exit "$bad"
