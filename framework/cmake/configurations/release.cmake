# cmake -G Ninja -C framework/cmake/configurations/release.cmake -B build
#
# Optimised, with debug information enough for profiles and stack traces; a debugger wants debug.cmake's. What tests/run.sh
# builds, what is measured and what is installed.

set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG" CACHE STRING "")
