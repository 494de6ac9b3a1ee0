// From reflected SPIR-V: the C++ kernel table, a contract header per kernel for the CPU device, and TypeScript signatures.
// --list FILE (one reflection JSON per line, its .spv beside it, or a variant's .spv) --out FOLDER [--typescript FILE]
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { contractHeader } from './generate/contract.mjs';
import { writeFolder, writeIfChanged } from './generate/files.mjs';
import { kernelTable } from './generate/kernel-table.mjs';
import { readKernels } from './generate/reflection.mjs';
import { signatures } from './generate/signatures.mjs';

const { values } = parseArgs({
  options: { list: { type: 'string' }, out: { type: 'string' }, typescript: { type: 'string' } },
});
const { kernels, problems } = readKernels(readFileSync(values.list, 'utf8').split('\n').filter(Boolean));
if (problems.length > 0) {
  for (const problem of problems) console.error(`error: ${problem}`);
  process.exit(1);
}
writeIfChanged(join(values.out, 'kernels.gen.cpp'), kernelTable(kernels));
writeFolder(
  join(values.out, 'contracts'),
  kernels.map((kernel) => [`${kernel.name}.hpp`, contractHeader(kernel)]),
);
if (values.typescript) writeIfChanged(values.typescript, signatures(kernels));
