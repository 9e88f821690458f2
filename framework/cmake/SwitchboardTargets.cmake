# What every target of the tree has in common, and the three ways to declare one.

include(GNUInstallDirs)
include(SwitchboardPackage)
include(SwitchboardPrecompiled)

option(SWITCHBOARD_BUILD_TESTS "Build the tests" ON)
option(SWITCHBOARD_BUILD_ACTORS "Build what stands on CAF and protobuf; off, only the parts below remain" ON)
set(SWITCHBOARD_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize= takes them (address,undefined or thread)")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

# What was compiled once is kept where the machine has a compiler cache. The cache identifies a precompiled header by its own
# bytes, not by the expansion of its source.
find_program(SWITCHBOARD_CCACHE ccache)
mark_as_advanced(SWITCHBOARD_CCACHE)
if(SWITCHBOARD_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${SWITCHBOARD_CCACHE})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # g++ would search a precompiled header's 200 MB for garbage several times a source: a quarter of the time, for 40 MB.
  add_compile_options(--param=ggc-min-heapsize=1000000)
  # As clang does: functions that could be replaced by a preloaded library are inlined nevertheless.
  add_compile_options(-fno-semantic-interposition)
  if(SWITCHBOARD_CCACHE)
    add_compile_options(-fpch-preprocess)
  endif()
endif()

# Sanitizers are for every target, generated code too: a part compiled without would hide or invent errors.
set(SWITCHBOARD_TEST_SECONDS 120)
if(SWITCHBOARD_SANITIZE)
  set(SWITCHBOARD_TEST_SECONDS 300)
  add_compile_options(-fsanitize=${SWITCHBOARD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SWITCHBOARD_SANITIZE})
endif()
if(SWITCHBOARD_SANITIZE MATCHES "undefined")
  # The vptr check opens a pipe to find out whether an object can be read: in a process that is out of descriptors, as tests
  # make it, it takes every object for an invalid one. Objects that are freed or not there are address sanitizer's to find.
  add_compile_options(-fno-sanitize=vptr)
endif()
if(SWITCHBOARD_SANITIZE MATCHES "thread")
  # g++ warns of every std::atomic_thread_fence, which the sanitizer does not model; std::shared_ptr holds one.
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  if(NOT CAF_ROOT AND NOT DEFINED ENV{CAF_ROOT})
    message(WARNING "Thread sanitizer with the system's CAF gives false reports; see framework/cmake/configurations/tsan.cmake")
  endif()
endif()

add_library(switchboard_build INTERFACE)
target_compile_options(switchboard_build INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers)

# switchboard_sources_here(LIST): drops the sources of other systems from a target's list: those in a folder linux/ are for
# Linux, those in a folder windows/ for Windows.
function(switchboard_sources_here LIST)
  if(WIN32)
    list(FILTER ${LIST} EXCLUDE REGEX "^linux/")
  else()
    list(FILTER ${LIST} EXCLUDE REGEX "^windows/")
  endif()
  set(${LIST} ${${LIST}} PARENT_SCOPE)
endfunction()

# switchboard_part(NAME [HEADERS …] SOURCES … LINKS … PRIVATE_LINKS …)
#
# The folder this is called in becomes the library switchboard_NAME. Its headers are reached as <switchboard/NAME/…> through
# an include folder that holds nothing else, so an include against the arrows of the architecture does not compile. LINKS is
# what its headers include, PRIVATE_LINKS what its other files include beside: tests/arrows compares both with the includes.
# HEADERS are those that a user's sources include: they are installed, and what they include in turn
# (switchboard_install_headers). The rest is for this tree, and what is in a folder linux/, windows/ or sqlite/ for the part alone.
function(switchboard_part NAME)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "HEADERS;SOURCES;LINKS;PRIVATE_LINKS")
  set_property(GLOBAL APPEND_STRING PROPERTY SWITCHBOARD_ARROWS
               "${NAME}|${CMAKE_CURRENT_SOURCE_DIR}|${ARG_LINKS}|${ARG_PRIVATE_LINKS}\n")
  switchboard_sources_here(ARG_SOURCES)
  set(view ${PROJECT_BINARY_DIR}/include/${NAME})
  file(MAKE_DIRECTORY ${view}/switchboard)
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${view}/switchboard/${NAME} SYMBOLIC)
  if(ARG_SOURCES)
    add_library(switchboard_${NAME} STATIC ${ARG_SOURCES})
    target_include_directories(switchboard_${NAME} PUBLIC $<BUILD_INTERFACE:${view}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_link_libraries(switchboard_${NAME} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS} $<BUILD_INTERFACE:switchboard_build>)
    switchboard_precompile(switchboard_${NAME} library ${ARG_LINKS} ${ARG_PRIVATE_LINKS})
  else()
    add_library(switchboard_${NAME} INTERFACE)
    target_include_directories(switchboard_${NAME} INTERFACE $<BUILD_INTERFACE:${view}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_link_libraries(switchboard_${NAME} INTERFACE ${ARG_LINKS})
  endif()
  add_library(Switchboard::${NAME} ALIAS switchboard_${NAME})
  switchboard_check_headers(${NAME})
  switchboard_install_library(${NAME})
  list(TRANSFORM ARG_HEADERS PREPEND switchboard/${NAME}/)
  set_property(GLOBAL APPEND PROPERTY SWITCHBOARD_HEADERS ${ARG_HEADERS})
endfunction()

# Not part of `all`: every header compiled alone, with nothing precompiled, and with what a user of its part sees.
add_custom_target(switchboard_headers_check)

# switchboard_check_headers(NAME): of switchboard_part(), what switchboard_headers_check compiles of its headers. A source each
# and an object, though only the syntax matters, so that the compiler cache knows those that it has seen: a header with CAF is
# 3 s to read.
function(switchboard_check_headers NAME)
  file(GLOB_RECURSE headers RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS *.hpp)
  list(FILTER headers EXCLUDE REGEX "(^|/)(linux|windows|sqlite)/")
  set(sources)
  foreach(header IN LISTS headers)
    set(source ${PROJECT_BINARY_DIR}/headers_check/${NAME}/${header}.cpp)
    file(CONFIGURE OUTPUT ${source} CONTENT "#include <switchboard/${NAME}/${header}>\n")
    list(APPEND sources ${source})
  endforeach()
  add_library(switchboard_${NAME}_headers_check OBJECT EXCLUDE_FROM_ALL ${sources})
  target_link_libraries(switchboard_${NAME}_headers_check PRIVATE switchboard_${NAME} switchboard_build)
  target_compile_options(switchboard_${NAME}_headers_check PRIVATE -O0 -g0)
  add_dependencies(switchboard_headers_check switchboard_${NAME}_headers_check)
endfunction()

# switchboard_program(NAME SOURCES … LINKS …): a program in bin/, installed.
function(switchboard_program NAME)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;LINKS")
  add_executable(${NAME} ${ARG_SOURCES})
  target_link_libraries(${NAME} PRIVATE ${ARG_LINKS} switchboard_build)
  switchboard_precompile(${NAME} program ${ARG_LINKS})
  install(TARGETS ${NAME} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# GTest::gtest and GTest::gtest_main: the system's, or for another system than this built from Debian's sources.
macro(switchboard_find_googletest)
  if(CMAKE_CROSSCOMPILING)
    set(INSTALL_GTEST OFF)
    add_subdirectory(/usr/src/googletest/googletest ${PROJECT_BINARY_DIR}/googletest EXCLUDE_FROM_ALL)
  else()
    find_package(GTest REQUIRED)
  endif()
endmacro()

# What tests/run.sh --fast builds. Tests have one label each: fast, or the name of their part.
add_custom_target(switchboard_fast)

# switchboard_test(NAME [FAST] SOURCES … LINKS … ALONE … PORTS … TRANSPORTS …)
#
# The folder's one test binary, NAME_test; each TEST is a case of ctest's, named NAME.Suite.Test. ALONE lists the tests
# (Suite.Test, * allowed) that measure time or fill the machine: ctest runs nothing beside them. All of them are run once
# more on each of PORTS, as NAME_PORT.Suite.Test, by the tests' own choice of the notification port
# (testkit/chosen_port.hpp), and over each of TRANSPORTS (testkit/chosen_network.hpp). FAST tests take seconds to compile and
# to run, and are in tests/run.sh --fast. Built for another system than this, the binary is one case, NAME, and leaves
# tests/NAME.xml.
function(switchboard_test NAME)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "FAST" "" "SOURCES;LINKS;ALONE;PORTS;TRANSPORTS")
  switchboard_sources_here(ARG_SOURCES)
  add_executable(${NAME}_test ${ARG_SOURCES})
  set_target_properties(${NAME}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_link_libraries(${NAME}_test PRIVATE ${ARG_LINKS} GTest::gtest GTest::gtest_main switchboard_build)
  # Half the compile time: what a test measures is in the libraries, and those are optimised in full.
  target_compile_options(${NAME}_test PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1>)
  switchboard_precompile(${NAME}_test test ${ARG_LINKS})
  if(CMAKE_CROSSCOMPILING)
    # One start of the emulator takes longer than most tests.
    add_test(NAME ${NAME} COMMAND ${NAME}_test --gtest_brief=1 --gtest_output=xml:${NAME}.xml
             WORKING_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    set_tests_properties(${NAME} PROPERTIES TIMEOUT 600 LABELS ${NAME})
    return()
  endif()
  set(label ${NAME})
  if(ARG_FAST)
    set(label fast)
    add_dependencies(switchboard_fast ${NAME}_test)
  endif()
  switchboard_discover(${NAME} ${NAME} TIMEOUT ${SWITCHBOARD_TEST_SECONDS} LABELS ${label})
  foreach(port IN LISTS ARG_PORTS)
    switchboard_discover(${NAME} ${NAME}_${port} TIMEOUT ${SWITCHBOARD_TEST_SECONDS} LABELS ${NAME}_${port}
                         ENVIRONMENT SWITCHBOARD_TEST_PORT=${port})
  endforeach()
  foreach(transport IN LISTS ARG_TRANSPORTS)
    switchboard_discover(${NAME} ${NAME}_${transport} TIMEOUT ${SWITCHBOARD_TEST_SECONDS} LABELS ${NAME}_${transport}
                         ENVIRONMENT SWITCHBOARD_TEST_TRANSPORT=${transport})
  endforeach()
endfunction()

# Of switchboard_test(), whose ARG_ALONE it reads: the cases of NAME_test as AS.Suite.Test with these properties.
function(switchboard_discover NAME AS)
  set(properties ${ARGN})
  set(discovery TEST_PREFIX ${AS}. NO_PRETTY_VALUES DISCOVERY_TIMEOUT 60)
  if(ARG_ALONE)
    string(JOIN ":" alone ${ARG_ALONE})
    gtest_discover_tests(${NAME}_test ${discovery} TEST_FILTER "-${alone}" TEST_LIST ${AS}_test PROPERTIES ${properties})
    gtest_discover_tests(${NAME}_test ${discovery} TEST_FILTER "${alone}" TEST_LIST ${AS}_test_alone
                         PROPERTIES ${properties} RUN_SERIAL TRUE)
  else()
    gtest_discover_tests(${NAME}_test ${discovery} TEST_LIST ${AS}_test PROPERTIES ${properties})
  endif()
endfunction()
