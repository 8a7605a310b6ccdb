#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs system tests with the programs of BUILD_DIR: all of them where none is named.
#
#	tests/system/run.sh BUILD_DIR [TEST...]
set -eu

build=$1
shift
[ $# -gt 0 ] || set -- "$(dirname "$0")"/test_*.sh
exec "$(dirname "$0")/../support/run_tests.sh" "$build" "$@"
