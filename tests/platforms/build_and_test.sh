#!/usr/bin/env bash
# Runs in each platform's root: builds the programs and the tests that need no other program, and runs these.
#
# usage: tests/platforms/build_and_test.sh BUILD-FOLDER [option of cmake...]
set -euo pipefail

build=$1
shift
exec 9>"$build.lock"
flock 9 # one at a time in that folder

cmake -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=ON -DWG4_WERROR=ON \
	-DCMAKE_CXX_COMPILER_LAUNCHER=ccache "$@" >/dev/null
mapfile -t tests < <(ninja -C "$build" -t targets all | sed -nE 's,^bin/((unit|vectors|sim)_[^:]*): .*,bin/\1,p')
cmake --build "$build" --target wireguard4netns wg4netns-helper print_config run_contained "${tests[@]}"

status=0
ctest --test-dir "$build" --label-regex '^(unit|vectors|sim)$' --output-on-failure --no-tests=error \
	--parallel "$(nproc)" || status=$?
grep -a '^skipped: ' "$build/Testing/Temporary/LastTest.log" | sort -u || true
exit "$status"
