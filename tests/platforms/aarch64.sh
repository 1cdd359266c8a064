#!/usr/bin/env bash
# For 64-bit ARM: cross-compiled in Debian 13, and tested there under QEMU's emulation of such a processor.
#
# usage: tests/platforms/aarch64.sh [options of root.sh]
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
exec "$here/root.sh" "$@" tests/platforms/build_and_test.sh /build/aarch64 \
	-DCMAKE_TOOLCHAIN_FILE=tests/platforms/aarch64.cmake
