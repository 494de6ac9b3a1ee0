// Debian packages: installed where this process is root, unpacked into a folder of the checkout otherwise.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, root, run } from './shell.mjs';

export const isRoot = process.getuid?.() === 0;

/** Debian's code name, such as bookworm; undefined on another system. */
export function debianRelease() {
  if (!existsSync('/etc/os-release')) return undefined;
  const fields = Object.fromEntries(
    readFileSync('/etc/os-release', 'utf8')
      .split('\n')
      .map((line) => line.replaceAll('"', '').split('=')),
  );
  return fields.ID === 'debian' ? fields.VERSION_CODENAME : undefined;
}

export function installedVersion(name) {
  return ask('dpkg-query', ['-W', '-f=${Version}', name]) || undefined;
}

const noninteractive = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };

function sourceFiles() {
  const folder = '/etc/apt/sources.list.d';
  const files = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  return ['/etc/apt/sources.list', ...files]
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8'));
}

function addSuite(suite) {
  const sources = sourceFiles();
  if (sources.some((text) => text.includes(suite))) return;
  const mirror = /^(?:URIs:|deb) .*?(https?:\/\/\S+\/debian)\/?(?=\s|$)/m.exec(sources.join('\n'))?.[1];
  writeFileSync(
    `/etc/apt/sources.list.d/${suite}.sources`,
    `Types: deb\nURIs: ${mirror ?? 'http://deb.debian.org/debian'}\nSuites: ${suite}\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n`,
  );
}

/** As root: installs packages, from `suite` where it is given. */
export async function installSystemPackages(names, suite) {
  if (suite) addSuite(suite);
  await run('apt-get', ['-qq', 'update'], { env: noninteractive });
  const target = suite ? ['-t', suite] : [];
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...target, ...names], {
    env: noninteractive,
  });
}

/** Not as root: unpacks packages and what they depend on, less what the system has, into a folder. */
export async function unpackPackages(folder, suites, names) {
  const script = join(root, 'scripts/unpack-debian.sh');
  await run('bash', [script, folder, '/var/lib/dpkg/status', suites.join(','), ...names]);
}
