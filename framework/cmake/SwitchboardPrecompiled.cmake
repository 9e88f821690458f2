# Precompiled headers: what most sources read of other projects' headers, read once a build and not once a source. CAF's and
# protobuf's alone are 3 to 5 s of each.
#
# Nothing of this tree is precompiled, so what a source may include of it is decided by what its target links, as without. And
# sources go on including what they use: switchboard_headers_check compiles each header alone, with nothing precompiled.
# CMAKE_DISABLE_PRECOMPILE_HEADERS turns them off.

# g++ takes a precompiled header only under the flags it was made with, so each kind of target has its own: with the standard
# library alone (std), and with CAF and protobuf (caf). Tests find GoogleTest in theirs too.
set(SWITCHBOARD_PRECOMPILED_std
  <algorithm> <array> <atomic> <chrono> <condition_variable> <cstddef> <cstdint> <cstring> <deque> <functional> <limits> <map>
  <memory> <mutex> <optional> <set> <span> <string> <string_view> <system_error> <thread> <unordered_map> <utility> <vector>)
set(SWITCHBOARD_PRECOMPILED_caf
  ${SWITCHBOARD_PRECOMPILED_std}
  <caf/actor_cast.hpp> <caf/actor_system.hpp> <caf/actor_system_config.hpp> <caf/event_based_actor.hpp> <caf/mailbox_element.hpp>
  <caf/message_handler.hpp> <caf/send.hpp> <caf/typed_event_based_actor.hpp>
  <google/protobuf/io/coded_stream.h> <google/protobuf/message.h>)

# switchboard_precompile(TARGET library|program|test LINK …): TARGET reads the precompiled headers of its kind, with CAF where one
# of what it links does. Called after the target's options are set.
function(switchboard_precompile TARGET KIND)
  switchboard_reaches_caf(has_caf ${ARGN})
  if(has_caf)
    set(holder switchboard_precompiled_caf_${KIND})
    set(links CAF::core protobuf::libprotobuf)
    set(headers ${SWITCHBOARD_PRECOMPILED_caf})
  elseif(KIND STREQUAL program)
    return()  # a handful of small sources
  else()
    set(holder switchboard_precompiled_std_${KIND})
    set(links)
    set(headers ${SWITCHBOARD_PRECOMPILED_std})
  endif()
  if(NOT TARGET ${holder})
    # What holds them for the others: one empty source, compiled with the flags of the first target of its kind.
    set(source ${PROJECT_BINARY_DIR}/precompiled/${holder}.cpp)
    file(CONFIGURE OUTPUT ${source} CONTENT "")
    add_library(${holder} OBJECT EXCLUDE_FROM_ALL ${source})
    target_link_libraries(${holder} PRIVATE ${links} switchboard_build)
    if(KIND STREQUAL test)
      target_link_libraries(${holder} PRIVATE GTest::gtest)
      list(APPEND headers <gtest/gtest.h>)
    endif()
    get_target_property(options ${TARGET} COMPILE_OPTIONS)
    if(options)
      target_compile_options(${holder} PRIVATE ${options})
    endif()
    if(NOT KIND STREQUAL library AND NOT WIN32)
      # As an executable's sources are compiled, which this target's would not be by themselves.
      set_target_properties(${holder} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
      target_compile_options(${holder} PRIVATE -fPIE)
    endif()
    target_precompile_headers(${holder} PRIVATE ${headers})
  endif()
  target_precompile_headers(${TARGET} REUSE_FROM ${holder})
endfunction()

# switchboard_reaches_caf(RESULT LINK …): whether one of these libraries shows CAF's headers to who links it.
function(switchboard_reaches_caf RESULT)
  set(${RESULT} FALSE PARENT_SCOPE)
  foreach(library IN LISTS ARGN)
    if(library STREQUAL CAF::core)
      set(${RESULT} TRUE PARENT_SCOPE)
      return()
    endif()
    if(TARGET ${library})
      get_target_property(links ${library} INTERFACE_LINK_LIBRARIES)
      switchboard_reaches_caf(reaches ${links})
      if(reaches)
        set(${RESULT} TRUE PARENT_SCOPE)
        return()
      endif()
    endif()
  endforeach()
endfunction()
