#!/usr/bin/env bash
# Packs the package with its prebuilt addon and installs the tarball in an empty project, where no compiler is found.
# Run after `npm run prebuilds`.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
remove=$(command -v rm)
trap '"$remove" -rf "$work"' EXIT

tarball=$(cd "$root" && npm pack --ignore-scripts --silent --pack-destination "$work" | tail -1)
echo "packed $tarball ($(du -h "$work/$tarball" | cut -f1))"
files=$(tar tzf "$work/$tarball")
if grep -E '^package/(test|\.toolchain|build|src)/' <<< "$files"; then echo 'the tarball holds files of the checkout' >&2; exit 1; fi
for file in prebuilds dist/index.js dist/cli/main.js CMakeLists.txt native/device/device.hpp shaders-vulkan LICENSE README.md; do
  grep -q "^package/$file" <<< "$files" || { echo "the tarball lacks $file" >&2; exit 1; }
done

# Only what an installation may use: Node, npm and a shell.
mkdir "$work/bin" "$work/project"
for program in node npm npx sh env dirname basename sed uname readlink; do
  ln -s "$(command -v "$program")" "$work/bin/$program"
done
cp "$root/test/package/smoke.mjs" "$work/project/"
cd "$work/project"
export PATH=$work/bin
for program in g++ gcc cc cmake make; do
  if command -v "$program" > /dev/null; then echo "$program is still found" >&2; exit 1; fi
done
npm init --yes > /dev/null
npm install --no-audit --no-fund --loglevel=error "$work/$tarball"
node smoke.mjs
npx --no-install wavetile --version
