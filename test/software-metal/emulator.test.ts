// Kernels run on software Metal with right results in every build, and a missing barrier in one is found.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { skipped } from '../support/skipped.js';
import { type KernelCase, kernelCases } from './cases.js';
import { type Build, compile, runKernel, temporaryFolder, whyNot } from './run.js';

const reason = whyNot();
const kernels = join(import.meta.dirname, 'kernels');
const files = ['gemm', 'attention', 'gemv_q4', 'syntax'];
const source = (file: string) => join(kernels, `${file}.metal`);

async function expectRight(library: string, { run, output, expected, tolerance }: KernelCase, isReversed: boolean) {
  const { problems, liveObjects, buffers } = await runKernel(library, run, { isReversed });
  expect(problems).toEqual([]);
  expect(liveObjects, 'objects not released').toBe(0);
  const values = output.format.decode(buffers.get(output.index)!);
  expect(values.length).toBe(expected.length);
  const errors = expected.map((value, i) => Math.abs((values[i] as number) - value) / (1 + Math.abs(value)));
  expect(
    errors.every((error) => error <= tolerance),
    `largest error ${Math.max(...errors)}`,
  ).toBe(true);
}

describe.skipIf(reason)(`software Metal${skipped(reason)}`, () => {
  const folder = temporaryFolder();
  const builds: [string, { build: Build; fastMath?: boolean }][] = [
    ['fast', { build: 'fast' }],
    ['fast, with -ffast-math', { build: 'fast', fastMath: true }],
    ['checked', { build: 'checked' }],
  ];

  describe.each(builds)('build %s', (_, options) => {
    const libraries = new Map<string, string>();
    beforeAll(async () => {
      for (const file of files) {
        const { messages, library } = await compile(source(file), { ...options, folder });
        expect(messages).toBe('');
        libraries.set(file, library);
      }
    });
    test.each(kernelCases)('$name', (one) => expectRight(libraries.get(one.file)!, one, false));
    test.each(kernelCases)('$name, threadgroups and SIMD-groups last to first', (one) =>
      expectRight(libraries.get(one.file)!, one, true),
    );

    test('a function constant without a value', async () => {
      const { run } = kernelCases[0] as KernelCase;
      const { problems } = await runKernel(libraries.get('gemm')!, { ...run, constants: {} });
      expect(problems).toEqual(['function constant has_bias is used by gemm_nt_f16_32x32x16 and has no value']);
    });
  });

  test.each([...files, 'functions'])('%s.metal keeps to address spaces and C++14', async (file) => {
    const { messages, isCompiled } = await compile(source(file), { build: 'syntax', folder });
    expect(messages).toBe('');
    expect(isCompiled).toBe(true);
  });

  describe('without one of its barriers', () => {
    const barriers = files.flatMap((file) =>
      [...readFileSync(source(file), 'utf8').matchAll(/(threadgroup|simdgroup)_barrier\(.*?\);/g)].map((match) => {
        const before = readFileSync(source(file), 'utf8').slice(0, match.index);
        return { file, line: before.split('\n').length, begin: match.index, length: match[0].length };
      }),
    );

    test('there are barriers', () => expect(barriers.length).toBe(9));

    test.each(barriers)('in $file at line $line', async ({ file, line, begin, length }) => {
      const text = readFileSync(source(file), 'utf8');
      const changed = join(folder, `${file}-${line}.metal`);
      writeFileSync(changed, `${text.slice(0, begin)};${text.slice(begin + length)}`);
      const { library } = await compile(changed, { build: 'checked', folder });
      const found = [];
      for (const { run } of kernelCases.filter((one) => one.file === file)) {
        found.push(...(await runKernel(library, run)).problems);
        if (found.length > 0) break;
      }
      expect(found.join('\n')).toMatch(/^(race|uninitialised): /m);
    });
  });
});
