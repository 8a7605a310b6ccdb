#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The manuals say all there is, and what they and README.md show as an example is true.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

man=$RPSD_BUILD/man
readme=$ROOT/README.md
export RPSCTL_SOCKET=$T/no.socket # examples for the service find none

# expect_some N WHAT FILE: so many lines or more of what is looked for.
expect_some() {
	line_count "$3"
	[ "$LINES_SEEN" -ge "$1" ] || fail "$2: not understood"
}

# The letters that a reader sees, still between the macros.
plain() {
	sed 's/\\-/-/g; s/\\(aq/'\''/g; s/\\(dq/"/g; s/\\e/\\/g; s/\\&//g' "$man/$1" >"$T/$1"
}
for manual in rpsctl.1 rpsd.8 rpsd.conf.5 rpsd-run.5 rpsd-result.5; do
	plain "$manual"
done

# ---------------------------------------------------------------- all there is

# expect_all WHAT SAID WANTED: each line of the file WANTED is one of the file SAID.
expect_all() {
	local line
	local -A said=()

	while IFS= read -r line; do said[$line]=yes; done <"$2"
	while IFS= read -r line; do
		[ -n "${said[$line]-}" ] || fail "$1: there is no $line"
	done <"$3"
}

# items MANUAL MACRO: the first word of each item that begins with that macro.
items() {
	awk -v macro="$2" '$1 == ".It" && $2 == macro { print $3 }' "$T/$1"
}

# flag_items MANUAL: each flag that an item is for.
flag_items() {
	awk '$1 == ".It" { for (i = 2; i < NF; i++) if ($i ~ /^(Fl|,)$/) print "-" $(i + 1) }' "$T/$1"
}

# Every key, in its section of its manual.
table_keys() {
	sed -n 's/^[[:blank:]]*{"\([^"]*\)", "\([^"]*\)", KEY_.*/\1 \2/p' "$ROOT/$2" >"$T/$1.keys"
	expect_some 15 "$2" "$T/$1.keys"
	while IFS= read -r key; do echo "$1 $key"; done <"$T/$1.keys"
}
{ table_keys RUN common/plan/plan_keys.c; table_keys DAEMON common/settings/settings_keys.c; } >"$T/keys"
key_items() {
	awk -v file="$1" '
		/^\.Ss / { section = $2 ~ /^\[[a-z]+\]?$/ ? $2 : ""; gsub(/[][]/, "", section) }
		section != "" && $1 == ".It" && $2 == "Ic" { print file, section, $3 }
	' "$T/$2"
}
{ key_items RUN rpsd-run.5; key_items DAEMON rpsd.conf.5; } >"$T/said"
expect_all "rpsd-run.5 and rpsd.conf.5" "$T/said" "$T/keys"

# Every member of the recorded results, but for those of the plan and names that a user gives.
jq -r 'del(.plan, .run.labels, .statuses) | .latency |= [.[]] |
	(.requests | select(.)) |= [.[] | .latency |= [.[]]] |
	paths | select(.[-1] | type == "string") | .[-1]' \
	"$ROOT"/tests/data/results/*.json | sort -u >"$T/members"
expect_some 150 "the members of results" "$T/members"
items rpsd-result.5 Ic >"$T/said"
expect_all rpsd-result.5 "$T/said" "$T/members"

# The exit statuses of a run, the same in three places.
expect_exit 0 "$rpsctl" help run
[ "$(awk 'length > 80' "$OUT")" = "" ] || fail "too wide: $(cat "$OUT")"
sed -n '/^Exit status:/,/Ctrl-C\.$/p' "$OUT" | grep -oE '[0-9]+' >"$T/exits.help"
sed -n '/EXIT STATUS/,/^\.El/s/^\.It //p' "$T/rpsctl.1" >"$T/exits.man"
sed -n '/^\*\*Exit status/,/^$/p' "$readme" | grep -oE '[0-9]+' >"$T/exits.readme"
expect_equal "statuses in the manual" "$(sort -n "$T/exits.man" | xargs)" \
	"0 1 10 11 12 13 14 64 66 69 77 78 130"
for place in help readme; do
	expect_equal "statuses in $place" "$(sort -n "$T/exits.$place" | xargs)" \
		"$(sort -n "$T/exits.man" | xargs)"
done

# Every command, and every flag of each.
expect_exit 0 "$rpsctl" --help
sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' "$OUT" >"$T/commands"
expect_some 10 "the list of commands" "$T/commands"
items rpsctl.1 Ic >"$T/said"
expect_all rpsctl.1 "$T/said" "$T/commands"
flag_items rpsctl.1 >"$T/said"
while read -r command; do
	flags_of "$command"
	printf '%s\n' "${FLAGS[@]}" >"$T/flags"
	expect_all "rpsctl.1 of $command" "$T/said" "$T/flags"
done <"$T/commands"

expect_exit 0 "$rpsd" --help
grep -oE '(^|[ ,])--[a-z0-9-]+' "$OUT" | tr -d ', ' | sort -u >"$T/flags"
expect_some 5 "the flags of rpsd" "$T/flags"
flag_items rpsd.8 >"$T/said"
expect_all rpsd.8 "$T/said" "$T/flags"

# Every exit status.
sed -n 's/^[[:blank:]]*EXIT_[A-Z_]* = \([0-9]*\),.*/\1/p' "$ROOT/common/exit_codes.h" >"$T/codes"
expect_some 10 "the exit codes" "$T/codes"
sed -n 's/^\.It \([0-9]*\)$/\1/p' "$T/rpsctl.1" >"$T/said"
expect_all "rpsctl.1's exit statuses" "$T/said" "$T/codes"

# ---------------------------------------------------------------- examples of files

# Each block of a manual with a section in it has a line .\" file NAME before it.
manual_files() {
	awk -v dir="$1" '
		/^\.\\" file / { name = $3; next }
		/^\.Bd / { inside = 1; next }
		/^\.Ed/ { inside = 0; name = ""; next }
		inside && name == "" && /^\[/ { print FILENAME ": example without a name: " $0; bad = 1 }
		inside && name != "" { print > (dir "/" name) }
		END { exit bad }
	' "$2" || fail "an example of $2 is not marked"
}

# The ```ini blocks of README.md, named by the comment in their first line.
readme_files() {
	awk -v dir="$1" '
		/^```/ { inside = $0 == "```ini"; name = ""; next }
		inside && name == "" { name = /^; [a-z-]+\.(ini|conf)$/ ? $2 : "example" ++n ".ini" }
		inside { print > (dir "/" name) }
	' "$readme"
}

# What an example refers to, of any content; a file of [tls] has the first line of one.
referred_files() {
	{ grep -hoE '(@|^(ca-file|certificate|key) = )[A-Za-z0-9._-]+$' "$1"/*.ini || :; } |
		sed 's/.*[@ ]//' | while read -r name; do
		case $name in
		*.pem) echo '-----BEGIN CERTIFICATE-----' ;;
		*.key) echo '-----BEGIN PRIVATE KEY-----' ;;
		*) echo '{}' ;;
		esac >"$1/$name"
	done
}

checked=0
check_examples() {
	referred_files "$1"
	for file in "$1"/*.ini "$1"/*.conf; do
		[ -e "$file" ] || continue
		expect_exit 0 "$rpsctl" check "$file"
		checked=$((checked + 1))
	done
}

mkdir "$T/manuals" "$T/readme" "$T/shipped"
for manual in rpsctl.1 rpsd.8 rpsd.conf.5 rpsd-run.5; do
	manual_files "$T/manuals" "$T/$manual"
done
readme_files "$T/readme"
cp "$ROOT"/conf/runs/*.ini "$ROOT/conf/rpsd.conf" "$T/shipped/"
for dir in manuals readme shipped; do
	before=$checked
	check_examples "$T/$dir"
	[ "$checked" -gt "$before" ] || fail "no example in $dir"
done

# ---------------------------------------------------------------- examples of commands

free_port
# Whatever port of this host an example names, a server that happens to be there is left alone.
here() {
	sed -E "s|URL|http://127.0.0.1:$FREE_PORT/|g
		s/(localhost|127\.0\.0\.1):[1-9][0-9]*/127.0.0.1:$FREE_PORT/g" "$@"
}

# One example: it may fail for want of a server or a service, not because it is misspelt. A named run
# of the service is not there, and its file lies here.
try_command() {
	local line=$1 got=0

	if [[ $line == 'rpsctl origin' || $line == 'rpsctl origin '* ]]; then
		eval "start \"\$rpsctl\" ${line#rpsctl } --listen 127.0.0.1:0"
		wait_line "$OUT" '^http://127'
		end_process "$PID"
		return
	fi
	eval "\"\$rpsctl\" ${line#rpsctl }" >"$OUT" 2>"$ERR" </dev/null || got=$?
	case $got in
	64 | 78)
		file_has "$ERR" 'read as the name of a run of the service; a run file of that name' ||
			fail "exit $got: $line"
		;;
	esac
}

# Reads examples from stdin and tries them in the folder that holds their files.
try_commands() {
	local n=0 line

	cd "$1"
	while read -r line; do
		try_command "$line"
		n=$((n + 1))
	done
	cd /
	[ "$n" -ge "$2" ] || fail "only $n commands in $1"
}

here -i "$T"/{manuals,readme}/*.ini

# The explanation stands behind two blanks or a #.
awk '/^```/ { inside = !inside; next } inside && /^rpsctl / { sub(/  .*/, ""); print }' "$readme" |
	here >"$T/readme.commands"
awk '/^\.Bd / { inside = 1; next } /^\.Ed/ { inside = 0; next }
	inside && (more || /^\$ rpsctl /) {
		sub(/^\$ /, "")
		more = sub(/\\$/, "")
		printf "%s%s", $0, more ? "" : "\n"
	}' "$T"/*.[158] | here >"$T/manuals.commands"
try_commands "$T/readme" 5 <"$T/readme.commands"
try_commands "$T/manuals" 5 <"$T/manuals.commands"
expect_nothing_left
