import { expect, test } from 'vitest';
import { readWeights, weightsFrom } from '../../src/nn/host-weights.js';
import { type RepackCall, recordRepack, type SourceType, sourceRowBytes, weightsFor } from '../../src/nn/repack.js';
import { Weights, weightBytes } from '../../src/nn/weights.js';
import { Device } from '../../src/runtime/device.js';
import { describeDevices } from '../support/devices.js';
import { BLOCK_TYPES, type BlockType, dequantize, randomBlocks } from '../support/quant-blocks.js';
import { Random } from '../support/random.js';
import { halvesOf } from '../support/weight-tiles.js';

/** Of 512 columns in int4: three tiles, so a pair, fit into one binding. */
const SMALL_BINDING = 3 * 32 * 256;

async function repack(
  device: Device,
  weights: Weights,
  bytes: Uint8Array,
  call: Omit<RepackCall, 'weights' | 'source'>,
) {
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  using source = await device.tensorFrom(padded);
  using program = await device.record((recorder) => recordRepack(recorder, { weights, source, ...call }));
  await program.run();
}

const random = (seed: number, rows: number, columns: number) => new Random(seed).rows('normal', rows, columns);

function relativeError(got: Float32Array, expected: Float32Array): number {
  let [error, power] = [0, 0];
  expected.forEach((number, i) => {
    error += (number - got[i]) ** 2;
    power += number ** 2;
  });
  return Math.sqrt(error / power);
}

describeDevices('weights', (device) => {
  test.each(BLOCK_TYPES)('%s comes back as the file has it', async (sourceType) => {
    const [rows, columns] = [70, 256];
    const bytes = randomBlocks(new Random(1), sourceType, rows * columns);
    using weights = Weights.allocate(device(), { ...weightsFor(sourceType), rows, columns });
    await repack(device(), weights, bytes, { sourceType, rows });
    expect(weights.bytes).toBe(weightBytes(weights));
    // -0 and 0 are the same weight.
    const expected = Float32Array.from(dequantize(sourceType, bytes), (number) => number + 0);
    expect((await readWeights(weights)).map((number) => number + 0)).toEqual(expected);
  });

  test('plain numbers keep their values, and halves most of them', async () => {
    const numbers = random(2, 45, 172);
    const shape = { rows: 45, columns: 172 };
    using exact = await weightsFrom(device(), numbers, { ...shape, kind: 'f32' });
    expect(await readWeights(exact)).toEqual(numbers);
    using halves = await weightsFrom(device(), numbers, { ...shape, kind: 'f16' });
    expect(relativeError(await readWeights(halves), numbers)).toBeLessThan(2 ** -11);
    using bfloats = await weightsFrom(device(), numbers, { ...shape, kind: 'bf16' });
    expect(relativeError(await readWeights(bfloats), numbers)).toBeLessThan(2 ** -8);
  });

  test.each([
    ['int8', 'symmetric', 32, 0.007],
    ['int8', 'affine', 128, 0.008],
    ['int4', 'symmetric', 32, 0.085],
    ['int4', 'affine', 32, 0.085],
    ['int4', 'symmetric', 128, 0.115],
  ] as const)('%s %s in groups of %i has an error below %f', async (kind, scaling, group, limit) => {
    const numbers = random(3, 40, 256);
    using weights = await weightsFrom(device(), numbers, { rows: 40, columns: 256, kind, scaling, group });
    expect(relativeError(await readWeights(weights), numbers)).toBeLessThan(limit);
  });

  test('misuse is named', () => {
    const shape = { rows: 64, columns: 96, kind: 'int4', scaling: 'symmetric' } as const;
    expect(() => Weights.allocate(device(), { ...shape, scaling: 'none' })).toThrow(/scaling of int4 must be one of/);
    expect(() => sourceRowBytes('Q4_K', 96)).toThrow('columns must be a multiple of 256 for Q4_K, got 96');
    expect(weightsFor('Q6_K', { quantize: 'int4' })).toEqual({ kind: 'int8', scaling: 'super16' });
    expect(weightsFor('BF16', { quantize: 'int4' })).toEqual({ kind: 'int4', scaling: 'symmetric' });
    using weights = Weights.allocate(device(), shape);
    using source = device().tensor('u32', [4096]);
    const record = (call: Partial<RepackCall>) =>
      device().record((recorder) => recordRepack(recorder, { weights, source, sourceType: 'Q4_0', rows: 64, ...call }));
    expect(() => record({ sourceType: 'Q8_0' })).toThrow('Q8_0 must not become int4 symmetric weights');
    expect(() => record({ firstTile: 1 })).toThrow(/firstTile must be an integer from 0 to 0, got 1/);
    expect(() => record({ sourceOffset: 16384 })).toThrow(/sourceOffset must be/);
    expect(() => record({ sourceType: 'F32', group: 48 })).toThrow(/group must be one of 32, 64, 128/);
  });
});

describeDevices('weights in several segments', (_, { backend }) => {
  const open = () => Device.open({ backend, maxBindingBytes: SMALL_BINDING });

  test('tiles of two matrices take turns, over segments and in two pieces', async () => {
    using device = await open();
    const [rows, columns, sourceType]: [number, number, BlockType & SourceType] = [160, 512, 'Q4_0'];
    const bytes = [5, 6].map((seed) => randomBlocks(new Random(seed), sourceType, rows * columns));
    using weights = Weights.allocate(device, { ...weightsFor(sourceType), rows: 2 * rows, columns });
    expect(weights.segments.map(({ firstTile, tiles }) => [firstTile, tiles])).toEqual(
      [0, 2, 4, 6, 8].map((at) => [at, 2]),
    );
    const half = 32 * sourceRowBytes(sourceType, columns);
    for (const [which, all] of bytes.entries()) {
      await repack(device, weights, all.subarray(0, half), { sourceType, rows: 32, firstTile: which, tileStep: 2 });
      for (let row = 32; row < rows; row += 64) {
        const piece = all.subarray((row / 32) * half, (row / 32 + 2) * half);
        await repack(device, weights, piece, { sourceType, rows: 64, firstTile: which + row / 16, tileStep: 2 });
      }
    }
    const got = (await readWeights(weights)).map((number) => number + 0);
    for (const [which, all] of bytes.entries()) {
      const expected = Float32Array.from(dequantize(sourceType, all), (number) => number + 0);
      for (let tile = 0; tile < rows / 32; tile++) {
        const at = (tile * 2 + which) * 32 * columns;
        const wanted = expected.subarray(tile * 32 * columns, (tile + 1) * 32 * columns);
        expect(got.subarray(at, at + 32 * columns)).toEqual(wanted);
      }
    }
  });

  test('one call reaches every second tile of all segments', async () => {
    using device = await open();
    const [rows, columns] = [96, 128];
    const numbers = [7, 8].map((seed) => halvesOf(random(seed, rows, columns)));
    using weights = Weights.allocate(device, { kind: 'f32', scaling: 'none', rows: 2 * rows, columns });
    expect(weights.segments.length).toBe(6);
    for (const [firstTile, { words }] of numbers.entries()) {
      const bytes = new Uint8Array(words.buffer);
      await repack(device, weights, bytes, { sourceType: 'F16', rows, firstTile, tileStep: 2 });
    }
    const got = await readWeights(weights);
    const expected = Float32Array.from({ length: got.length }, (_, i) => {
      const [tile, within] = [Math.floor(i / (32 * columns)), i % (32 * columns)];
      return numbers[tile % 2].numbers[Math.floor(tile / 2) * 32 * columns + within];
    });
    expect(got).toEqual(expected);
  });
});
