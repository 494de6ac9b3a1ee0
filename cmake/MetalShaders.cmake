# add_metal_sources(<target>): every shaders-metal/<room>/<kernel>.metal is checked against its shader in shaders-vulkan and
# becomes one text with all its headers (${METAL_GENERATED}/sources); METAL_SOURCES is the C++ table of these texts.
set(METAL_GENERATED ${GENERATED}/metal)
set(METAL_SOURCES ${METAL_GENERATED}/metal_sources.gen.cpp)

function(add_metal_sources target)
  set(folder ${CMAKE_SOURCE_DIR}/shaders-metal)
  file(GLOB shaders CONFIGURE_DEPENDS ${folder}/*/*.metal ${folder}/common/*.h)
  file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/scripts/generate/*.mjs)
  add_custom_command(OUTPUT ${METAL_GENERATED}/metal.stamp
    COMMAND ${NODE} ${CMAKE_SOURCE_DIR}/scripts/generate-metal.mjs
      --list ${GENERATED}/kernels.list --shaders ${folder} --out ${METAL_GENERATED}
    COMMAND ${CMAKE_COMMAND} -E touch ${METAL_GENERATED}/metal.stamp
    BYPRODUCTS ${METAL_SOURCES}
    DEPENDS ${GENERATED}/kernels.stamp ${shaders} ${scripts} ${CMAKE_SOURCE_DIR}/scripts/generate-metal.mjs
    COMMENT "Metal shaders" VERBATIM)
  add_custom_target(${target} DEPENDS ${METAL_GENERATED}/metal.stamp)
endfunction()
