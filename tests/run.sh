#!/bin/bash
# tests/run.sh [--fast] [CTEST-ARGUMENT...]: builds everything into build/ and runs every test.
#
# --fast builds the chat broker and its client, the example servers and switchboard-call, and of the tests those that take
# seconds to compile and to run: a third of the time.
# Programs are left in build/bin. Arguments go to ctest: tests/run.sh -R wire runs the tests with "wire" in their name.

set -euo pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

target=all
chosen=()
if [[ ${1-} == --fast ]]; then
  target=switchboard_fast
  chosen=(--label-regex '^fast$')
  shift
fi

"$tree/framework/cmake/install.sh"
cmake -G Ninja -S "$tree" -B "$tree/build" -C "$tree/framework/cmake/configurations/release.cmake"
cmake --build "$tree/build" --target "$target"
# Tests hold thousands of connections; a login's soft limit is 1,024 descriptors.
ulimit -S -n "$(ulimit -H -n)"
ctest --test-dir "$tree/build" --output-on-failure --no-tests=error --parallel "$(nproc)" "${chosen[@]}" "$@"
