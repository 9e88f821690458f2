#!/bin/bash
# tests/run.sh [CTEST-ARGUMENT...]: builds everything into build/ and runs every test.
#
# Programs are left in build/bin. Arguments go to ctest: tests/run.sh -R wire runs the tests with "wire" in their name.

set -euo pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

"$tree/framework/cmake/install.sh"
cmake -G Ninja -S "$tree" -B "$tree/build" -C "$tree/framework/cmake/configurations/release.cmake"
cmake --build "$tree/build"
# Tests hold thousands of connections; a login's soft limit is 1,024 descriptors.
ulimit -S -n "$(ulimit -H -n)"
ctest --test-dir "$tree/build" --output-on-failure --no-tests=error --parallel "$(nproc)" "$@"
