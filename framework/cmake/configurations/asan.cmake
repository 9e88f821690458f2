# cmake -G Ninja -C framework/cmake/configurations/asan.cmake -B build-asan
#
# Address and undefined-behaviour sanitizers; leaks are reported too. -O1 -g1 keeps reports readable at half the build time.

set(CMAKE_BUILD_TYPE Debug CACHE STRING "")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -D_GLIBCXX_ASSERTIONS" CACHE STRING "")
set(SWITCHBOARD_SANITIZE address,undefined CACHE STRING "")
