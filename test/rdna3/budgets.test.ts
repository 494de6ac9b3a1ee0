// The code that RADV's compiler makes of the hot kernels stays within its budget: registers, spills, instructions.
import { describe, expect, test } from 'vitest';
import { budgets } from './budgets.js';
import { compile, type Family, whyNot } from './compile.js';

const families: readonly Family[] = ['phoenix', 'navi31'];
const reason = whyNot();
const constantsOf = (constants: Readonly<Record<number, number>>) =>
  Object.entries(constants)
    .map(([id, value]) => `${id}=${value}`)
    .join(' ');

describe.skipIf(reason)(`RDNA3 code${reason ? ` (skipped: ${reason})` : ''}`, () => {
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
    for (const instruction of budget.must) expect(assembly).toMatch(instruction);
    for (const instruction of budget.mustNot ?? []) expect(assembly).not.toMatch(instruction);
  });
});
