#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The manuals say all there is, and what they and README.md show as an example is true.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

man=$RPSD_BUILD/man
readme=$ROOT/README.md
export RPSCTL_SOCKET=$T/no.socket # examples for the service find none

# The letters that a reader sees, still between the macros.
plain() {
	sed 's/\\-/-/g; s/\\(aq/'\''/g; s/\\(dq/"/g; s/\\e/\\/g; s/\\&//g' "$man/$1" >"$T/$1"
}
for manual in rpsctl.1 rpsd.8 rpsd.conf.5 rpsd-run.5 rpsd-result.5; do
	plain "$manual"
done

# ---------------------------------------------------------------- all there is

# Every key, in its section of its manual.
sed -n 's/^[[:blank:]]*{KEYS_\([A-Z]*\), "\([^"]*\)", "\([^"]*\)".*/\1 \2 \3/p' \
	"$ROOT/common/keys_table.c" >"$T/keys"
[ "$(wc -l <"$T/keys")" -ge 30 ] || fail "the key table is not understood"
while read -r file section key; do
	case $file in
	RUN) manual=rpsd-run.5 ;;
	DAEMON) manual=rpsd.conf.5 ;;
	*) fail "keys of which file? $file" ;;
	esac
	awk -v section="[$section" -v key="$key" '
		/^\.Ss / { here = index($2, section) == 1 && $2 ~ /^\[[a-z]+\]?$/ }
		here && $1 == ".It" && $2 == "Ic" && $3 == key { found = 1 }
		END { exit !found }
	' "$T/$manual" || fail "$manual has no $key in [$section]"
done <"$T/keys"

# Every member of the recorded results, but for those of the plan and names that a user gives.
jq -r 'del(.plan, .run.labels, .statuses) | .latency |= [.[]] |
	(.requests | select(.)) |= [.[] | .latency |= [.[]]] |
	paths | select(.[-1] | type == "string") | .[-1]' \
	"$ROOT"/tests/data/results/*.json | sort -u >"$T/members"
[ "$(wc -l <"$T/members")" -ge 150 ] || fail "the members of results are not understood"
while read -r member; do
	grep -qE "^\.It Ic $member( |\$)" "$T/rpsd-result.5" || fail "rpsd-result.5 has no $member"
done <"$T/members"

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
[ "$(wc -l <"$T/commands")" -ge 10 ] || fail "the list of commands is not understood"
while read -r command; do
	grep -qE "^\.It Ic $command( |\$)" "$T/rpsctl.1" || fail "rpsctl.1 has no command $command"
	expect_exit 0 "$rpsctl" help "$command"
	sed -n 's/^ \{2,\}\(-.*\)/\1/p' "$OUT" | cut -c -26 | grep -oE '(^|, )--?[A-Za-z0-9][a-z0-9-]*' |
		tr -d ', ' >"$T/flags"
	[ -s "$T/flags" ] || fail "no flag of $command is understood"
	while read -r flag; do
		grep -qE "^\.It (.* )?Fl ${flag#-}( |\$)" "$T/rpsctl.1" ||
			fail "rpsctl.1 has no flag $flag of $command"
	done <"$T/flags"
done <"$T/commands"

expect_exit 0 "$rpsd" --help
grep -oE '(^|[ ,])--[a-z0-9-]+' "$OUT" | tr -d ', ' | sort -u >"$T/flags"
[ "$(wc -l <"$T/flags")" -ge 5 ] || fail "the flags of rpsd are not understood"
while read -r flag; do
	grep -qE "^\.It (.* )?(Fl |, )${flag#-}( |\$)" "$T/rpsd.8" || fail "rpsd.8 has no flag $flag"
done <"$T/flags"

# Every exit status.
sed -n 's/^[[:blank:]]*EXIT_[A-Z_]* = \([0-9]*\),.*/\1/p' "$ROOT/common/exit_codes.h" >"$T/codes"
[ "$(wc -l <"$T/codes")" -ge 10 ] || fail "the exit codes are not understood"
while read -r code; do
	grep -qx "\.It $code" "$T/rpsctl.1" || fail "rpsctl.1 has no exit status $code"
done <"$T/codes"

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

# What an example refers to, of any content.
referred_files() {
	{ grep -hoE '(@|^(ca-file|certificate|key) = )[A-Za-z0-9._-]+$' "$1"/*.ini || :; } |
		sed 's/.*[@ ]//' | while read -r name; do
		echo '{}' >"$1/$name"
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

closed=$(free_port)
here() {
	sed "s|URL|http://127.0.0.1:$closed/|g; s/\(localhost\|127\.0\.0\.1\):8000/127.0.0.1:$closed/g" "$@"
}

# One example: it may fail for want of a server or a service, not because it is misspelt.
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
	64 | 78) fail "exit $got: $line" ;;
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

for dir in manuals readme; do
	for file in "$T/$dir"/*.ini; do
		here -i "$file"
	done
done

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
