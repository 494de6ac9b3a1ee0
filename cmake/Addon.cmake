# wavetile.node: the Node binding over the rooms. It sees native/device, native/io and Node-API, and no backend.
if(NOT CMAKE_JS_INC)
  execute_process(
    COMMAND ${NODE} -p "[require('node-api-headers').include_dir, require('path').resolve(require('node-addon-api').include_dir)].join(';')"
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE CMAKE_JS_INC OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
endif()

file(GLOB binding_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/binding/*.cpp)
add_library(wavetile MODULE ${binding_sources} ${CMAKE_JS_SRC})
set_target_properties(wavetile PROPERTIES PREFIX "" SUFFIX ".node")
use_rooms(wavetile device io)
target_include_directories(wavetile SYSTEM PRIVATE ${CMAKE_JS_INC})
target_compile_definitions(wavetile PRIVATE NAPI_VERSION=8 NODE_ADDON_API_CPP_EXCEPTIONS_ALL)
target_link_libraries(wavetile PRIVATE
  wavetile_device wavetile_io ${BACKENDS} ${CPU_KERNEL_LIBRARIES})
if(APPLE)
  target_link_options(wavetile PRIVATE -undefined dynamic_lookup)  # Node-API is found in the process
elseif(WIN32)
  find_program(LLVM_LIB llvm-lib REQUIRED)
  execute_process(COMMAND ${NODE} -p "require('node-api-headers').def_paths.node_api_def"
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE node_exports OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
  set(node_library ${CMAKE_BINARY_DIR}/node.lib)
  execute_process(COMMAND ${LLVM_LIB} /def:${node_exports} /out:${node_library} /machine:x64 COMMAND_ERROR_IS_FATAL ANY)
  target_link_libraries(wavetile PRIVATE ${node_library})
endif()
