# add_metal_room(): on a Mac, native/metal with Apple's metal-cpp, and its kernels compiled ahead where Xcode's Metal
# compiler is; without it the addon compiles their text when a kernel is first used.
include(FetchContent)
if(POLICY CMP0135)
  cmake_policy(SET CMP0135 NEW)
endif()

option(WAVETILE_MPSGRAPH "The program mpsgraph_benchmark" OFF)
# The hash that public recipes have, such as Homebrew's of MLX.
set(METAL_CPP_SHA256 4df3c078b9aadcb516212e9cb03004cbc5ce9a3e9c068fa3144d021db585a3a4 CACHE STRING "Of metal-cpp_26.zip")
if(DEFINED ENV{METAL_CPP} AND NOT FETCHCONTENT_SOURCE_DIR_METAL_CPP)
  set(FETCHCONTENT_SOURCE_DIR_METAL_CPP $ENV{METAL_CPP})
endif()
FetchContent_Declare(metal_cpp
  URL https://developer.apple.com/metal/cpp/files/metal-cpp_26.zip URL_HASH SHA256=${METAL_CPP_SHA256})

# Xcode names a path of the compiler even where it was not downloaded: whether it runs tells.
function(find_metal_compiler result)
  execute_process(COMMAND xcrun -sdk macosx metal --version RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
  if(failed)
    message(STATUS "xcrun metal does not run here: kernels are compiled when they are first used")
  endif()
  set(${result} ${failed} PARENT_SCOPE)
endfunction()

# One library for each kernel, as from text: in one of all, functions with the same name in two files could be taken for
# one. native/metal/metallib.cpp takes them in.
function(embed_metallibs sources_target)
  file(GLOB shaders CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/shaders-metal/*/*.metal)
  set(folder ${METAL_GENERATED}/metallibs)
  file(MAKE_DIRECTORY ${folder})
  foreach(shader ${shaders})
    cmake_path(GET shader STEM kernel)
    set(metallib ${folder}/${kernel}.metallib)
    add_custom_command(OUTPUT ${metallib}
      COMMAND xcrun -sdk macosx metal -std=metal3.1 -fno-fast-math -mmacosx-version-min=${CMAKE_OSX_DEPLOYMENT_TARGET}
        -o ${metallib} ${METAL_GENERATED}/sources/${kernel}.metal
      DEPENDS ${METAL_GENERATED}/metal.stamp COMMENT "Metal kernel ${kernel}" VERBATIM)
    list(APPEND metallibs ${metallib})
    string(APPEND lines "WAVETILE_METALLIB(${kernel}, \"${metallib}\")\n")
  endforeach()
  file(CONFIGURE OUTPUT ${METAL_GENERATED}/metallibs.inc CONTENT "${lines}" @ONLY)
  add_custom_target(wavetile_metallibs DEPENDS ${metallibs})
  add_dependencies(wavetile_metallibs ${sources_target})
  add_dependencies(wavetile_metal wavetile_metallibs)
  set_source_files_properties(${CMAKE_SOURCE_DIR}/native/metal/metallib.cpp PROPERTIES
    COMPILE_DEFINITIONS WAVETILE_METALLIBS="${METAL_GENERATED}/metallibs.inc" OBJECT_DEPENDS "${metallibs}")
endfunction()

function(add_metal_room)
  FetchContent_MakeAvailable(metal_cpp)
  add_library(metal_cpp INTERFACE)
  target_include_directories(metal_cpp SYSTEM INTERFACE ${metal_cpp_SOURCE_DIR})
  add_metal_sources(wavetile_metal_sources)
  add_dependencies(wavetile_metal_sources wavetile_kernels)
  add_room(metal USES device)
  target_sources(wavetile_metal PRIVATE ${METAL_SOURCES})
  set_source_files_properties(${METAL_SOURCES} PROPERTIES GENERATED TRUE)
  add_dependencies(wavetile_metal wavetile_metal_sources)
  # Without CoreGraphics in the process, Metal may show it no device.
  target_link_libraries(wavetile_metal PRIVATE metal_cpp PUBLIC "-framework Foundation" "-framework Metal"
    "-framework CoreGraphics")
  find_metal_compiler(missing)
  if(NOT missing)
    embed_metallibs(wavetile_metal_sources)
  endif()
endfunction()
