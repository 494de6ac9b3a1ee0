# add_room(<name> [USES <room>...]): object library wavetile_<name> of native/<name>/*.cpp. A room is included as
# "<name>/<header>.hpp"; each room has an include root of its own, so that a room that is not named in USES is not found.

add_library(wavetile_options INTERFACE)
target_compile_options(wavetile_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra>
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
target_link_libraries(wavetile_options INTERFACE Threads::Threads)
if(WIN32)
  target_compile_definitions(wavetile_options INTERFACE NOMINMAX WIN32_LEAN_AND_MEAN _CRT_SECURE_NO_WARNINGS)
  # __builtin_cpu_supports is in clang's own library, which is not linked there by itself.
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} --rtlib=compiler-rt --print-libgcc-file-name
    OUTPUT_VARIABLE compiler_library OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  file(TO_CMAKE_PATH "${compiler_library}" compiler_library)
  target_link_libraries(wavetile_options INTERFACE ${compiler_library})
endif()
if(SANITIZE)
  list(JOIN SANITIZE "," sanitizers)
  target_compile_options(wavetile_options INTERFACE -fsanitize=${sanitizers} -fno-omit-frame-pointer -g -O1)
  target_link_options(wavetile_options INTERFACE -fsanitize=${sanitizers})
  if("undefined" IN_LIST SANITIZE)
    target_compile_options(wavetile_options INTERFACE -fno-sanitize-recover=undefined)
  endif()
endif()

function(room_include_root room result)
  set(root ${CMAKE_BINARY_DIR}/rooms/${room})
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/native/${room} ${root}/${room} SYMBOLIC)
  set(${result} ${root} PARENT_SCOPE)
endfunction()

function(use_rooms target)
  foreach(room ${ARGN})
    room_include_root(${room} root)
    target_include_directories(${target} PRIVATE ${root})
  endforeach()
endfunction()

function(add_room room)
  cmake_parse_arguments(ROOM "" "" "USES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/native/${room}/*.cpp)
  set(target wavetile_${room})
  add_library(${target} OBJECT ${sources})
  target_link_libraries(${target} PUBLIC wavetile_options)
  use_rooms(${target} ${room} ${ROOM_USES})
endfunction()
