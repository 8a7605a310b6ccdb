#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Checks who includes whom against tests/support/layers.txt and names each offender, file:line.
# Without arguments all C files known to git are checked; with them, those files (paths from the
# root of the tree in the current directory). A module whose head says "Pure." is held to it; one of
# layers.txt that has no file is an offence too.
set -eu

table=$(cd "$(dirname "$0")" && pwd)/layers.txt
is_whole=$(($# == 0))
if [ $# -eq 0 ]; then
	cd "$(dirname "$0")/../.."
	mapfile -t files < <(git ls-files -- '*.c' '*.h')
	present=()
	for file in ${files[@]+"${files[@]}"}; do
		[ -e "$file" ] && present+=("$file")
	done
	set -- ${present[@]+"${present[@]}"}
fi
if [ $# -eq 0 ]; then
	echo "layers: no C file to check" >&2
	exit 1
fi

# NAME. of each module that says so in the first comment of its .c or .h.
sides=()
for file in "$@"; do
	for side in "${file%.*}.c" "${file%.*}.h"; do
		[ ! -e "$side" ] || sides+=("$side")
	done
done
claims=$(awk '
	FNR == 1 { is_head = 1 }
	is_head && !/^(\/\*| \*)/ { is_head = 0 }
	is_head && /(^|[^A-Za-z])Pure[.;:,]/ {
		module = FILENAME
		sub(/[ch]$/, "", module)
		print module
	}
' "${sides[@]}" | sort -u)

awk '
function begins(text, prefix) {
	return substr(text, 1, length(prefix)) == prefix
}

# The index of the first pattern of list[1..n] that text begins with, or 0.
function first(list, n, text,    i) {
	for (i = 1; i <= n; i++)
		if (begins(text, list[i]))
			return i
	return 0
}

# One of the words is the beginning of text; of "FOLDER/*", a file that is in the folder itself.
function in_words(words, text,    n, i, word, folder) {
	n = split(words, word, " ")
	for (i = 1; i <= n; i++) {
		folder = word[i]
		if (!sub(/\*$/, "", folder)) {
			if (begins(text, folder))
				return 1
		} else if (begins(text, folder) && substr(text, length(folder) + 1) !~ /\//)
			return 1
	}
	return 0
}

function complain(message) {
	printf "%s:%d: %s\n", FILENAME, FNR, message
	bad++
}

function rest_of_line(    text) {
	text = $0
	sub(/^[^ \t]+[ \t]+[^ \t]+[ \t]*/, "", text)
	return text
}

# A row that names what is not there holds nothing, and looks as if it did.
function check_rows(list, n, kind,    i) {
	for (i = 1; i <= n; i++)
		if (!(list[i] in seen_row)) {
			printf "layers.txt: %s %s names no file\n", kind, list[i]
			bad++
		}
}

function see(list, n,    i) {
	for (i = 1; i <= n; i++)
		if (begins(FILENAME, list[i]))
			seen_row[list[i]] = 1
}

FILENAME == table && FNR == 1 {
	n_claims = split(claims, claim, "\n")
}

FILENAME == table {
	if ($1 == "room") {
		room[++n_rooms] = $2
		may[n_rooms] = rest_of_line()
	} else if ($1 == "library") {
		library[++n_libraries] = $2
		users[n_libraries] = rest_of_line()
		for (i = 3; i <= NF; i++)
			user[++n_users] = $i
	} else if ($1 == "pure") {
		pure[++n_pure] = $2
	} else if ($1 == "impure") {
		impure[++n_impure] = $2
	} else if ($1 == "system") {
		for (i = 2; i <= NF; i++)
			system_header[++n_system] = $i
	} else if (NF && $1 !~ /^#/) {
		complain("unknown word " $1)
	}
	next
}

FNR == 1 {
	my_room = first(room, n_rooms, FILENAME)
	is_pure = first(pure, n_pure, FILENAME) || first(claim, n_claims, FILENAME)
	if (is_whole) {
		see(room, n_rooms)
		see(pure, n_pure)
		see(user, n_users)
	}
	if (!my_room)
		complain("belongs to no room of layers.txt")
}

# Calls, not the ends of longer names, and not in comments.
is_pure && !/^[ \t]*(\/\*|\*)/ {
	for (i = 1; i <= n_impure; i++) {
		at = impure[i] ~ /\($/ ? index($0, impure[i]) : 0
		if (at && (at == 1 || substr($0, at - 1, 1) !~ /[A-Za-z0-9_"]/))
			complain("a pure module must not call " impure[i] ")")
	}
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	match($0, /"[^"]*"/)
	header = substr($0, RSTART + 1, RLENGTH - 2)
	if (header !~ /^(common|daemon|ctl|conf|tests)\//)
		complain("\"" header "\" is not written from the root")
	else if (my_room && first(room, n_rooms, header) != my_room && !in_words(may[my_room], header))
		complain(room[my_room] " must not include " header)
	next
}

/^[ \t]*#[ \t]*include[ \t]*</ {
	match($0, /<[^>]*>/)
	header = substr($0, RSTART + 1, RLENGTH - 2)
	l = first(library, n_libraries, header)
	if (l) {
		if (!in_words(users[l], FILENAME))
			complain("<" header "> is only for " users[l])
	} else if (!first(system_header, n_system, header)) {
		complain("<" header "> is of a library that layers.txt does not name")
	}
	if (is_pure)
		for (i = 1; i <= n_impure; i++)
			if (header == impure[i])
				complain("a pure module must not include <" header ">")
}

END {
	if (is_whole) {
		check_rows(room, n_rooms, "room")
		check_rows(pure, n_pure, "pure")
		check_rows(user, n_users, "library: the user")
	}
	if (bad)
		printf "layers: %d wrong\n", bad
	exit bad > 0
}
' table="$table" claims="$claims" is_whole="$is_whole" "$table" "$@"
