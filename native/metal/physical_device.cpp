// Reads families and limits into DeviceInfo.
#include "metal/physical_device.hpp"

#include <algorithm>

namespace wavetile::metal {
namespace {

constexpr uint32_t kLanes = 32;  // of a SIMD-group, on every GPU that is usable here
// Kernels count a binding's bytes, and copies a buffer's words, in 32 bits.
constexpr uint64_t kMostBindingBytes = (4ull << 30) - 256, kMostBufferBytes = 16ull << 30;
constexpr uint64_t kBufferStep = 2ull << 20;      // as the pool rounds
constexpr uint32_t kMostGroups = (1u << 22) - 1;  // so that positions in the grid fit 32 bits

struct Family {
  MTL::GPUFamily family;
  const char* name;
};
constexpr Family kFamilies[]{{MTL::GPUFamilyApple7, "apple7"},
                             {MTL::GPUFamilyApple8, "apple8"},
                             {MTL::GPUFamilyApple9, "apple9"},
                             {MTL::GPUFamilyMetal3, "metal3"}};

std::string vendor_of(const std::string& name) { return name.substr(0, name.find(' ')); }

const char* kind_of(MTL::Device& device, const std::string& name) {
  if (name.find("Paravirtual") != std::string::npos) return "virtual";
  return device.hasUnifiedMemory() ? "integrated" : "discrete";
}

void add_limits(MTL::Device& device, DeviceInfo& info) {
  const uint64_t buffer_bytes = device.maxBufferLength();
  info.memory_bytes = device.recommendedMaxWorkingSetSize();
  info.max_buffer_bytes = std::min(buffer_bytes, kMostBufferBytes) / kBufferStep * kBufferStep;
  info.max_binding_bytes = std::min(info.max_buffer_bytes, kMostBindingBytes);
  info.max_grid = {kMostGroups, 65535, 65535};
  info.max_workgroup_invocations = static_cast<uint32_t>(device.maxThreadsPerThreadgroup().width);
  info.max_shared_bytes = static_cast<uint32_t>(device.maxThreadgroupMemoryLength());
}

void add_features(MTL::Device& device, DeviceInfo& info) {
  for (const auto& [family, name] : kFamilies) {
    if (device.supportsFamily(family)) info.features.emplace_back(name);
  }
  if (device.supportsFamily(MTL::GPUFamilyApple7)) {
    info.features.emplace_back("simdgroupMatrix");
    info.matrix_units.emplace_back("8x8x8 f16 f16 f32 f32");
  }
  if (info.unified_memory) info.features.emplace_back("unifiedMemory");
}

PhysicalDevice inspect(MTL::Device* mtl_device) {
  PhysicalDevice device;
  device.mtl_device = NS::RetainPtr(mtl_device);
  DeviceInfo& info = device.info;
  info.backend = "metal";
  info.name = text_of(mtl_device->name());
  info.vendor = vendor_of(info.name);
  info.kind = kind_of(*mtl_device, info.name);
  info.unified_memory = mtl_device->hasUnifiedMemory();
  info.timestamps = true;
  info.subgroup_size = info.min_subgroup_size = info.max_subgroup_size = kLanes;
  const bool metal3 = mtl_device->supportsFamily(MTL::GPUFamilyMetal3);
  info.api_version = std::to_string(metal3 ? 3 : 2);
  info.driver = "Metal " + info.api_version;
  add_limits(*mtl_device, info);
  add_features(*mtl_device, info);
  // A virtual machine's GPU says that it is of no such family, and is one. Other makers' have other SIMD-groups.
  const bool is_virtual = info.kind == "virtual" && info.vendor == "Apple" && is_macos(15);
  if (!is_virtual && !mtl_device->supportsFamily(MTL::GPUFamilyApple7)) {
    device.unusable_because =
        "it is neither of the family Apple7 or later nor a virtual machine's on macOS 15 or later";
  }
  return device;
}

}  // namespace

std::vector<PhysicalDevice> all_physical_devices() {
  const ScopedPool pool;
  std::vector<PhysicalDevice> devices;
  const auto all = NS::TransferPtr(MTL::CopyAllDevices());
  for (NS::UInteger i = 0; all && i < all->count(); ++i) devices.push_back(inspect(all->object<MTL::Device>(i)));
  if (!devices.empty()) return devices;
  // The list is empty in some sessions without a screen.
  if (const auto only = NS::TransferPtr(MTL::CreateSystemDefaultDevice())) devices.push_back(inspect(only.get()));
  return devices;
}

std::vector<PhysicalDevice> usable_physical_devices() {
  std::vector<PhysicalDevice> devices = all_physical_devices();
  std::erase_if(devices, [](const PhysicalDevice& device) { return !device.unusable_because.empty(); });
  for (uint32_t index = 0; index < devices.size(); ++index) devices[index].info.index = index;
  return devices;
}

}  // namespace wavetile::metal
