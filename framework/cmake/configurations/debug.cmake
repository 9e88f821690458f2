# cmake -G Ninja -C framework/cmake/configurations/debug.cmake -B build-debug
#
# For a debugger: nothing optimised, the standard library checks its preconditions.

set(CMAKE_BUILD_TYPE Debug CACHE STRING "")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g -D_GLIBCXX_ASSERTIONS" CACHE STRING "")
