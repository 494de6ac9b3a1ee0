// The kernel suite without a test framework: node dist-bench/test/kernels/run-cases.js [--backend vulkan] [--index 0]
// [--validation] [--until-failure] [kernel …]. Prints one line a kernel and exits with 1 when anything failed.
import { parseArgs } from 'node:util';
import { type Backend, Device } from '../../src/index.js';
import type { KernelCases } from '../support/cases.js';
import { loadCases } from '../support/load-cases.js';
import { runCase } from '../support/run-case.js';
import { whyUnsupported, withVariants } from '../support/variants.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    backend: { type: 'string', default: 'vulkan' },
    index: { type: 'string' },
    validation: { type: 'boolean', default: false },
    'until-failure': { type: 'boolean', default: false },
  },
});

const messages: string[] = [];

/** What is wrong with a case on this device, with validation messages; undefined when nothing is. */
async function failureOf(device: Device, kernel: KernelCases['kernel'], kernelCase: KernelCases['list'][number]) {
  const wrong = await runCase(device, kernel, kernelCase).catch((error: Error) => `${error.name}: ${error.message}`);
  const said = messages.splice(0);
  const reason = kernelCase.skip?.[device.info.backend] ?? whyUnsupported(device, kernel);
  if (reason !== undefined) return wrong === undefined ? `passes, but is skipped: ${reason}` : undefined;
  return said.length > 0 ? [wrong, ...said].filter(Boolean).join('\n    ') : wrong;
}

async function runKernel(device: Device, { kernel, list }: KernelCases): Promise<number> {
  const begin = performance.now();
  const failures: string[] = [];
  for (const kernelCase of list) {
    const wrong = await failureOf(device, kernel, kernelCase);
    if (wrong !== undefined) failures.push(`  ${kernelCase.name}: ${wrong}`);
    if (wrong !== undefined && values['until-failure']) break;
  }
  const took = `${Math.round(performance.now() - begin)} ms`;
  console.log(
    `${failures.length === 0 ? 'pass' : 'FAIL'} ${kernel}: ${list.length - failures.length}/${list.length}, ${took}`,
  );
  for (const failure of failures) console.log(failure);
  return failures.length;
}

const device = await Device.open({
  backend: values.backend as Backend,
  ...(values.index === undefined ? {} : { index: Number(values.index) }),
  validation: values.validation,
  onWarning: (message) => messages.push(message),
});
const all = withVariants(await loadCases());
const chosen = positionals.length === 0 ? all : all.filter(({ kernel }) => positionals.includes(kernel));
const { name, driver, subgroupSize } = device.info;
console.log(`${name} (${driver}), subgroup size ${subgroupSize}`);
let failed = 0;
for (const kernelCases of chosen) failed += await runKernel(device, kernelCases);
device.dispose();
console.log(failed === 0 ? `all of ${chosen.length} kernels pass` : `${failed} cases failed`);
process.exitCode = failed === 0 ? 0 : 1;
