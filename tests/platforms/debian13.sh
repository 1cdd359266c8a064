#!/usr/bin/env bash
# With the compiler and the libraries of Debian 13: builds the programs and the tests that need no other program (unit,
# vectors, sim) as a user would, but with each warning an error, and runs these.
#
# usage: tests/platforms/debian13.sh [options of root.sh]
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
exec "$here/root.sh" "$@" tests/platforms/build_and_test.sh /build/debian13
