# find_package(Switchboard) from outside: the installed libraries as Switchboard::NAME, each a component that asks for what it
# needs of other packages and for no more.

include(CMakePackageConfigHelpers)

# switchboard_install_library(NAME): switchboard_NAME becomes Switchboard::NAME of find_package(Switchboard), and NAME one of its
# components.
function(switchboard_install_library NAME)
  set_target_properties(switchboard_${NAME} PROPERTIES EXPORT_NAME ${NAME})
  install(TARGETS switchboard_${NAME} EXPORT SwitchboardTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  set_property(GLOBAL APPEND PROPERTY SWITCHBOARD_COMPONENTS ${NAME})
endfunction()

# switchboard_install_headers(): the parts' HEADERS, and what these include in turn. The rest of a part's headers is its own.
function(switchboard_install_headers)
  get_property(left GLOBAL PROPERTY SWITCHBOARD_HEADERS)
  set(seen)
  while(left)
    list(POP_FRONT left header)
    if(header IN_LIST seen)
      continue()
    endif()
    list(APPEND seen ${header})
    string(REGEX MATCH "^switchboard/([^/]+)/" part ${header})
    set(file ${PROJECT_BINARY_DIR}/include/${CMAKE_MATCH_1}/${header})
    file(STRINGS ${file} includes REGEX "^#include <switchboard/")
    list(TRANSFORM includes REPLACE "^#include <([^>]+)>.*$" "\\1")
    # Generated ones belong to the libraries of the .proto files.
    list(FILTER includes EXCLUDE REGEX "\\.pb\\.h$")
    list(APPEND left ${includes})
    file(REAL_PATH ${file} source)
    # A change of its includes changes what is installed.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    get_filename_component(folder ${header} DIRECTORY)
    install(FILES ${source} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${folder})
  endwhile()
endfunction()

# switchboard_install_package(): the package's files, once every library is known.
function(switchboard_install_package)
  switchboard_install_headers()
  get_property(components GLOBAL PROPERTY SWITCHBOARD_COMPONENTS)
  set(needs)
  foreach(component IN LISTS components)
    switchboard_outside_links(outside switchboard_${component})
    list(REMOVE_DUPLICATES outside)
    string(APPEND needs "set(switchboard_needs_${component} ${outside})\n")
  endforeach()
  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/Switchboard)
  configure_file(framework/cmake/SwitchboardConfig.cmake.in SwitchboardConfig.cmake @ONLY)
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/SwitchboardConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(EXPORT SwitchboardTargets NAMESPACE Switchboard:: DESTINATION ${package})
  install(FILES ${PROJECT_BINARY_DIR}/SwitchboardConfig.cmake ${PROJECT_BINARY_DIR}/SwitchboardConfigVersion.cmake
                framework/cmake/SwitchboardProto.cmake framework/cmake/FindCAF.cmake
          DESTINATION ${package})
endfunction()

# switchboard_outside_links(RESULT LIBRARY): the libraries of others (CAF::core, …) that are linked with LIBRARY, however far
# below.
function(switchboard_outside_links RESULT LIBRARY)
  get_target_property(links ${LIBRARY} INTERFACE_LINK_LIBRARIES)
  set(found)
  foreach(link IN LISTS links)
    # A static library's private links, and those of one system.
    string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" link "${link}")
    if(link MATCHES "^\\$<\\$<PLATFORM_ID:([A-Za-z]+)>:([A-Za-z0-9_:]+)>$" AND CMAKE_MATCH_1 STREQUAL CMAKE_SYSTEM_NAME)
      set(link ${CMAKE_MATCH_2})
    endif()
    if(link MATCHES "^switchboard_" AND TARGET ${link})
      switchboard_outside_links(below ${link})
      list(APPEND found ${below})
    elseif(link MATCHES "^[A-Za-z0-9_]+::[A-Za-z0-9_]+$")
      list(APPEND found ${link})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES found)
  set(${RESULT} ${found} PARENT_SCOPE)
endfunction()
