#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Holds built manuals against the formatters' own judgement; a formatter that is not installed is
# named and passed over.
#
#	tests/support/manuals.sh MANUAL...
set -eu

bad=0
if [ $# -eq 0 ]; then
	echo "manuals: no manual to check" >&2
	exit 1
fi

# Style would include references to manuals that are not installed yet.
if command -v mandoc >/dev/null; then
	mandoc -T lint -W warning "$@" || bad=1
else
	echo "manuals: mandoc is not installed, its rules are not checked" >&2
fi

if command -v man >/dev/null && command -v groff >/dev/null; then
	for manual in "$@"; do
		# man ends with 0 whatever groff has warned about.
		said=$(MANWIDTH=80 man --warnings -Tutf8 -Z -l "$manual" 2>&1 >/dev/null) || bad=1
		if [ -n "$said" ]; then
			printf '%s: %s\n' "$manual" "$said"
			bad=1
		fi
	done
else
	echo "manuals: man or groff is not installed, groff's warnings are not checked" >&2
fi

# What the Makefile should have filled in.
if grep -nE '^@|@[a-z]+dir@|@version@' "$@"; then
	echo "manuals: the lines above are not filled in"
	bad=1
fi

exit "$bad"
