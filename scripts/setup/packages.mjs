// npm packages: installed when node_modules does not hold what package-lock.json says.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run, SetupError, say } from './shell.mjs';

function lockedPackages(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined;
}

function areInstalled() {
  const wanted = lockedPackages(join(root, 'package-lock.json'));
  const present = lockedPackages(join(root, 'node_modules/.package-lock.json'));
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true;
    return present[path] ? present[path].version === version : optional === true;
  });
}

export async function installPackages() {
  if (areInstalled()) return;
  say('installing npm packages');
  try {
    // The addon's own install script would compile before there is a toolchain.
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
  } catch (error) {
    throw new SetupError(`npm packages could not be installed; is the npm registry within reach?\n${error.message}`);
  }
}
