// The emulator's library functions against references in doubles and 32-bit integers.
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../support/random.js';
import { skipped } from '../support/skipped.js';
import { bf16, f16 } from './formats.js';
import { compile, runKernel, temporaryFolder, whyNot } from './run.js';

const reason = whyNot();
const random = new Random(5);
const lanes = Array.from({ length: 32 }, (_, lane) => lane);
const x = Uint32Array.from(lanes, () => random.word());
const f = Float32Array.from({ length: 160 }, () => random.uniform());
const at = (lane: number) => x[lane] as number;
const real = (lane: number) => f[lane] as number;
const bits = (v: number) => v.toString(2).padStart(32, '0');
const trailingZeros = (v: number) => (v === 0 ? 32 : 31 - Math.clz32(v & -v));
const rotated = (v: number, n: number) => ((v << n) | (n === 0 ? 0 : v >>> (32 - n))) >>> 0;
const sumOf = (values: readonly number[]) => values.reduce((a, b) => (a + b) >>> 0, 0);
const quad = (lane: number) => lane & ~3;
const vector = (lane: number) => [real(lane), 2 * real(lane), 1, lane];
const norm = (values: readonly number[]) => Math.hypot(...values);
const unorm = (v: number) => Math.round(Math.min(1, Math.max(0, v)) * 255);

type Rows = readonly [name: string, value: (lane: number) => number][];

const wholes: Rows = [
  ['popcount', (i) => bits(at(i)).replaceAll('0', '').length],
  ['clz', (i) => Math.clz32(at(i) >>> i)],
  ['ctz', (i) => trailingZeros((at(i) << i) >>> 0)],
  ['reverse_bits', (i) => Number.parseInt([...bits(at(i))].reverse().join(''), 2)],
  ['extract_bits', (i) => (at(i) >>> 5) & 2047],
  ['extract_bits of a signed number', (i) => ((at(i) << 16) >> 21) >>> 0],
  ['insert_bits', (i) => ((at(i) & ~(63 << 7)) | (i << 7)) >>> 0],
  ['mulhi', (i) => Number((BigInt(at(i)) * 2654435761n) >> 32n)],
  ['rotate', (i) => rotated(at(i), i)],
  ['a vector of shorts', (i) => (i % 4) + 1],
  ['as_type', (i) => (at(i) >>> 16) & 255],
  ['select', (i) => (i % 3 === 0 ? i : at(i))],
  ['clamp', (i) => Math.min(7, Math.max(-5, at(i) | 0)) >>> 0],
  ['pack_float_to_unorm4x8', (i) => (unorm(real(i)) | (128 << 8) | (255 << 24)) >>> 0],
];

const reals: Rows = [
  ['exp', (i) => Math.exp(real(i))],
  ['log2', (i) => Math.log2(1 + real(i))],
  ['rsqrt', (i) => 1 / Math.sqrt(1 + real(i))],
  ['tanh', (i) => Math.tanh(real(i))],
  ['fract', (i) => (real(i) * 10) % 1],
  ['sign', (i) => Math.sign(real(i) - 0.5)],
  ['mix', (i) => real(i) * 0.75 + 0.75],
  ['smoothstep', (i) => real(i) ** 2 * (3 - 2 * real(i))],
  ['fma', (i) => 2 * real(i) + 1],
  ['dot', (i) => norm(vector(i)) ** 2],
  ['length', (i) => norm(vector(i).slice(0, 2))],
  ['normalize', (i) => i / norm(vector(i))],
  ['half', (i) => f16.decode(f16.encode([real(i)]))[0] as number],
  ['bfloat', (i) => bf16.decode(bf16.encode([real(i)]))[0] as number],
  ['matrix times vector', (i) => 2 * real(i) + 4 * i],
  ['matrix times matrix', (i) => real(i) + 3],
  ['unpack_unorm4x8_to_float', (i) => ((at(i) >>> 8) & 255) / 255],
  ['any', (i) => Number(i > 30)],
  ['a cast to a vector', () => 1],
];

const ofLanes: Rows = [
  ['simd_sum', () => sumOf([...x])],
  ['simd_max', () => Math.max(...x)],
  ['simd_min', () => Math.min(...x)],
  ['simd_xor', () => x.reduce((a, b) => a ^ b) >>> 0],
  ['simd_prefix_inclusive_sum', (i) => sumOf([...x.slice(0, i + 1)])],
  ['simd_prefix_exclusive_sum', (i) => sumOf([...x.slice(0, i)])],
  ['simd_shuffle', (i) => at((i * 7) % 32)],
  ['simd_broadcast', () => at(3)],
  ['simd_shuffle_xor', (i) => at(i ^ 5)],
  ['simd_shuffle_up', (i) => at(i < 3 ? i : i - 3)],
  ['simd_shuffle_down', (i) => at(i + 3 > 31 ? i : i + 3)],
  ['simd_shuffle_rotate_up', (i) => at((i + 29) % 32)],
  ['simd_shuffle_rotate_down', (i) => at((i + 3) % 32)],
  ['simd_shuffle_and_fill_up', (i) => (i < 3 ? 9 : at(i - 3))],
  ['simd_shuffle_and_fill_down', (i) => (i + 3 > 31 ? 9 : at(i + 3))],
  ['quad_sum', (i) => sumOf([...x.slice(quad(i), quad(i) + 4)])],
  ['quad_shuffle_xor', (i) => at(i ^ 1)],
  ['quad_broadcast', (i) => at(quad(i) + 2)],
  ['simd_ballot', () => lanes.reduce((votes, lane) => (lane % 3 === 0 ? votes + 2 ** lane : votes), 0)],
  ['simd_any', () => 1],
  ['simd_all', () => 0],
  ['simd_broadcast_first', (i) => (i >= 5 ? at(5) : 0)],
];

describe.skipIf(reason)(`library functions${skipped(reason)}`, () => {
  const folder = temporaryFolder();
  const results = new Map<string, { whole: Uint32Array; real: Float32Array }>();

  beforeAll(async () => {
    const { library, messages } = await compile(join(import.meta.dirname, 'kernels/functions.metal'), {
      build: 'checked',
      folder,
    });
    expect(messages).toBe('');
    for (const kernel of ['whole_functions', 'real_functions', 'lane_functions', 'matrix_functions']) {
      const { problems, buffers } = await runKernel(library, {
        kernel,
        groups: [1],
        threads: [32],
        buffers: { 0: x, 1: f, 2: new Uint32Array(32 * 32), 3: new Float32Array(32 * 32) },
      });
      expect(problems).toEqual([]);
      results.set(kernel, { whole: buffers.get(2) as Uint32Array, real: buffers.get(3) as Float32Array });
    }
  });

  const numbered = (rows: Rows) => rows.map(([name, value], row) => [name, row, value] as const);
  const rowOf = (data: Uint32Array | Float32Array, row: number) => [...data.slice(row * 32, row * 32 + 32)];

  test.each(numbered(wholes))('%s', (_, row, value) => {
    expect(rowOf(results.get('whole_functions')!.whole, row)).toEqual(lanes.map(value));
  });
  test.each(numbered(reals))('%s', (_, row, value) => {
    const found = rowOf(results.get('real_functions')!.real, row);
    for (const lane of lanes) expect(found[lane]).toBeCloseTo(value(lane), lane === 0 ? 5 : 4);
  });
  test.each(numbered(ofLanes))('%s', (_, row, value) => {
    expect(rowOf(results.get('lane_functions')!.whole, row)).toEqual(lanes.map(value));
  });

  test('8 x 8 matrices with rows of 16, an origin, transposed', () => {
    const a = (r: number, c: number) => real((1 + r) * 16 + 8 + c);
    const b = (r: number, c: number) => real(c * 16 + 1 + r);
    const product = (r: number, c: number) => lanes.slice(0, 8).reduce((sum, k) => sum + a(r, k) * b(k, c), 0);
    const found = results.get('matrix_functions')!.real;
    for (let r = 0; r < 8; r++) {
      for (let c = 0; c < 8; c++) {
        expect(found[r * 8 + c]).toBeCloseTo(product(r, c), 4);
        expect(found[64 + c * 8 + r]).toBeCloseTo(product(r, c) + 2 * b(r, c), 4);
      }
    }
  });
});
