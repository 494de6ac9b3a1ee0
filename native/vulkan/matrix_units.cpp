// Reads VK_KHR_cooperative_matrix's shapes.
#include "vulkan/matrix_units.hpp"

namespace wavetile::vulkan {
namespace {

const char* name_of_component(VkComponentTypeKHR type) {
  switch (static_cast<uint32_t>(type)) {
    case VK_COMPONENT_TYPE_FLOAT16_KHR:
      return "f16";
    case VK_COMPONENT_TYPE_FLOAT32_KHR:
      return "f32";
    case VK_COMPONENT_TYPE_FLOAT64_KHR:
      return "f64";
    case VK_COMPONENT_TYPE_SINT8_KHR:
      return "i8";
    case VK_COMPONENT_TYPE_SINT16_KHR:
      return "i16";
    case VK_COMPONENT_TYPE_SINT32_KHR:
      return "i32";
    case VK_COMPONENT_TYPE_SINT64_KHR:
      return "i64";
    case VK_COMPONENT_TYPE_UINT8_KHR:
      return "u8";
    case VK_COMPONENT_TYPE_UINT16_KHR:
      return "u16";
    case VK_COMPONENT_TYPE_UINT32_KHR:
      return "u32";
    case VK_COMPONENT_TYPE_UINT64_KHR:
      return "u64";
    case 1000141000:
      return "bf16";  // named by headers newer than those we build with
    default:
      return nullptr;
  }
}

}  // namespace

std::vector<std::string> matrix_units(const Instance& instance, VkPhysicalDevice vk_device) {
  if (!instance.functions.get_cooperative_matrices) return {};
  const auto blank = structure<VkCooperativeMatrixPropertiesKHR>(VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR);
  const auto shapes = enumerate(blank, [&](uint32_t* count, VkCooperativeMatrixPropertiesKHR* data) {
    return instance.functions.get_cooperative_matrices(vk_device, count, data);
  });
  std::vector<std::string> units;
  for (const auto& shape : shapes) {
    if (shape.scope != VK_SCOPE_SUBGROUP_KHR) continue;
    std::string text =
        std::to_string(shape.MSize) + "x" + std::to_string(shape.NSize) + "x" + std::to_string(shape.KSize);
    bool known = true;
    for (const VkComponentTypeKHR type : {shape.AType, shape.BType, shape.CType, shape.ResultType}) {
      const char* name = name_of_component(type);
      known = known && name != nullptr;
      if (name) text.append(" ").append(name);
    }
    if (known) units.push_back(shape.saturatingAccumulation ? text + " saturating" : text);
  }
  return units;
}

}  // namespace wavetile::vulkan
