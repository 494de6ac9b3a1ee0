#!/usr/bin/env bash
# setup-toolchain.sh [FOLDER]: FOLDER/bin (glslang, spirv-val, spirv-cross, …) and FOLDER/include (Vulkan, volk, VMA).
# Nothing to do where the system's are new enough; else Debian trixie's packages are unpacked. No root, system untouched.
# A Mac needs the tools alone, from Homebrew: its build leaves Vulkan out.
set -euo pipefail

folder=$(mkdir -p "${1:-.toolchain}" && cd "${1:-.toolchain}" && pwd)
suite=${TOOLCHAIN_SUITE:-trixie}
bin=$folder/bin include=$folder/include root=$folder/root
tools=(glslang glslangValidator spirv-val spirv-opt spirv-dis spirv-as spirv-cross)
# libc and libstdc++ come along: trixie's tools do not run on an older system's.
packages=(libc6 libgcc-s1 libstdc++6 glslang-tools spirv-tools spirv-cross libspirv-cross-c-shared0
  libvulkan-dev libvulkan-volk-dev libvulkan-memory-allocator-dev vulkan-utility-libraries-dev)
need='glslang >= 15.2, spirv-tools, spirv-cross, Vulkan headers >= 1.4.309, volk and VulkanMemoryAllocator'

# compiles_shaders PREFIX: does this glslang know the extensions that the kernels use, and are its companions there?
compiles_shaders() {
  command -v "$1glslang" >/dev/null && command -v "$1spirv-val" >/dev/null && command -v "$1spirv-cross" >/dev/null || return 1
  local probe status=0
  probe=$(mktemp -d)
  printf '%s\n' '#version 460' '#extension GL_KHR_cooperative_matrix : require' \
    '#extension GL_EXT_integer_dot_product : require' 'layout(local_size_x = 1) in;' 'void main() {}' > "$probe/probe.comp"
  "$1glslang" -V --quiet --target-env vulkan1.3 -o "$probe/probe.spv" "$probe/probe.comp" >/dev/null 2>&1 || status=1
  rm -rf "$probe"
  return $status
}

has_headers() {
  grep -qs VK_KHR_cooperative_matrix "$1/vulkan/vulkan_core.h" && [ -f "$1/volk.h" ] && [ -f "$1/volk.c" ] && [ -f "$1/vk_mem_alloc.h" ]
}

if [ "$(uname)" = Darwin ]; then
  compiles_shaders '' || { echo 'please run: brew install cmake glslang spirv-tools spirv-cross' >&2; exit 1; }
  echo "Homebrew's tools: $(command -v glslang)"
  exit 0
fi
if compiles_shaders '' && has_headers /usr/include; then
  echo "system tools are new enough: $(command -v glslang)"
  exit 0
fi
if compiles_shaders "$bin/" && has_headers "$include"; then
  echo "already there: $bin"
  exit 0
fi

rm -rf "$root" "$include"
mkdir -p "$bin"
"$(dirname "$0")/unpack-debian.sh" "$root" none "$suite" "${packages[@]}" || { echo "please install $need" >&2; exit 1; }
cp -a "$root/usr/include" "$include"
rm -rf "$include"/{spirv-tools,SPIRV} "$root"/usr/{include,share/doc} "$root"/usr/lib/*/*.a "$root"/usr/lib/*/gconv

loader=$(find "$root/usr" -name 'ld-linux*.so.*' | sort | head -1)
libraries=$(dirname "$(find "$root/usr/lib" -name libc.so.6 | head -1)")
for tool in "${tools[@]}"; do
  cat > "$bin/$tool" <<WRAPPER
#!/bin/sh
root=\$(CDPATH= cd -- "\$(dirname -- "\$0")/../root" && pwd)
exec "\$root${loader#"$root"}" --library-path "\$root${libraries#"$root"}" "\$root/usr/bin/$tool" "\$@"
WRAPPER
  chmod +x "$bin/$tool"
done

compiles_shaders "$bin/" && has_headers "$include" || { echo "Debian $suite's packages do not work here; please install $need" >&2; exit 1; }
echo "unpacked from Debian $suite: $bin"
