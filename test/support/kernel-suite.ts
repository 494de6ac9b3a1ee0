// Kernel cases on every device present, judged by their float64 references, and a table of the outcome. The cases of a
// kernel are also those of its variant on matrix units, where the device has them.
import { afterAll, describe, expect, test } from 'vitest';
import { type KernelName, kernelTable } from '../../src/kernels/generated.js';
import { describeDevices, testDevices, validationMessages } from './devices.js';
import { loadCases } from './load-cases.js';
import { runCase } from './run-case.js';
import { whyUnsupported, withVariants } from './variants.js';

/** A file for each part of the kernels, as software devices compile for long and files are tested at the same time. */
export type Part = 'attention' | 'projection' | 'nn' | 'vector';

function partOf(kernel: KernelName): Part {
  if (kernelTable[kernel].room !== 'nn') return 'vector';
  if (/^(attend|rope)_/.test(kernel)) return 'attention';
  return kernel.startsWith('project_') ? 'projection' : 'nn';
}

const all = withVariants(await loadCases());
const outcomes = new Map<string, { passed: number; failed: number; skipped: number }>();

function record(kernel: string, backend: string, outcome: 'passed' | 'failed' | 'skipped'): void {
  const key = `${kernel} ${backend}`;
  const counts = outcomes.get(key) ?? { passed: 0, failed: 0, skipped: 0 };
  counts[outcome]++;
  outcomes.set(key, counts);
}

function summary(kernel: string, backend: string): string {
  const counts = outcomes.get(`${kernel} ${backend}`);
  if (counts === undefined) return 'not run';
  const { passed, failed, skipped } = counts;
  return [`${passed} passed`, failed ? `${failed} FAILED` : '', skipped ? `${skipped} skipped` : '']
    .filter(Boolean)
    .join(', ');
}

function table(kernels: readonly KernelName[]): string {
  const backends = testDevices.map(({ backend }) => backend);
  const rows = [
    ['kernel', ...backends],
    ...kernels.map((kernel) => [kernel, ...backends.map((backend) => summary(kernel, backend))]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column])).join('  ')).join('\n');
}

/** Declares the tests of a part. */
export function testKernels(part: Part): void {
  const mine = all.filter(({ kernel }) => partOf(kernel) === part);

  test('every kernel has cases', () => {
    const kernels = Object.keys(kernelTable) as KernelName[];
    expect(mine.map(({ kernel }) => kernel).sort()).toEqual(kernels.filter((kernel) => partOf(kernel) === part).sort());
  });

  describeDevices('kernels', (device, { backend, messages }) => {
    describe.each(mine)('$kernel', ({ kernel, list }) => {
      test.for([...list])('$name', async (kernelCase, { skip }) => {
        if (kernelCase.slowToCompile && device().info.kind === 'software') {
          record(kernel, backend, 'skipped');
          skip('it compiles for long on a software device');
        }
        const wrong = await runCase(device(), kernel, kernelCase).catch(
          (error: Error) => `${error.name}: ${error.message}`,
        );
        const reason = kernelCase.skip?.[backend] ?? whyUnsupported(device(), kernel);
        if (reason !== undefined) {
          record(kernel, backend, wrong === undefined ? 'failed' : 'skipped');
          validationMessages(messages);
          expect(wrong, `it passes, but is skipped: ${reason}`).toBeDefined();
          return;
        }
        const faults = [...(wrong === undefined ? [] : [wrong]), ...validationMessages(messages)];
        record(kernel, backend, faults.length === 0 ? 'passed' : 'failed');
        expect(faults).toEqual([]);
      });
    });
  });

  afterAll(() => {
    if (outcomes.size > 0) process.stdout.write(`\n${table(mine.map(({ kernel }) => kernel))}\n\n`);
  });
}
