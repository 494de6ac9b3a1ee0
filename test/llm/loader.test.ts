// Weights of files are on the device as they are in the file, whatever the landing tensors hold at a time; errors and
// aborts leave nothing behind.
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../src/index.js';
import { type LoadProgress, ProgressReport } from '../../src/llm/load-progress.js';
import { type LoadPlan, loadingBytes, loadWeights, type MatrixPlan, type VectorPlan } from '../../src/llm/loader.js';
import { allocatedBytes, checkMemory, plannedWeightBytes } from '../../src/llm/memory-plan.js';
import type { SourceTensor } from '../../src/llm/source-tensor.js';
import { readWeights } from '../../src/nn/host-weights.js';
import { describeDevices } from '../support/devices.js';
import { Random } from '../support/random.js';
import { fromHalf, toHalf } from '../support/weight-tiles.js';

const MIB = 2 ** 20;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wavetile-loader-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Stored {
  readonly source: SourceTensor;
  readonly numbers: Float64Array;
}

/** A file of tensors, each beginning where it is put, with the numbers that they stand for. */
class FileOfTensors {
  readonly path: string;
  readonly random = new Random(5);
  #bytes = Buffer.alloc(0);

  constructor(name: string) {
    this.path = join(folder, name);
  }

  #add(name: string, type: SourceTensor['type'], [rows, columns]: readonly number[], bytes: Uint8Array): SourceTensor {
    const gap = Buffer.alloc(2 + 2 * this.random.below(20));
    const offset = this.#bytes.length + gap.length;
    this.#bytes = Buffer.concat([this.#bytes, gap, bytes]);
    return { name, path: this.path, type, rows, columns, offset, bytes: bytes.length };
  }

  f32(name: string, rows: number, columns: number): Stored {
    const values = Float32Array.from({ length: rows * columns }, () => this.random.normal());
    const source = this.#add(name, 'F32', [rows, columns], new Uint8Array(values.buffer));
    return { source, numbers: Float64Array.from(values) };
  }

  f16(name: string, rows: number, columns: number): Stored {
    const bits = Uint16Array.from({ length: rows * columns }, () => toHalf(this.random.normal()));
    const source = this.#add(name, 'F16', [rows, columns], new Uint8Array(bits.buffer));
    return { source, numbers: Float64Array.from(bits, fromHalf) };
  }

  bf16(name: string, rows: number, columns: number): Stored {
    const values = Float32Array.from({ length: rows * columns }, () => this.random.normal());
    const words = new Uint32Array(values.buffer).map((word) => word & 0xffff0000);
    const source = this.#add(
      name,
      'BF16',
      [rows, columns],
      new Uint8Array(Uint16Array.from(words, (w) => w >>> 16).buffer),
    );
    return { source, numbers: Float64Array.from(new Float32Array(words.buffer)) };
  }

  q8(name: string, rows: number, columns: number): Stored {
    const blocks = (rows * columns) / 32;
    const bytes = Buffer.alloc(blocks * 34);
    const numbers = new Float64Array(rows * columns);
    for (let block = 0; block < blocks; block++) {
      const scale = toHalf(this.random.uniform() / 64);
      bytes.writeUInt16LE(scale, block * 34);
      for (let i = 0; i < 32; i++) {
        const quant = this.random.below(255) - 127;
        bytes.writeInt8(quant, block * 34 + 2 + i);
        numbers[block * 32 + i] = fromHalf(scale) * quant;
      }
    }
    return { source: this.#add(name, 'Q8_0', [rows, columns], bytes), numbers };
  }

  /** Q8_0 of bytes that are all 1. */
  ones(name: string, rows: number, columns: number): SourceTensor {
    return this.#add(name, 'Q8_0', [rows, columns], Buffer.alloc(((rows * columns) / 32) * 34, 1));
  }

  async write(): Promise<void> {
    await writeFile(this.path, this.#bytes);
  }
}

const plan = (matrices: MatrixPlan[], vectors: VectorPlan[] = []): LoadPlan => ({ matrices, vectors });

function whole(
  { source }: Pick<Stored, 'source'>,
  kind: MatrixPlan['shape']['kind'],
  scaling: MatrixPlan['shape']['scaling'],
): MatrixPlan {
  const { name, rows, columns } = source;
  return { name, shape: { kind, scaling, rows, columns }, parts: [{ source }] };
}

async function expectNumbers(weights: Parameters<typeof readWeights>[0], numbers: Float64Array): Promise<void> {
  const read = await readWeights(weights);
  expect(read.length).toBe(numbers.length);
  const wrong = read.findIndex((value, i) => value !== Math.fround(numbers[i]));
  expect(wrong, `number ${wrong} is ${read[wrong]}, must be ${numbers[wrong]}`).toBe(-1);
}

const rowsOfInterleaved = (first: Float64Array, second: Float64Array, tile: number): Float64Array =>
  Float64Array.from({ length: first.length * 2 }, (_, i) => {
    const [at, place] = [Math.floor(i / tile), i % tile];
    return (at % 2 === 0 ? first : second)[Math.floor(at / 2) * tile + place];
  });

describeDevices('loadWeights', (device, kind) => {
  test('fills matrices of every source from several files', async () => {
    const [a, b] = [new FileOfTensors(`kinds-a-${kind.backend}`), new FileOfTensors(`kinds-b-${kind.backend}`)];
    const stored = [a.f32('f32', 33, 40), a.q8('q8', 70, 96), b.f16('f16', 64, 50), b.bf16('bf16', 5, 32)];
    const [gate, up] = [a.q8('gate', 96, 64), b.q8('up', 96, 64)];
    await Promise.all([a.write(), b.write()]);
    const shape = { kind: 'int8', scaling: 'symmetric', rows: 192, columns: 64 } as const;
    const gateUp = {
      name: 'gate up',
      shape,
      parts: [
        { source: gate.source, firstTile: 0, tileStep: 2 },
        { source: up.source, firstTile: 1, tileStep: 2 },
      ],
    };
    const matrices = [
      whole(stored[0], 'f32', 'none'),
      whole(stored[1], 'int8', 'symmetric'),
      whole(stored[2], 'f16', 'none'),
      whole(stored[3], 'bf16', 'none'),
      gateUp,
    ];
    using loaded = await loadWeights(device(), plan(matrices));
    for (const { source, numbers } of stored) await expectNumbers(loaded.matrix(source.name), numbers);
    await expectNumbers(loaded.matrix('gate up'), rowsOfInterleaved(gate.numbers, up.numbers, 32 * 64));
    expect(() => loaded.matrix('other')).toThrow(RangeError);
  });

  test('makes vectors of any float f32, from parts, with one added', async () => {
    const file = new FileOfTensors(`vectors-${kind.backend}`);
    const [norm, q, k] = [file.bf16('norm', 1, 37), file.f16('q', 1, 10), file.f32('k', 1, 5)];
    await file.write();
    const vectors: VectorPlan[] = [
      { name: 'norm', length: 37, parts: [{ source: norm.source }], add: 1 },
      { name: 'bias', length: 64, parts: [{ source: q.source }, { source: k.source, first: 32 }] },
    ];
    using loaded = await loadWeights(device(), plan([], vectors));
    expect(await loaded.vector('norm').read()).toEqual(Float32Array.from(norm.numbers, (value) => value + 1));
    const bias = new Float32Array(64);
    bias.set(q.numbers);
    bias.set(k.numbers, 32);
    expect(await loaded.vector('bias').read()).toEqual(bias);
  });

  test('splits a matrix that is larger than a landing tensor, and its segments', async () => {
    using small = await kind.open({ maxBindingBytes: 16384 });
    const file = new FileOfTensors(`split-${kind.backend}`);
    const stored = [file.q8('large', 1000, 160), file.f16('tail', 31, 160), file.q8('second', 321, 64)];
    await file.write();
    const matrices = [
      whole(stored[0], 'int8', 'symmetric'),
      whole(stored[1], 'f16', 'none'),
      whole(stored[2], 'int8', 'symmetric'),
    ];
    using loaded = await loadWeights(small, plan(matrices));
    expect(loaded.matrix('large').segments.length).toBeGreaterThan(5);
    for (const { source, numbers } of stored) await expectNumbers(loaded.matrix(source.name), numbers);
  });

  test('quantizes plain numbers on the way', async () => {
    const file = new FileOfTensors(`quantize-${kind.backend}`);
    const { source, numbers } = file.f32('plain', 40, 64);
    await file.write();
    const matrix: MatrixPlan = { ...whole({ source }, 'int8', 'symmetric'), group: 64 };
    using loaded = await loadWeights(device(), plan([matrix]));
    const read = await readWeights(loaded.matrix('plain'));
    for (let i = 0; i < numbers.length; i++) expect(Math.abs(read[i] - numbers[i])).toBeLessThan(0.04);
    expect(read.some((value, i) => value !== numbers[i])).toBe(true);
  });

  test('tells how far it is, and gives its own memory back', async () => {
    const file = new FileOfTensors(`progress-${kind.backend}`);
    const stored = Array.from({ length: 30 }, (_, i) => file.q8(`matrix ${i}`, 64, 64));
    await file.write();
    const told: LoadProgress[] = [];
    const matrices = stored.map((one) => whole(one, 'int8', 'symmetric'));
    using own = await kind.open();
    const loaded = await loadWeights(own, plan(matrices), { onProgress: (progress) => told.push(progress) });
    const total = stored.reduce((sum, { source }) => sum + source.bytes, 0);
    expect(told.at(-1)).toMatchObject({ done: total, total, tensor: expect.stringMatching(/^matrix/) });
    await expect.poll(() => own.memory().liveBytes).toBe(plannedWeightBytes(plan(matrices)));
    loaded.dispose();
    expect(own.memory().liveBytes).toBe(0);
  });

  const failing = async (name: string) => {
    const file = new FileOfTensors(`${name}-${kind.backend}`);
    const stored = Array.from({ length: 8 }, (_, i) => file.ones(`matrix ${i}`, 512, 1024));
    const norm = file.f32('norm', 1, 1000);
    await file.write();
    const vectors = [{ name: 'norm', length: 1000, parts: [{ source: norm.source }] }];
    return {
      path: file.path,
      plan: plan(
        stored.map((source) => whole({ source }, 'int8', 'symmetric')),
        vectors,
      ),
    };
  };
  const expectNothingLeft = async (own: Device) => {
    // The driver's thread may still be about to let go of the last run.
    await expect.poll(() => own.memory().liveBytes).toBe(0);
  };

  test('of a truncated file is an error that leaves nothing', async () => {
    using own = await kind.open();
    const { path, plan } = await failing('truncated');
    await truncate(path, 2 * MIB);
    const loading = loadWeights(own, plan);
    await expect(loading).rejects.toMatchObject({
      code: 'INVALID_FILE',
      message: expect.stringContaining('truncated'),
    });
    await expectNothingLeft(own);
  });

  test('stops when aborted and leaves nothing', async () => {
    using own = await kind.open({ maxBindingBytes: 256 * 1024 });
    const { plan } = await failing('aborted');
    const controller = new AbortController();
    let last = 0;
    const onProgress = ({ done }: LoadProgress) => {
      last = done;
      controller.abort(new Error('enough'));
    };
    await expect(loadWeights(own, plan, { signal: controller.signal, onProgress })).rejects.toThrow('enough');
    expect(last).toBeGreaterThan(0);
    expect(last).toBeLessThan(4 * MIB);
    await expectNothingLeft(own);
    await expect(loadWeights(own, plan, { signal: controller.signal })).rejects.toThrow('enough');
  });

  test('on a device that is too small is refused and leaves nothing', async () => {
    using own = await kind.open({ memoryLimitBytes: 6 * MIB });
    const { plan } = await failing('small');
    await expect(loadWeights(own, plan)).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
    await expectNothingLeft(own);
  });

  test('says what of a plan cannot be', async () => {
    const { plan } = await failing('plans');
    const [matrix] = plan.matrices;
    const shape = { ...matrix.shape, rows: 544 };
    const load = (changed: MatrixPlan) => loadWeights(device(), { matrices: [changed], vectors: [] });
    await expect(load({ ...matrix, shape })).rejects.toThrow(/parts must fill tile 16/);
    await expect(load({ ...matrix, parts: [{ ...matrix.parts[0], firstTile: 1 }] })).rejects.toThrow(
      /tile 16 for itself/,
    );
    using tiny = await kind.open({ maxBindingBytes: 4096 });
    await expect(loadWeights(tiny, plan)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  test('is foretold: a model that does not fit is refused with numbers', async () => {
    using own = await kind.open({ memoryLimitBytes: 100 * MIB });
    const need = { weights: 50 * MIB, kvPerToken: 64 * 1024, tokens: 512, working: 4 * MIB, loading: 40 * MIB };
    checkMemory(own, need);
    expect(() => checkMemory(own, { ...need, tokens: 4096 })).toThrow(
      'the model needs 0.3 GB (weights 0.1 GB, KV cache 0.3 GB for 4096 tokens, working memory 4.2 MB), ' +
        'the device has 0.1 GB free (use a context of at most 736 tokens)',
    );
    const large = { ...need, weights: 99 * MIB, quantizable: true };
    expect(() => checkMemory(own, large)).toThrow(
      expect.objectContaining({ code: 'OUT_OF_MEMORY', suggestion: expect.stringMatching(/int4/) }),
    );
    using tensor = own.tensor('u8', [60 * MIB]);
    expect(() => checkMemory(own, need)).toThrow(/free/);
    expect(tensor.bytes).toBe(60 * MIB);
    expect(loadingBytes(own, plan([]))).toBeGreaterThan(0);
  });

  test('is planned in the sizes that the pool gives', async () => {
    using own = await kind.open();
    for (const bytes of [1, 256, 257, 1000, 1025, 5 * MIB, 64 * MIB, 64 * MIB + 4]) {
      const before = own.memory().liveBytes;
      using tensor = own.tensor('u8', [bytes]);
      expect(own.memory().liveBytes - before, `${tensor.bytes} bytes`).toBe(allocatedBytes(bytes));
    }
  });
});

test('progress is told once in a tenth of a second, and at the end', () => {
  const told: LoadProgress[] = [];
  let now = 1000;
  const report = new ProgressReport(
    50,
    (progress) => told.push(progress),
    () => now,
  );
  for (let i = 0; i < 5; i++, now += 60) report.add(10, `tensor ${i}`);
  expect(told.map(({ done, tensor }) => [done, tensor])).toEqual([
    [10, 'tensor 0'],
    [30, 'tensor 2'],
    [50, 'tensor 4'],
  ]);
  expect(told[1]).toMatchObject({ total: 50, bytesPerSecond: 30 / 0.12 });
});
