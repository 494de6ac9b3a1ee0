// The code that RADV's compiler makes of the hot kernels stays within its budget: registers, spills, instructions.
import { describe, expect, test } from 'vitest';
import { skipped } from '../support/skipped.js';
import { budgets } from './budgets.js';
import { compile, type Family, whyNot } from './compile.js';

const families: readonly Family[] = ['phoenix', 'navi31'];
const reason = whyNot();
const constantsOf = (constants: Readonly<Record<number, number>>) =>
  Object.entries(constants)
    .map(([id, value]) => `${id}=${value}`)
    .join(' ');

/** Vector instructions for 32 weights, where the kernel multiplies by dot products of four. */
function vectorInstructions(assembly: string): number {
  const lines = assembly.split('\n').map((line) => line.trim());
  const [first, last] = [lines.findIndex(isDot), lines.findLastIndex(isDot)];
  const inner = lines.slice(first, last + 1).filter((line) => line.startsWith('v_')).length;
  return (inner * 8) / lines.filter(isDot).length;
}
const isDot = (line: string) => line.startsWith('v_dot4');

describe.skipIf(reason)(`RDNA3 code${skipped(reason)}`, () => {
  const runs = families.flatMap((family) =>
    budgets.map((budget) => [budget.kernel, constantsOf(budget.constants), family, budget] as const),
  );

  test.each(runs)('%s %s on %s', (kernel, _, family, budget) => {
    const { statistics, assembly } = compile(kernel, family, budget.constants);
    expect(statistics.get('Subgroup size'), 'wave32').toBe(32);
    expect(statistics.get('VGPRs'), 'vector registers').toBeLessThanOrEqual(budget.registers[family]);
    expect(statistics.get('Spilled VGPRs'), 'spilled vector registers').toBe(0);
    expect(statistics.get('Spilled SGPRs'), 'spilled scalar registers').toBe(0);
    expect(statistics.get('Scratch size'), 'scratch memory').toBe(0);
    expect(statistics.get('LDS size'), 'shared memory').toBeLessThanOrEqual(budget.sharedBytes);
    if (budget.vectorInstructions !== undefined) {
      const count = vectorInstructions(assembly);
      process.stdout.write(`${kernel} on ${family}: ${count.toFixed(1)} vector instructions for 32 weights\n`);
      expect(count, 'vector instructions for 32 weights').toBeLessThanOrEqual(budget.vectorInstructions);
    }
    for (const instruction of budget.must) expect(assembly).toMatch(instruction);
    for (const instruction of budget.mustNot ?? []) expect(assembly).not.toMatch(instruction);
  });
});
