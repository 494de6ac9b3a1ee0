// What `wavetile doctor` says about Vulkan: loader, drivers, devices, and how to get what is missing.
#ifndef _WIN32
#include <unistd.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "vulkan/device.hpp"

namespace wavetile::vulkan {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    entries.push_back(it->path());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

void add_driver_files(Lines& lines) {
  for (const char* name : {"VK_DRIVER_FILES", "VK_ICD_FILENAMES"}) {
    const std::string value = environment(name);
    if (!value.empty()) lines.push_back(std::string(name) + "=" + value + " replaces the system's driver files");
  }
  std::string found;
  for (const char* folder : {"/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"}) {
    for (const fs::path& file : entries_of(folder)) found += (found.empty() ? "" : ", ") + file.string();
  }
  lines.push_back(found.empty() ? "driver files: none in /usr/share/vulkan/icd.d, /usr/local/share/vulkan/icd.d, "
                                  "/etc/vulkan/icd.d"
                                : "driver files: " + found);
}

// Display outputs are named card0-HDMI-A-1; the device itself is card0.
Lines graphics_cards() {
  Lines cards;
  for (const fs::path& entry : entries_of("/sys/class/drm")) {
    const std::string name = entry.filename().string();
    if (name.rfind("card", 0) != 0 || name.find('-') != std::string::npos) continue;
    std::string vendor = "unknown vendor";
    std::ifstream(entry / "device/vendor") >> vendor;
    std::error_code error;
    const std::string driver = fs::read_symlink(entry / "device/driver", error).filename().string();
    cards.push_back(name + " (vendor " + vendor + (driver.empty() ? "" : ", kernel driver " + driver) + ")");
  }
  if (fs::exists("/proc/driver/nvidia/version")) cards.emplace_back("an NVIDIA GPU (kernel driver nvidia)");
  return cards;
}

bool may_open(const fs::path& node) {
#ifdef _WIN32
  return fs::exists(node);
#else
  return access(node.c_str(), R_OK | W_OK) == 0;
#endif
}

void add_access_problems(Lines& lines) {
  const std::vector<fs::path> nodes = entries_of("/dev/dri");
  bool any = false;
  for (const fs::path& node : nodes) {
    if (node.filename().string().rfind("renderD", 0) != 0) continue;
    any = true;
    if (may_open(node)) continue;
    lines.push_back(node.string() +
                    " may not be opened by this user: `sudo usermod -aG render $USER`, then log in anew");
  }
  if (!any) {
    lines.emplace_back(
        "there is no /dev/dri/renderD*: in a container pass it in (`docker run --device /dev/dri …`; NVIDIA: `--gpus "
        "all "
        "-e NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics`), else the kernel driver of the GPU is not loaded");
  }
}

bool add_devices(Lines& lines) {
  bool hardware = false;
  const auto instance = Instance::shared();
  for (const PhysicalDevice& device : instance ? all_physical_devices(*instance) : std::vector<PhysicalDevice>()) {
    const bool usable = device.unusable_because.empty();
    hardware = hardware || (usable && device.info.kind != "software");
    lines.push_back("device: " + device.info.name +
                    (usable ? " (" + device.info.kind + ", " + device.info.driver + ")"
                            : " cannot be used: " + device.unusable_because));
  }
  return hardware;
}

}  // namespace

std::vector<std::string> diagnose() {
  Lines lines;
  try {
    if (!loader_present()) {
      lines.emplace_back("Vulkan loader: libvulkan.so.1 was not found");
      lines.emplace_back(kInstallLoader);
      return lines;
    }
    lines.emplace_back("Vulkan loader: found");
    add_driver_files(lines);
    if (add_devices(lines)) return lines;
    const Lines cards = graphics_cards();
    for (const std::string& card : cards) lines.push_back("no driver lists this GPU: " + card);
    if (cards.empty()) {
      lines.emplace_back("the system shows no GPU");
    } else {
      add_access_problems(lines);
      lines.emplace_back(kInstallDriver);
    }
  } catch (const std::exception& error) {
    lines.push_back(std::string("Vulkan: ") + error.what());
  }
  return lines;
}

}  // namespace wavetile::vulkan
