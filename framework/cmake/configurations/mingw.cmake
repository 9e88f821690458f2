# cmake -G Ninja -C framework/cmake/configurations/mingw.cmake -B build-windows
#
# For Windows, with Debian's mingw-w64: the parts below CAF and protobuf, their tests and the scenario programs, each one file
# that needs no library beside it. Tests run under Wine, which takes its settings from the environment (tests/windows.sh).

set(CMAKE_SYSTEM_NAME Windows CACHE STRING "")
set(CMAKE_SYSTEM_PROCESSOR x86_64 CACHE STRING "")
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc-posix CACHE STRING "")  # GoogleTest asks for one
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix CACHE STRING "")
set(CMAKE_FIND_ROOT_PATH /usr/x86_64-w64-mingw32 CACHE STRING "")
foreach(kind LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY CACHE STRING "")
endforeach()
set(CMAKE_CROSSCOMPILING_EMULATOR /usr/lib/wine/wine64 CACHE STRING "")

set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG" CACHE STRING "")
# Windows 10: what every system with a supported Winsock has.
set(CMAKE_CXX_FLAGS "-D_WIN32_WINNT=0x0A00 -DWIN32_LEAN_AND_MEAN -DNOMINMAX" CACHE STRING "")
set(CMAKE_EXE_LINKER_FLAGS "-static" CACHE STRING "")
set(SWITCHBOARD_BUILD_ACTORS OFF CACHE BOOL "")
