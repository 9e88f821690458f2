# switchboard_add_proto(TARGET name PROTOS file.proto … [IMPORT_DIRS directory …])
#
# A library `name` of what the .proto files declare: the messages, and for services <file>.switchboard.hpp to serve them (see
# <switchboard/rpc/service.hpp>) and <file>.client.hpp to call them. Files are named relative to the directory this is called
# in, which is protoc's root too, so that package, path and include agree: `PROTOS greeter/v1/greeter.proto` is included as
# <greeter/v1/greeter.switchboard.hpp>.
# IMPORT_DIRS are further roots of what the files import; Switchboard's own and protobuf's are found without.

# Where Switchboard's own .proto files are: beside their headers once installed, in the tree before.
set(SWITCHBOARD_PROTO_ROOT ${CMAKE_CURRENT_LIST_DIR}/../../../../include)
if(NOT EXISTS ${SWITCHBOARD_PROTO_ROOT}/switchboard/v1/frame.proto)
  set(SWITCHBOARD_PROTO_ROOT ${CMAKE_CURRENT_LIST_DIR}/../../proto)
endif()
get_filename_component(SWITCHBOARD_PROTO_ROOT ${SWITCHBOARD_PROTO_ROOT} ABSOLUTE)

# switchboard_generate_services(generated ROOT directory OUT directory PROTOS … [IMPORT_DIRS …]): the commands that write
# OUT/<file>.methods.hpp, .switchboard.hpp, .client.hpp and .switchboard.cpp for those of PROTOS with services; their paths into
# `generated`.
function(switchboard_generate_services GENERATED)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "ROOT;OUT" "PROTOS;IMPORT_DIRS")
  list(TRANSFORM ARG_IMPORT_DIRS PREPEND -I OUTPUT_VARIABLE imports)
  set(all)
  foreach(proto IN LISTS ARG_PROTOS)
    # Whether there is a service is known only from the file.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ARG_ROOT}/${proto})
    file(STRINGS ${ARG_ROOT}/${proto} services REGEX "^[ \t]*service[ \t]+[A-Za-z_]")
    if(NOT services)
      continue()
    endif()
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    set(generated ${ARG_OUT}/${stem}.methods.hpp ${ARG_OUT}/${stem}.switchboard.hpp ${ARG_OUT}/${stem}.client.hpp
                  ${ARG_OUT}/${stem}.switchboard.cpp)
    add_custom_command(
      OUTPUT ${generated}
      COMMAND protobuf::protoc -I ${ARG_ROOT} ${imports} -I ${SWITCHBOARD_PROTO_ROOT}
              --plugin=protoc-gen-switchboard=$<TARGET_FILE:Switchboard::protoc_gen_switchboard>
              --switchboard_out=${ARG_OUT} ${proto}
      DEPENDS ${ARG_ROOT}/${proto} Switchboard::protoc_gen_switchboard protobuf::protoc
      WORKING_DIRECTORY ${ARG_ROOT}
      COMMENT "protoc-gen-switchboard ${proto}"
      VERBATIM)
    list(APPEND all ${generated})
  endforeach()
  set(${GENERATED} ${all} PARENT_SCOPE)
endfunction()

function(switchboard_add_proto)
  cmake_parse_arguments(PARSE_ARGV 0 ARG "" "TARGET" "PROTOS;IMPORT_DIRS")
  if(NOT ARG_TARGET OR NOT ARG_PROTOS OR ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "switchboard_add_proto(TARGET name PROTOS file.proto … [IMPORT_DIRS directory …])")
  endif()
  set(root ${CMAKE_CURRENT_SOURCE_DIR})
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${ARG_TARGET})
  file(MAKE_DIRECTORY ${out})
  list(TRANSFORM ARG_IMPORT_DIRS PREPEND -I OUTPUT_VARIABLE imports)
  set(sources)
  foreach(proto IN LISTS ARG_PROTOS)
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    add_custom_command(
      OUTPUT ${out}/${stem}.pb.cc ${out}/${stem}.pb.h
      COMMAND protobuf::protoc -I ${root} ${imports} -I ${SWITCHBOARD_PROTO_ROOT} --cpp_out=${out} ${proto}
      DEPENDS ${root}/${proto} protobuf::protoc
      WORKING_DIRECTORY ${root}
      COMMENT "protoc ${proto}"
      VERBATIM)
    list(APPEND sources ${out}/${stem}.pb.cc)
  endforeach()
  switchboard_generate_services(services ROOT ${root} OUT ${out} PROTOS ${ARG_PROTOS} IMPORT_DIRS ${ARG_IMPORT_DIRS})
  add_library(${ARG_TARGET} STATIC ${sources} ${services})
  # protoc's output is compiled without warnings, and its headers count as system headers where they are included.
  target_compile_options(${ARG_TARGET} PRIVATE -w)
  target_compile_features(${ARG_TARGET} PUBLIC cxx_std_20)
  target_include_directories(${ARG_TARGET} SYSTEM PUBLIC ${out})
  target_link_libraries(${ARG_TARGET} PUBLIC Switchboard::proto Switchboard::rpc Switchboard::client protobuf::libprotobuf)
endfunction()
