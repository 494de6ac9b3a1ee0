import { expect, test } from 'vitest';
import { Activation } from '../../src/nn/activation.js';
import { type AttentionCall, recordAttention } from '../../src/nn/attention.js';
import { ropeTable } from '../../src/nn/rope.js';
import type { Device } from '../../src/runtime/device.js';
import type { Tensor } from '../../src/runtime/tensor.js';
import { describeDevices } from '../support/devices.js';
import { Random } from '../support/random.js';

const layout = { heads: 4, kvHeads: 2, headSize: 16, keyColumn: 64, valueColumn: 96, stride: 128 };
const TOKENS = 70;
const WINDOW = 50;

/** Attention of all tokens of a sequence, a number of rows at a time. */
async function attended(device: Device, order: AttentionCall['order'], rowsAtATime: number): Promise<Float32Array> {
  const random = new Random(7);
  const numbers = random.rows('normal', TOKENS, layout.stride);
  const made: Tensor[] = [];
  const keep = (tensor: Tensor) => {
    made.push(tensor);
    return tensor;
  };
  const named = new Map<string, Tensor>();
  const pages = keep(await device.tensorFrom(Uint32Array.of(0, 0, 0, 2, 0, 1), [2, 3]));
  const [keys, values] = [0, 1].map(() => keep(device.tensor('f16', [3, layout.kvHeads, 32, layout.headSize])));
  const table = keep(await device.tensorFrom(ropeTable({ dims: 16, positions: TOKENS, theta: 100 })));
  using output = Activation.allocate(device, { rows: rowsAtATime, columns: 64, form: 'f32' });
  const [projected, steps] = [
    keep(device.tensor('f32', [rowsAtATime, layout.stride])),
    keep(device.tensor('u32', [rowsAtATime, 4])),
  ];
  const result = new Float32Array(TOKENS * 64);
  using program = await device.record((recorder) =>
    recordAttention(recorder, {
      rows: rowsAtATime,
      order,
      projected,
      layout,
      rope: { table, style: 'halves', dims: 16 },
      cache: { keys, values, pages },
      steps,
      window: WINDOW,
      scale: 0.25,
      output,
      scratch: (name, type, shape) => {
        const tensor = named.get(name) ?? keep(device.tensor(type, shape));
        named.set(name, tensor);
        return tensor;
      },
    }),
  );
  for (let first = 0; first < TOKENS; first += rowsAtATime) {
    const live = Math.min(rowsAtATime, TOKENS - first);
    await projected.write(numbers.subarray(first * layout.stride, (first + live) * layout.stride));
    const words = Array.from({ length: rowsAtATime }, (_, i) => [1, i < live ? first + i : 0, 1, i < live ? 1 : 0]);
    await steps.write(Uint32Array.from(words.flat()));
    const { outputs } = await program.run({ read: [output.values] });
    const floats = new Float32Array(outputs[0].buffer, outputs[0].byteOffset, rowsAtATime * 64);
    result.set(floats.subarray(0, live * 64), first * 64);
  }
  for (const tensor of made) tensor.dispose();
  return result;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

describeDevices('attention', (device) => {
  test('steps, chunks and mixed rows give the same', async () => {
    const byStep = await attended(device(), 'steps', 1);
    expect(byStep.some((value) => value !== 0)).toBe(true);
    expect(byStep.every(Number.isFinite)).toBe(true);
    for (const rows of [6, 70]) {
      expect(largestDifference(await attended(device(), 'mixed', rows), byStep)).toBeLessThan(1e-5);
      expect(largestDifference(await attended(device(), 'chunk', rows), byStep)).toBeLessThan(1e-5);
    }
  });

  test('the same input gives the same bytes', async () => {
    const once = await attended(device(), 'mixed', 6);
    expect(await attended(device(), 'mixed', 6)).toEqual(once);
  });
});
