// Leaves out each threadgroup_barrier of the kernels, one at a time: the checker or the kernel's cases have to notice. One
// in a common header counts as noticed when it is in one of the kernels that include it.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { attend, root, say } from './setup/shell.mjs';
import { softwareMetalEnvironment } from './setup/software-metal.mjs';

const sources = join(root, 'build/generated/metal/sources');
const runner = join(root, 'dist-bench/test/kernels/run-cases.js');

/** File and line of each barrier of a kernel, and of what it includes, with what it orders. */
function barriersOf(kernel) {
  const places = [];
  let [file, line] = ['', 0];
  for (const text of readFileSync(join(sources, `${kernel}.metal`), 'utf8').split('\n')) {
    const [, number, name] = /^#line (\d+) "(.*)"$/.exec(text) ?? [];
    if (name !== undefined) [file, line] = [name, Number(number) - 1];
    else line++;
    for (const [, flags] of text.matchAll(/threadgroup_barrier\(([^)]*)\);/g)) places.push(`${file}:${line} ${flags}`);
  }
  return places;
}

/** Whether the kernel's cases fail, with options for its compiler. Throws where they did not run to their end. */
function fails(kernel, options) {
  const env = { ...process.env, ...softwareMetalEnvironment({ checked: true, options }), SOFTWARE_METAL_CACHE: '' };
  const run = [runner, '--backend', 'metal', '--until-failure', kernel];
  const { stdout, stderr } = spawnSync(process.execPath, run, { env, encoding: 'utf8' });
  const outcome = /^(pass|FAIL) /m.exec(stdout)?.[1];
  if (!outcome || stdout.includes('does not compile')) throw new Error(`${kernel} ${options}: ${stdout}${stderr}`);
  return outcome === 'FAIL';
}

/** Returns 1 when a barrier is not missed. Kernels by name; all by default. */
export async function testBarriers(names) {
  const compiled = await attend(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.bench.json']);
  if (compiled !== 0) return compiled;
  const all = readdirSync(sources).map((file) => basename(file, '.metal'));
  const noticed = new Map();
  for (const kernel of names.length > 0 ? names : all.filter((name) => name !== 'transfer')) {
    const places = barriersOf(kernel);
    if (places.length > 0 && fails(kernel, [])) throw new Error(`${kernel} fails with all its barriers`);
    for (const [number, place] of places.entries()) {
      const isNoticed = fails(kernel, ['--without-barrier', `${kernel}:${number}`]);
      noticed.set(place, isNoticed || noticed.get(place) === true);
    }
    if (places.length > 0) say(`${kernel}: ${places.length} barriers left out, one at a time`);
  }
  const missed = [...noticed].filter(([, isSeen]) => !isSeen).map(([place]) => place);
  for (const place of missed) say(`nothing is wrong without the barrier at ${place}`);
  say(`${noticed.size - missed.length} of ${noticed.size} missing barriers were noticed`);
  // Between threadgroups, of which the checker runs one at a time, it can notice nothing.
  return missed.every((place) => place.includes('mem_device')) ? 0 : 1;
}
