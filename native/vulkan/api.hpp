// The Vulkan headers as this room uses them: no prototypes, functions come from tables (volk) per device.
#pragma once
#include <volk.h>

#include <cstdint>
#include <vector>

namespace wavetile::vulkan {

// What to install on common systems when there is no loader or no driver.
inline constexpr const char* kInstallLoader =
    "install the Vulkan loader: Debian/Ubuntu `apt install libvulkan1`, Fedora `dnf install vulkan-loader`, "
    "Arch `pacman -S vulkan-icd-loader`";
inline constexpr const char* kInstallDriver =
    "install a Vulkan driver: AMD and Intel Debian/Ubuntu `apt install mesa-vulkan-drivers`, Fedora `dnf install "
    "mesa-vulkan-drivers`, Arch `pacman -S vulkan-radeon` or `vulkan-intel`; NVIDIA: the driver package of the system";

const char* name_of(VkResult result);

// Nothing when `result` is a success, else throws an Error with the code that fits. `what` was being done.
void check(VkResult result, const char* what);

template <class Structure>
Structure structure(VkStructureType type) {
  Structure blank{};
  blank.sType = type;
  return blank;
}

// The two-call pattern: `fetch(count, data)` fills the vector.
template <class Item, class Fetch>
std::vector<Item> enumerate(const Item& blank, Fetch fetch) {
  uint32_t count = 0;
  fetch(&count, nullptr);
  std::vector<Item> items(count, blank);
  if (count) fetch(&count, items.data());
  items.resize(count);
  return items;
}

}  // namespace wavetile::vulkan
