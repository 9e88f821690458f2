#!/bin/bash
# tests/windows.sh [CTEST-ARGUMENT...]: builds what runs on Windows, with Debian's mingw-w64, into build-windows/, and runs its
# tests under Wine.

set -euo pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$tree/build-windows

"$tree/framework/cmake/install.sh" g++-mingw-w64-x86-64-posix wine64 googletest
cmake -G Ninja -S "$tree" -B "$build" -C "$tree/framework/cmake/configurations/mingw.cmake"
cmake --build "$build"

# A Windows of the build's own, without a screen and without offers to download something.
export WINEPREFIX=$build/wine WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml="
/usr/lib/wine/wine64 wineboot --init
ctest --test-dir "$build" --output-on-failure --no-tests=error --parallel "$(nproc)" "$@"
