// The judge judged: right results pass, and each kind of planted error fails, for a case of every kernel.
import { describe, expect, test } from 'vitest';
import { floats, type KernelCase, Mark, Output, POISON, type Words, words } from './cases.js';
import { bitsOf, judge } from './judge.js';
import { loadCases } from './load-cases.js';
import { GUARD, judgeRun } from './run-case.js';

/** What a right kernel leaves in the buffer, with two guard words. */
function rightResult(output: Output): Words {
  const bits = new Uint32Array(output.length + 2).fill(GUARD);
  bits.set(output.initial);
  const got = output.type === 'f32' ? new Float32Array(bits.buffer) : bits;
  output.marks.forEach((mark, i) => {
    if (mark === Mark.expected) got[i] = output.values[i];
  });
  return got;
}

function judgedAfter(output: Output, plant: (got: Words) => void): string | undefined {
  const got = rightResult(output);
  plant(got);
  return judge(output, got, GUARD);
}

/** An element whose right value is neither zero nor what was there before. */
function writtenElement(output: Output): number {
  const right = rightResult(output);
  const bits = bitsOf(right);
  return output.marks.findIndex((mark, i) => mark === Mark.expected && right[i] !== 0 && bits[i] !== output.initial[i]);
}

describe('judge', () => {
  const sum = () => floats(100).setAll(Float64Array.from({ length: 90 }, (_, i) => i + 0.25));

  test('right values pass, exact or nearly', () => {
    expect(judgedAfter(sum(), () => {})).toBeUndefined();
    expect(judgedAfter(sum(), (got) => got.set([40.25 * (1 + 1e-6)], 40))).toBeUndefined();
  });

  test.each([
    ['a slightly wrong value', (got: Words) => got.set([40.35], 40), /\[40\] must be 40.25/],
    ['a small value among large ones', (got: Words) => got.set([0], 0), /\[0\] must be 0.25/],
    ['NaN', (got: Words) => got.set([Number.NaN], 7), /\[7\] must be 7.25/],
    ['infinity', (got: Words) => got.set([Number.POSITIVE_INFINITY], 7), /\[7\] must be 7.25/],
    ['an unwritten element', (got: Words) => bitsOf(got).set([POISON], 89), /\[89\] must be 89.25/],
    ['a write outside the region', (got: Words) => got.set([0], 95), /\[95\] must stay untouched/],
    ['a write past the end', (got: Words) => got.set([1], 100), /past the end, at \[100\]/],
    [
      'many small errors',
      (got: Words) => got.set(got.subarray(0, 90).map((value) => value * (1 + 1e-4))),
      /normalised mean squared error/,
    ],
  ])('%s fails', (_, plant, message) => {
    expect(judgedAfter(sum(), plant)).toMatch(message);
  });

  test('integers are equal or fail', () => {
    const output = () => words(3).setAll([1, 2, 0xffffffff]);
    expect(judgedAfter(output(), () => {})).toBeUndefined();
    expect(judgedAfter(output(), (got) => got.set([0xfffffffe], 2))).toMatch(
      /\[2\] must be 4294967295, got 4294967294/,
    );
  });

  test('an element that must be written, whatever the value', () => {
    const output = words(2);
    output.written(1);
    expect(judgedAfter(output, () => {})).toMatch(/\[1\] was not written/);
    expect(judgedAfter(output, (got) => got.set([5], 1))).toBeUndefined();
  });
});

describe('a kernel that is wrong', async () => {
  const all = await loadCases();
  const outputsOf = (kernelCase: KernelCase) =>
    Object.entries(kernelCase.make().buffers).filter((entry): entry is [string, Output] => entry[1] instanceof Output);

  test.each(all)('$kernel fails when it writes nothing', ({ list }) => {
    for (const kernelCase of list.filter((_, i) => i % 3 === 0)) {
      const run = kernelCase.make();
      const unwritten = outputsOf(kernelCase).map(([name, output]): [string, Output, Words] => {
        const bits = output.initial.slice();
        return [name, output, output.type === 'f32' ? new Float32Array(bits.buffer) : bits];
      });
      // A case that asks for nothing to change finds other errors.
      const asks = unwritten.some(([, output]) => writtenElement(output) >= 0 || output.marks.includes(Mark.written));
      if (asks || run.check) expect(judgeRun(run, unwritten), kernelCase.name).toBeDefined();
    }
  });

  test.each(all)('$kernel fails when one element is wrong or one too many is written', ({ list }) => {
    for (const [name, output] of outputsOf(list[list.length - 1])) {
      const at = writtenElement(output);
      if (at >= 0) {
        // The values that only the case's own check judges are left as they were.
        expect(judgedAfter(output, () => {}) ?? 'was not written', name).toMatch(/was not written$/);
        expect(
          judgedAfter(output, (got) => got.set([got[at] * 2 + 3], at)),
          name,
        ).toBeDefined();
        expect(
          judgedAfter(output, (got) => bitsOf(got).set([output.initial[at]], at)),
          name,
        ).toBeDefined();
      }
      const outside = output.marks.indexOf(Mark.untouched);
      if (outside >= 0)
        expect(
          judgedAfter(output, (got) => got.set([1.5], outside)),
          name,
        ).toBeDefined();
      expect(
        judgedAfter(output, (got) => got.set([1.5], output.length)),
        name,
      ).toBeDefined();
    }
  });

  test('a neighbour of the nearest cluster, a wrong distance', () => {
    const list = all.find(({ kernel }) => kernel === 'assign_nearest')?.list ?? [];
    const run = (list.find(({ name }) => name.includes('clustered')) as KernelCase).make();
    const { labels, distances } = run.buffers as Record<string, Output>;
    const got = { labels: new Uint32Array(labels.length), distances: Float32Array.from(distances.values) };
    expect(run.check?.(got)).toMatch(/labels: \[\d+\] is at/);
  });
});
