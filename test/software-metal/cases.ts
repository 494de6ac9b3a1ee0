// Kernels in kernels/*.metal with their inputs, and references in plain loops over doubles.
import { Random } from '../support/random.js';
import { bf16, type Format, f16, f32 } from './formats.js';
import type { Data, KernelRun } from './run.js';

export interface KernelCase {
  readonly name: string;
  /** Below kernels/, without extension. */
  readonly file: string;
  readonly run: KernelRun;
  readonly output: { readonly index: number; readonly format: Format };
  readonly expected: readonly number[];
  /** Of the difference, as a share of 1 + |expected|. */
  readonly tolerance: number;
}

const random = new Random(11);

/** Seeded numbers in a format, and what is left of them in it. */
function numbers(count: number, format: Format, scale = 1) {
  const data = format.encode(Array.from({ length: count }, () => (2 * random.uniform() - 1) * scale));
  return { data, values: format.decode(data) };
}

const zeros = (count: number, format: Format) => format.encode(new Array<number>(count).fill(0));

const gelu = (x: number) => 0.5 * x * (1 + Math.tanh(0.7978845608 * (x + 0.044715 * x * x * x)));

interface Product {
  readonly kernel: string;
  readonly format: Format;
  readonly tile: readonly [number, number];
  readonly shape: readonly [number, number, number];
  readonly hasBias?: boolean;
  readonly tolerance: number;
}

function product({ kernel, format, tile, shape, hasBias = false, tolerance }: Product): KernelCase {
  const [rows, columns, depth] = shape;
  const a = numbers(rows * depth, format);
  const b = numbers(columns * depth, format);
  const bias = numbers(columns, format);
  const expected: number[] = [];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = hasBias ? (bias.values[j] as number) : 0;
      for (let k = 0; k < depth; k++) sum += (a.values[i * depth + k] as number) * (b.values[j * depth + k] as number);
      expected.push(hasBias ? gelu(sum) : sum);
    }
  }
  const buffers: Record<number, Data> = { 0: a.data, 1: b.data, 2: zeros(rows * columns, format) };
  if (hasBias) buffers[4] = bias.data;
  return {
    name: `${kernel}, ${rows} x ${columns} x ${depth}${hasBias ? ', bias and GELU' : ''}`,
    file: 'gemm',
    run: {
      kernel,
      groups: [Math.ceil(columns / tile[1]), Math.ceil(rows / tile[0])],
      threads: [128],
      buffers,
      bytes: { 3: Uint32Array.of(rows, columns, depth, depth, depth, columns) },
      constants: hasBias ? { 0: true, 1: true } : { 0: false },
    },
    output: { index: 2, format },
    expected,
    tolerance,
  };
}

function softmax(rows: number, columns: number): KernelCase {
  const input = numbers(rows * columns, f16, 8);
  const expected: number[] = [];
  for (let row = 0; row < rows; row++) {
    const values = input.values.slice(row * columns, (row + 1) * columns);
    const top = values.reduce((a, b) => Math.max(a, b));
    const sum = values.reduce((total, value) => total + Math.exp(value - top), 0);
    expected.push(...values.map((value) => Math.exp(value - top) / sum));
  }
  return {
    name: `softmax_f16, ${rows} x ${columns}`,
    file: 'attention',
    run: {
      kernel: 'softmax_f16',
      groups: [rows],
      threads: [256],
      buffers: { 0: input.data, 1: zeros(rows * columns, f16) },
      bytes: { 2: Uint32Array.of(columns) },
      memory: { 0: 128 },
    },
    output: { index: 1, format: f16 },
    expected,
    tolerance: 1e-4,
  };
}

interface Heads {
  readonly size: 64 | 128;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly keyHeads: number;
}

function attentionReference({ size, queries, keys, heads, keyHeads }: Heads, q: number[], k: number[], v: number[]) {
  const expected: number[] = [];
  for (let query = 0; query < queries; query++) {
    for (let head = 0; head < heads; head++) {
      const first = Math.floor((head * keyHeads) / heads) * keys;
      const seen = keys - queries + query + 1;
      const scores = Array.from({ length: seen }, (_, key) => {
        let sum = 0;
        for (let d = 0; d < size; d++)
          sum += (q[(query * heads + head) * size + d] as number) * (k[(first + key) * size + d] as number);
        return sum / Math.sqrt(size);
      });
      const top = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - top));
      const total = weights.reduce((a, b) => a + b);
      for (let d = 0; d < size; d++)
        expected.push(weights.reduce((sum, w, key) => sum + w * (v[(first + key) * size + d] as number), 0) / total);
    }
  }
  return expected;
}

function attention(heads: Heads): KernelCase {
  const { size, queries, keys } = heads;
  const q = numbers(queries * heads.heads * size, f16);
  const k = numbers(heads.keyHeads * keys * size, f16);
  const v = numbers(heads.keyHeads * keys * size, f16);
  const parameters = new Uint32Array(5);
  parameters.set([keys, queries, keys * size, heads.heads / heads.keyHeads]);
  new Float32Array(parameters.buffer)[4] = 1 / Math.sqrt(size);
  return {
    name: `flash_decode_f16_d${size}, ${queries} queries, ${keys} keys`,
    file: 'attention',
    run: {
      kernel: `flash_decode_f16_d${size}`,
      groups: [heads.heads, queries],
      threads: [128],
      buffers: { 0: q.data, 1: k.data, 2: v.data, 3: zeros(q.values.length, f16) },
      bytes: { 4: parameters },
    },
    output: { index: 3, format: f16 },
    expected: attentionReference(heads, q.values, k.values, v.values),
    tolerance: 2e-3,
  };
}

function quantizedProduct(rows: number, columns: number): KernelCase {
  const words = Uint32Array.from({ length: (rows * columns) / 8 }, () => random.word());
  const scales = numbers((rows * columns) / 32, f16, 0.1);
  const x = numbers(columns, f16);
  const expected = Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let k = 0; k < columns; k++) {
      const i = row * columns + k;
      const quantum = (((words[i >> 3] as number) >>> ((k % 8) * 4)) & 15) - 8;
      sum += quantum * (scales.values[i >> 5] as number) * (x.values[k] as number);
    }
    return sum;
  });
  return {
    name: `gemv_q4_f16, ${rows} x ${columns}`,
    file: 'gemv_q4',
    run: {
      kernel: 'gemv_q4_f16',
      groups: [Math.ceil(rows / 8)],
      threads: [64],
      buffers: { 0: words, 1: scales.data, 2: x.data, 3: zeros(rows, f16) },
      bytes: { 4: Uint32Array.of(rows, columns) },
    },
    output: { index: 3, format: f16 },
    expected,
    tolerance: 2e-3,
  };
}

const packed: KernelCase = {
  name: 'add_f32, packed_float3',
  file: 'gemv_q4',
  run: {
    kernel: 'add_f32',
    groups: [1],
    threads: [2],
    buffers: { 0: Float32Array.of(1, 2, 3, 4, 5, 6), 1: Float32Array.of(10, 20), 2: new Float32Array(2) },
  },
  output: { index: 2, format: f32 },
  expected: [17, 54],
  tolerance: 0,
};

/** How kernels can be written: namespaces, instantiations, attributes, constants, members, declarators. */
function written(kernel: string, { bias }: { bias?: number }): KernelCase {
  const x = numbers(64, f32);
  const buffers: Record<number, Data> = { 0: x.data, 1: new Float32Array(64) };
  if (bias !== undefined) buffers[2] = Float32Array.of(bias);
  const table = [0.25, 0.5, 1000, 2];
  return {
    name: `${kernel}${bias === undefined ? '' : ', with a bias'}`,
    file: 'syntax',
    run: { kernel, groups: [2], threads: [32], buffers, constants: bias === undefined ? {} : { 0: true, 1: 3 } },
    output: { index: 1, format: f32 },
    expected: x.values.map((_, i) => {
      const mirrored = x.values[(i & ~31) + 31 - (i % 32)] as number;
      const sum = mirrored + (table[i % 4] as number) + (bias ?? 0) * 6;
      return kernel.endsWith('_f16') ? (f16.decode(f16.encode([sum]))[0] as number) : sum;
    }),
    tolerance: 1e-6,
  };
}

export const kernelCases: readonly KernelCase[] = [
  product({
    kernel: 'gemm_nt_f16_32x32x16',
    format: f16,
    tile: [32, 32],
    shape: [100, 75, 68],
    hasBias: true,
    tolerance: 2e-3,
  }),
  product({ kernel: 'gemm_nt_f32_32x32x16', format: f32, tile: [32, 32], shape: [64, 64, 64], tolerance: 1e-5 }),
  product({ kernel: 'gemm_nt_bf16_32x32x16', format: bf16, tile: [32, 32], shape: [64, 64, 64], tolerance: 2e-2 }),
  product({ kernel: 'gemm_nt_f16_64x32x32', format: f16, tile: [64, 32], shape: [64, 64, 64], tolerance: 2e-3 }),
  softmax(5, 1000),
  attention({ size: 64, queries: 2, keys: 133, heads: 8, keyHeads: 2 }),
  attention({ size: 128, queries: 2, keys: 133, heads: 8, keyHeads: 2 }),
  quantizedProduct(250, 256),
  packed,
  written('plain_f32', {}),
  written('plain_f32', { bias: 0.5 }),
  written('mirrored_f32', { bias: 0.25 }),
  written('mirrored_f16', {}),
];
