#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Boots a system with rpsd installed and asks it (inside.sh) whether units, sockets and users are as
# they should be. The system is this one under an overlay that is thrown away, in a container of
# systemd-nspawn (Debian's package systemd-container) without a network. Needs root.
#
#	tests/boot/run.sh INSTALLED_ROOT
#
# INSTALLED_ROOT is what `make install DESTDIR=` has filled.
set -eu

if [ $# -ne 1 ] || [ ! -d "$1" ]; then
	echo "run.sh: usage: tests/boot/run.sh INSTALLED_ROOT" >&2
	exit 64
fi
if [ "$(id -u)" -ne 0 ] || ! command -v systemd-nspawn >/dev/null; then
	echo "check-boot needs root and systemd-nspawn (make deps-boot)" >&2
	exit 1
fi
installed=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/rpsd-boot.XXXXXX")
mkdir "$work/host" "$work/out"
trap 'rmdir "$work/host" && rm -rf "$work"' EXIT

# nspawn wants a directory that is not / to lay the overlay on. Mounts made here end with unshare.
status=0
# shellcheck disable=SC2016  # the inner shell expands
timeout --kill-after=10 200 unshare --mount --propagation private bash -euc '
	mount --bind / "$0/host"
	SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 exec systemd-nspawn --quiet --register=no --keep-unit \
		--private-network --machine="rpsd-boot-$$" --directory="$0/host" --volatile=overlay \
		--console=pipe --capability=all --system-call-filter=bpf \
		--bind-ro="$1:/source" --bind-ro="$2:/installed" --bind="$0/out:/out" \
		--bind-ro="$1/tests/boot/boot.target:/usr/lib/systemd/system/boot.target" \
		--bind-ro="$1/tests/boot/boot.service:/usr/lib/systemd/system/boot.service" \
		--boot systemd.unit=boot.target' \
	"$work" "$source" "$installed" >"$work/console" 2>&1 </dev/null || status=$?

if [ "$status" -ne 0 ]; then
	tail -n 20 "$work/console" >&2
	echo "--- inside" >&2
fi
cat "$work/out/log" 2>/dev/null || true
exit "$status"
