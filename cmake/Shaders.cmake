# add_shaders(<target>): every shaders-vulkan/<room>/<kernel>.comp becomes SPIR-V, is validated and reflected, and
# scripts/generate-kernels.mjs turns all of them into a C++ table, contract headers for CPU kernels and TypeScript types.
set(GENERATED ${CMAKE_BINARY_DIR}/generated)
set(KERNELS_SOURCE ${GENERATED}/kernels.gen.cpp)

find_program(NODE NAMES node nodejs REQUIRED)
foreach(tool glslang spirv-val spirv-cross)
  string(TOUPPER ${tool} variable)
  string(REPLACE "-" "_" variable ${variable})
  find_program(${variable} NAMES ${tool} HINTS ${CMAKE_SOURCE_DIR}/.toolchain/bin $ENV{VULKAN_SDK}/Bin)
  if(NOT ${variable})
    message(FATAL_ERROR "${tool} is missing: run scripts/setup-toolchain.sh")
  endif()
endforeach()

function(probe_glslang)
  set(probe ${CMAKE_BINARY_DIR}/probe.comp)
  file(WRITE ${probe} "#version 460\n#extension GL_KHR_cooperative_matrix : require\n"
    "#extension GL_EXT_integer_dot_product : require\nlayout(local_size_x = 1) in;\nvoid main() {}\n")
  execute_process(COMMAND ${GLSLANG} -V --quiet --target-env vulkan1.3 -o ${probe}.spv ${probe}
    RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(failed)
    message(FATAL_ERROR "${GLSLANG} is too old (glslang >= 15.2 is needed): run scripts/setup-toolchain.sh\n${output}")
  endif()
endfunction()

function(add_shader source)
  cmake_path(GET source STEM kernel)
  cmake_path(GET source PARENT_PATH folder)
  cmake_path(GET folder FILENAME room)
  set(output ${CMAKE_BINARY_DIR}/spirv/${room}/${kernel})
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/spirv/${room})
  # spirv-cross cannot parse cooperative matrices: variants on matrix units are read as SPIR-V.
  if(kernel MATCHES "_coop$")
    set(contract ${output}.spv)
    set(outputs ${output}.spv)
  else()
    set(contract ${output}.json)
    set(outputs ${output}.spv ${output}.json)
    set(reflect COMMAND ${SPIRV_CROSS} ${output}.spv --reflect --output ${output}.json)
  endif()
  # The depfile names its target: that has to be an OUTPUT, or every build compiles every shader.
  add_custom_command(OUTPUT ${outputs}
    COMMAND ${GLSLANG} -V --quiet --target-env vulkan1.3 --depfile ${output}.d -o ${output}.spv ${source}
    COMMAND ${SPIRV_VAL} --target-env vulkan1.3 ${output}.spv
    ${reflect}
    MAIN_DEPENDENCY ${source} DEPFILE ${output}.d COMMENT "Shader ${room}/${kernel}" VERBATIM)
  set(SHADER_CONTRACTS ${SHADER_CONTRACTS} ${contract} PARENT_SCOPE)
endfunction()

function(add_shaders target)
  probe_glslang()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/shaders-vulkan/*/*.comp)
  foreach(source ${sources})
    add_shader(${source})
  endforeach()
  list(JOIN SHADER_CONTRACTS "\n" lines)
  file(CONFIGURE OUTPUT ${GENERATED}/kernels.list CONTENT "${lines}\n" @ONLY)
  if(EXISTS ${CMAKE_SOURCE_DIR}/src)
    set(typescript --typescript ${CMAKE_SOURCE_DIR}/src/kernels/generated.ts)
  endif()
  file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/scripts/generate/*.mjs)
  # Its outputs keep their time when their contents stay, so a stamp stands for them.
  add_custom_command(OUTPUT ${GENERATED}/kernels.stamp
    COMMAND ${NODE} ${CMAKE_SOURCE_DIR}/scripts/generate-kernels.mjs
      --list ${GENERATED}/kernels.list --out ${GENERATED} ${typescript}
    COMMAND ${CMAKE_COMMAND} -E touch ${GENERATED}/kernels.stamp
    BYPRODUCTS ${KERNELS_SOURCE}
    DEPENDS ${SHADER_CONTRACTS} ${GENERATED}/kernels.list ${scripts} ${CMAKE_SOURCE_DIR}/scripts/generate-kernels.mjs
    COMMENT "Kernel table and signatures" VERBATIM)
  set_source_files_properties(${KERNELS_SOURCE} TARGET_DIRECTORY wavetile_options PROPERTIES GENERATED TRUE)
  add_custom_target(${target} DEPENDS ${GENERATED}/kernels.stamp)
endfunction()
