# find_package(Switchboard): Switchboard::wire, Switchboard::actors and the other parts, one target each, and
# switchboard_add_proto().

include(CMakeFindDependencyMacro)

# Debian's CAF brings no configuration of its own; the module that finds it lies beside this file.
list(PREPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR})
find_dependency(Threads)
find_dependency(Protobuf)
find_dependency(CAF COMPONENTS core)
find_dependency(fmt)
find_dependency(spdlog)
find_dependency(CLI11)
find_dependency(SQLite3)
find_dependency(PkgConfig)
pkg_check_modules(LibUring REQUIRED IMPORTED_TARGET liburing)
list(POP_FRONT CMAKE_MODULE_PATH)

include(${CMAKE_CURRENT_LIST_DIR}/SwitchboardTargets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/SwitchboardProto.cmake)
