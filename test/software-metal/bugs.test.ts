// What software Metal is for: planted bugs in kernels, in their language and in the use of the API are all found.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { correctLanguage, languageErrors } from './bugs/language.js';
import {
  compile,
  compiler,
  end,
  type Language,
  languages,
  programs,
  runKernel,
  temporaryFolder,
  whyNot,
} from './run.js';

const reason = whyNot();
const skipped = reason ? ` (skipped: ${reason})` : '';
const folder = temporaryFolder();

const kernelBugs: [bug: string, kernel: string, found: RegExp][] = [
  ['no barrier between threads', 'no_barrier', /^uninitialised: .*kernels\.metal:\d+/],
  ['no barrier between lanes', 'no_simdgroup_barrier', /^uninitialised: /],
  ['a barrier of the SIMD-group between SIMD-groups', 'barrier_of_simdgroup_only', /^uninitialised: /],
  [
    'a barrier for device memory where threadgroup memory is shared',
    'barrier_for_other_memory',
    /^race: read after a write/,
  ],
  ['a missing barrier between a read and the next write', 'write_after_read', /^race: /],
  ['a read past the end of a buffer', 'read_past_end', /^out-of-bounds: read .*past the end of buffer 0/],
  ['a write past the end of a buffer', 'write_past_end', /^out-of-bounds: write .*past the end of buffer 1/],
  ['a write past the end of a threadgroup array', 'threadgroup_past_end', /^undefined: array index out of bounds/],
  ['threadgroup memory that nobody wrote', 'uninitialised_threadgroup', /^uninitialised: /],
  ['two threadgroups that write the same place', 'two_threadgroups_write', /^race: .*of another threadgroup/],
  ['a race in device memory', 'device_race', /^race: .*of buffer 1/],
  ['a return before a barrier', 'return_before_barrier', /^divergence: .*not reached by 13 of 64 threads/],
  ['different barriers on two paths', 'two_barriers_for_one', /^divergence: threads wait at different/],
  ['a shuffle from past the SIMD-group', 'shuffle_past_end', /^shuffle: .*lane 32/],
  ['a shuffle from an inactive lane', 'shuffle_from_inactive', /^shuffle: .*lane 16/],
  ['a matrix product without all lanes', 'matrix_without_a_lane', /^divergence: simdgroup matrix operation/],
  ['an index past the end of a row', 'row_past_end', /^undefined: array index out of bounds/],
  ["an index past the end of a thread's array", 'private_past_end', /^undefined: array index out of bounds/],
  ['a shift by more than the width', 'large_shift', /^undefined: shift amount too large/],
  ['atomic and plain accesses of one place', 'atomic_and_plain', /^race: .*kernels\.metal:\d+/],
  ['a buffer that is not bound', 'unbound_buffer', /^out-of-bounds: .*an unbound buffer/],
];

describe.skipIf(reason)(`planted bugs in kernels${skipped}`, () => {
  let library: string;
  const run = (kernel: string) =>
    runKernel(library, {
      kernel,
      groups: [2],
      threads: [64],
      buffers: { 0: Float32Array.from({ length: 128 }, (_, i) => i), 1: new Float32Array(128) },
      bytes: { 2: Uint32Array.of(4) },
      memory: { 0: 256 },
    });

  beforeAll(async () => {
    const compiled = await compile(join(import.meta.dirname, 'bugs/kernels.metal'), { build: 'checked', folder });
    expect(compiled.isCompiled, compiled.messages).toBe(true);
    library = compiled.library;
  });

  test('no bug, no problem', async () => expect((await run('correct')).problems).toEqual([]));

  test.each(kernelBugs)('%s', async (_, kernel, found) => {
    const { problems, liveObjects } = await run(kernel);
    expect(problems[0]).toMatch(found);
    expect(liveObjects).toBe(0);
  });

  test('a matrix that nobody filled is NaN', async () => {
    const { problems, buffers } = await run('uninitialised_matrix');
    expect(problems).toEqual([]);
    expect(buffers.get(1)?.[0]).toBeNaN();
  });
});

describe.skipIf(reason)(`planted errors of the language${skipped}`, () => {
  async function check(name: string, text: string, language?: Language) {
    const source = join(folder, `${name.replace(/\W+/g, '-')}.metal`);
    writeFileSync(
      source,
      `#include <metal_stdlib>\n#include <metal_simdgroup_matrix>\nusing namespace metal;\n${text}\n`,
    );
    return compile(source, { build: 'syntax', language, folder });
  }

  test.each(languages)('what is right is accepted as %s', async (language) => {
    const { messages, isCompiled } = await check(`correct-${language}`, correctLanguage, language);
    expect(messages).toBe('');
    expect(isCompiled).toBe(true);
  });

  test.each(Object.entries(languageErrors))('%s', async (name, { text, message, language }) => {
    const { messages, isCompiled } = await check(name, text, language);
    expect(isCompiled).toBe(false);
    expect(messages).toMatch(message);
  });
});

const misuses: [misuse: string, found: RegExp | NodeJS.Signals][] = [
  ['commit with an encoder open', /commit with an encoder open/],
  ['two encoders open', /an encoder is still open/],
  ['use after endEncoding', /encoder used after endEncoding/],
  ['commit twice', /commit twice/],
  ['wait before commit', /waits for ever/],
  ['too many threads in a threadgroup', /2048 threads in a threadgroup; the limit is 1024/],
  ['setBytes of more than 4096 bytes', /setBytes of 5000 bytes/],
  ['setBytes for what the kernel writes', /buffer 2 is written, and bound with setBytes/],
  ['concurrent dispatches without a barrier', /conflicts with an earlier dispatch of this concurrent encoder/],
  [
    'concurrent dispatches that write overlapping parts of a buffer',
    /^race: write after a write by thread 1 of another dispatch of buffer 2, byte 4/,
  ],
  ['an untracked buffer in two encoders without a fence', /used by an earlier encoder, with no fence between/],
  ['a fence that nobody updates', /waitForFence before any updateFence/],
  ['a buffer that the residency set lacks', /no residency set of the queue keeps the buffer/],
  ['a residency set that was not committed', /no residency set/],
  ['a residency set that ended', /no residency set/],
  ['memory that is left in its residency set', /ends with 1 allocations in it/],
  ['a release too many', /release sent to a released object/],
  ['autorelease without a pool', /autoreleased with no pool in place/],
  ['a buffer released while the GPU uses it', /GPU access sent to a released object/],
  ['contents of a private buffer', 'SIGSEGV'],
  ['the CPU writes past the end of a buffer', 'SIGSEGV'],
  ['a fill that is not a multiple of 4 bytes', /multiples of 4/],
  ['a grid from past the end of a buffer', /indirect grid at offset 16/],
  ['a grid from what an earlier dispatch writes, without a barrier', /conflicts with an earlier dispatch/],
  ['a copy past the end of a buffer', /copyFromBuffer past the end/],
];

describe.skipIf(reason)(`planted misuses of the API${skipped}`, () => {
  const program = join(programs, 'software_metal_misuse');
  let library: string;
  beforeAll(async () => {
    const kernels = join(import.meta.dirname, 'kernels/gemv_q4.metal');
    ({ library } = await compile(kernels, { build: 'checked', folder }));
  });
  const use = (name: string) =>
    end(program, [library, name], {
      SOFTWARE_METAL_ZOMBIES: '1',
      SOFTWARE_METAL_COMPILER: `${process.execPath} ${compiler}`,
    });

  test.each([
    'a dispatch',
    'a grid from a buffer',
    'concurrent dispatches with a barrier',
    'parts of a buffer in concurrent dispatches',
    'an untracked buffer in two encoders with a fence',
    'memory that stays wired',
    'a library from bytes',
    'a library from source',
  ])('allowed: %s', async (name) => expect(await use(name)).toMatchObject({ status: 0, stderr: '' }));

  test.each(misuses)('%s', async (name, found) => {
    const { signal, stderr } = await use(name);
    expect(signal).toBe(typeof found === 'string' ? found : 'SIGABRT');
    if (typeof found !== 'string') expect(stderr).toMatch(found);
  });

  test('none is left out', async () => {
    const { stdout } = await end(program, ['--list']);
    expect(stdout.trimEnd().split('\n').sort()).toEqual(misuses.map(([name]) => name).sort());
  });
});
