// From reflected SPIR-V and shaders-metal: contract headers for .metal files, each file with its headers in it, and a C++
// table of those. A kernel whose signature is not that of its shader in shaders-vulkan is refused.
// --list FILE (as for generate-kernels.mjs) --shaders FOLDER --out FOLDER
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFolder, writeIfChanged } from './generate/files.mjs';
import { flatten, metalContract, metalProblems, metalSources } from './generate/metal.mjs';
import { readKernels } from './generate/reflection.mjs';

const { values } = parseArgs({
  options: { list: { type: 'string' }, shaders: { type: 'string' }, out: { type: 'string' } },
});
const { kernels } = readKernels(readFileSync(values.list, 'utf8').split('\n').filter(Boolean));
writeFolder(
  join(values.out, 'contracts'),
  kernels.map((kernel) => [`${kernel.name}.h`, metalContract(kernel)]),
);

const sources = [];
const problems = [];
for (const kernel of kernels) {
  const path = join(values.shaders, kernel.room, `${kernel.name}.metal`);
  if (!existsSync(path)) {
    problems.push(`shaders-metal/${kernel.room}/${kernel.name}.metal: there is none`);
    continue;
  }
  for (const problem of metalProblems(kernel, readFileSync(path, 'utf8'))) problems.push(`${path}: ${problem}`);
  sources.push([kernel.name, flatten(path, [values.shaders, values.out])]);
}
// Copies and fills, which are no kernels of TypeScript's.
sources.push(['transfer', flatten(join(values.shaders, 'common/transfer.metal'), [values.shaders, values.out])]);
sources.sort(([a], [b]) => (a < b ? -1 : 1));
if (problems.length > 0) {
  for (const problem of problems) console.error(`error: ${problem}`);
  process.exit(1);
}
writeFolder(
  join(values.out, 'sources'),
  sources.map(([name, text]) => [`${name}.metal`, text]),
);
writeIfChanged(join(values.out, 'metal_sources.gen.cpp'), metalSources(sources));
