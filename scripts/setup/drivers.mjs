// Software Vulkan (lavapipe), RADV as a compiler and the validation layer, which the tests need and a user does not.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { debianRelease, installedVersion, installSystemPackages, isRoot, unpackPackages } from './debian.mjs';
import { root, say } from './shell.mjs';
import { stamp } from './stamp.mjs';

const folder = join(root, '.toolchain/drivers');
const drivers = join(folder, 'icd.d');
const layers = join(folder, 'layers');
const packages = ['mesa-vulkan-drivers', 'libvulkan1'];
const layerPackage = 'vulkan-validationlayers';
const advice =
  'tests on Vulkan are skipped: please install mesa-vulkan-drivers >= 25.0 (on Debian 12: from bookworm-backports), ' +
  'libvulkan1 and vulkan-validationlayers';

const hasDriver = (path) => existsSync(path) && readdirSync(path).some((name) => /^lvp_icd.*\.json$/.test(name));
const hasLayer = (path) => existsSync(path) && readdirSync(path).some((name) => /khronos_validation/i.test(name));
const systemFolders = (name) => [`/usr/share/vulkan/${name}`, `/usr/local/share/vulkan/${name}`, `/etc/vulkan/${name}`];

function isMesaNewEnough() {
  const version = installedVersion('mesa-vulkan-drivers');
  return version === undefined || Number.parseInt(version.replace(/^\d+:/, ''), 10) >= 25;
}

const hasSystemDriver = () => systemFolders('icd.d').some(hasDriver) && isMesaNewEnough();
const hasSystemLayer = () => systemFolders('explicit_layer.d').some(hasLayer);

/** What the unpacked drivers add to the environment of the tests. */
export function driverEnvironment(env = process.env) {
  if (!existsSync(drivers)) return env;
  const libraries = readdirSync(join(folder, 'usr/lib')).filter((name) => name.endsWith('-linux-gnu'));
  const add = (name, ...paths) => ({ [name]: [...paths, env[name]].filter(Boolean).join(delimiter) });
  const names = readdirSync(drivers).map((name) => join(drivers, name));
  return {
    ...env,
    ...add('LD_LIBRARY_PATH', ...libraries.map((name) => join(folder, 'usr/lib', name))),
    ...add('VK_ADD_DRIVER_FILES', ...names),
    ...add('VK_ADD_LAYER_PATH', layers),
  };
}

/** Copies the JSON files of drivers or layers with absolute paths to their unpacked libraries. */
function writeManifests(from, to, keep) {
  const libraries = readdirSync(join(folder, 'usr/lib')).find((name) => name.endsWith('-linux-gnu'));
  mkdirSync(to, { recursive: true });
  for (const name of existsSync(from) ? readdirSync(from).filter(keep) : []) {
    const manifest = JSON.parse(readFileSync(join(from, name), 'utf8'));
    const part = manifest.ICD ?? manifest.layer;
    part.library_path = join(folder, 'usr/lib', libraries, part.library_path.split('/').at(-1));
    writeFileSync(join(to, name), JSON.stringify(manifest));
  }
}

async function unpackDrivers() {
  const release = debianRelease();
  const suites = release === 'bookworm' ? ['bookworm', 'bookworm-backports'] : [release];
  say('unpacking software Vulkan and the validation layer into .toolchain/drivers (for tests)');
  rmSync(folder, { recursive: true, force: true });
  await unpackPackages(folder, suites, [...packages, layerPackage]);
  writeManifests(join(folder, 'usr/share/vulkan/icd.d'), drivers, (name) => name.startsWith('lvp_'));
  writeManifests(join(folder, 'usr/share/vulkan/icd.d'), join(folder, 'radeon'), (name) => name.startsWith('radeon_'));
  writeManifests(join(folder, 'usr/share/vulkan/explicit_layer.d'), layers, (name) =>
    name.includes('khronos_validation'),
  );
}

async function installDrivers() {
  const backports = debianRelease() === 'bookworm' ? 'bookworm-backports' : undefined;
  say('installing software Vulkan and the validation layer (for tests)');
  if (!hasSystemDriver()) await installSystemPackages(packages, backports);
  if (!hasSystemLayer()) await installSystemPackages([layerPackage]);
}

/** Returns why tests on Vulkan cannot run, or undefined. */
export async function provideDrivers() {
  if (process.platform !== 'linux') return 'tests on Vulkan are skipped: their drivers are those of Linux';
  const marker = stamp('drivers', { inputs: ['/usr/share/vulkan'] });
  if (marker.isCurrent() && (hasSystemDriver() || existsSync(drivers))) return undefined;
  if (!(hasSystemDriver() && hasSystemLayer()) && !existsSync(drivers)) {
    try {
      if (isRoot) await installDrivers();
      else if (debianRelease()) await unpackDrivers();
      else return advice;
    } catch (error) {
      console.error(error.message);
      return advice;
    }
  }
  marker.keep();
  return undefined;
}
