// From reflected SPIR-V: the C++ kernel table, a contract header per kernel for the CPU device, and TypeScript signatures.
// --list FILE (one reflection JSON per line, its .spv beside it, or a variant's .spv) --out FOLDER [--typescript FILE]
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { contractHeader } from './generate/contract.mjs';
import { kernelTable } from './generate/kernel-table.mjs';
import { readKernels } from './generate/reflection.mjs';
import { signatures } from './generate/signatures.mjs';

function writeIfChanged(path, text) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function writeContracts(folder, kernels) {
  const names = new Set(kernels.map((kernel) => `${kernel.name}.hpp`));
  for (const kernel of kernels) writeIfChanged(join(folder, `${kernel.name}.hpp`), contractHeader(kernel));
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) if (!names.has(file)) rmSync(join(folder, file));
}

const { values } = parseArgs({
  options: { list: { type: 'string' }, out: { type: 'string' }, typescript: { type: 'string' } },
});
const { kernels, problems } = readKernels(readFileSync(values.list, 'utf8').split('\n').filter(Boolean));
if (problems.length > 0) {
  for (const problem of problems) console.error(`error: ${problem}`);
  process.exit(1);
}
writeIfChanged(join(values.out, 'kernels.gen.cpp'), kernelTable(kernels));
writeContracts(join(values.out, 'contracts'), kernels);
if (values.typescript) writeIfChanged(values.typescript, signatures(kernels));
