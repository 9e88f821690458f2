# cmake -G Ninja -C framework/cmake/configurations/tsan.cmake -B build-tsan -D CAF_ROOT="$(framework/cmake/instrumented_caf.sh)"
#
# Thread sanitizer. Debian's CAF is not instrumented and gives dozens of false reports, so this needs one that is.

set(CMAKE_BUILD_TYPE Debug CACHE STRING "")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -D_GLIBCXX_ASSERTIONS" CACHE STRING "")
set(SWITCHBOARD_SANITIZE thread CACHE STRING "")
