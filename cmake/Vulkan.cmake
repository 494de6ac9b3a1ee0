# vulkan_headers: Vulkan's headers, volk and VulkanMemoryAllocator. volk opens the loader at run time, so nothing links it.
set(vulkan_folders HINTS ${CMAKE_SOURCE_DIR}/.toolchain/include $ENV{VULKAN_SDK}/Include)
find_path(VULKAN_HEADERS vulkan/vulkan.h ${vulkan_folders})
find_path(VOLK_HEADER volk.h ${vulkan_folders} PATH_SUFFIXES volk)
find_path(VMA_HEADER vk_mem_alloc.h ${vulkan_folders} PATH_SUFFIXES vma)
foreach(path VULKAN_HEADERS VOLK_HEADER VMA_HEADER)
  if(NOT ${path})
    message(FATAL_ERROR "Vulkan headers, volk or VulkanMemoryAllocator are missing: run scripts/setup-toolchain.sh")
  endif()
endforeach()

add_library(vulkan_headers INTERFACE)
target_include_directories(vulkan_headers SYSTEM INTERFACE ${VULKAN_HEADERS} ${VOLK_HEADER} ${VMA_HEADER})
target_compile_definitions(vulkan_headers INTERFACE
  VK_NO_PROTOTYPES VMA_STATIC_VULKAN_FUNCTIONS=0 VMA_DYNAMIC_VULKAN_FUNCTIONS=1)
# A structure of Vulkan is zero but for what is named.
target_compile_options(vulkan_headers INTERFACE -Wno-missing-field-initializers)
target_link_libraries(vulkan_headers INTERFACE ${CMAKE_DL_LIBS})
