#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fails on circles: headers that include each other, and modules (NAME.c with NAME.h) whose object
# files need each other. Those that are meant are in circles.txt, each with its reason.
#
#	circles.sh BUILD [TABLE FILE...]
#
# BUILD/obj has the object files. Without files all of common, daemon and ctl that git knows are
# looked at; with them those, whose paths are from the root of the tree in the current directory.
set -eu

build=$1
table=$(cd "$(dirname "$0")" && pwd)/circles.txt
if [ $# -gt 1 ]; then
	table=$2
	shift 2
else
	cd "$(dirname "$0")/../.."
	mapfile -t files < <(git ls-files -- common daemon ctl | grep '\.[ch]$')
	set -- "${files[@]}"
fi

# "header A.h B.h": A.h includes B.h.
edges_of_headers() {
	local file
	for file in "$@"; do
		[ -e "$file" ] || continue
		case $file in
		*.h) sed -nE "s|^[ \t]*#[ \t]*include[ \t]*\"([^\"]*)\".*|header $file \1|p" "$file" ;;
		esac
	done
}

# "module A B": A.o needs a symbol of B.o.
edges_of_modules() {
	local file objects=()
	for file in "$@"; do
		case $file in
		*.c) [ ! -e "$build/obj/${file%.c}.o" ] || objects+=("$build/obj/${file%.c}.o") ;;
		esac
	done
	[ "${#objects[@]}" -gt 0 ] || return 0
	nm -A -g "${objects[@]}" | awk -v skip="$((${#build} + 5))" '
	{
		# FILE.o:VALUE TYPE NAME, where VALUE can be blank
		module = $0
		sub(/\.o:.*/, "", module)
		module = substr(module, skip + 1)
		if ($(NF - 1) == "U")
			needs[module, $NF] = 1
		else
			home[$NF] = module
	}
	END {
		for (pair in needs) {
			split(pair, part, SUBSEP)
			if (part[2] in home && home[part[2]] != part[1])
				print "module", part[1], home[part[2]]
		}
	}' | sort -u
}

{
	edges_of_headers "$@"
	edges_of_modules "$@"
} | awk -v table="$table" '
# A module of a row may end in * for all whose names begin so.
function is_in(row, name,    i, n, part, stem) {
	n = split(members[row], part, " ")
	for (i = 1; i <= n; i++) {
		stem = part[i]
		if (stem == name || (sub(/\*$/, "", stem) && substr(name, 1, length(stem)) == stem))
			return 1
	}
	return 0
}

function judge(circle, n,    row, i, text, ok) {
	for (row = 1; row <= n_rows; row++) {
		ok = 1
		for (i = 1; i <= n && ok; i++)
			ok = is_in(row, circle[i])
		if (ok) {
			used[row] = 1
			return
		}
	}
	for (i = 1; i <= n; i++)
		text = text " " circle[i]
	printf "circles: these need each other:%s\n", text
	bad = 1
}

# Tarjan: strongly connected components.
function visit(v,    i, n, to, w, circle, size) {
	order[v] = low[v] = ++n_visited
	stack[++depth] = v
	on_stack[v] = 1
	n = split(edges[v], to, " ")
	for (i = 1; i <= n; i++) {
		w = to[i]
		if (!(w in order)) {
			visit(w)
			if (low[w] < low[v])
				low[v] = low[w]
		} else if (on_stack[w] && order[w] < low[v]) {
			low[v] = order[w]
		}
	}
	if (low[v] != order[v])
		return
	do {
		w = stack[depth--]
		on_stack[w] = 0
		circle[++size] = w
	} while (w != v)
	if (size > 1)
		judge(circle, size)
}

BEGIN {
	while ((getline line < table) > 0) {
		if (line ~ /^#/ || line ~ /^[ \t]*$/)
			continue
		if (line !~ /^[^:]+: .+/) {
			printf "circles: no reason: %s\n", line
			bad = 1
			continue
		}
		members[++n_rows] = line
		sub(/:.*/, "", members[n_rows])
	}
}

$1 == "module" { n_modules++ }
{
	if (!($2 in edges))
		names[++n_names] = $2
	edges[$2] = edges[$2] " " $3
}

END {
	if (n_modules == 0) {
		print "circles: no object files to look at"
		bad = 1
	}
	for (k = 1; k <= n_names; k++)
		if (!(names[k] in order))
			visit(names[k])
	for (row = 1; row <= n_rows; row++)
		if (!used[row] && n_modules > 0) {
			printf "circles: no circle any more, take the row away: %s\n", members[row]
			bad = 1
		}
	exit bad
}
'
