// Recorded products, norms and activations: weights in several segments, defaults of the calls, matrix units.
import { expect, test } from 'vitest';
import { hasMatrixUnits, offersMatrixUnits, testMatrixUnits } from '../../src/kernels/matrix-units.js';
import { Activation, type ActivationForm } from '../../src/nn/activation.js';
import { recordActivation } from '../../src/nn/feed-forward.js';
import { recordMatrix } from '../../src/nn/matrix.js';
import { recordNorm } from '../../src/nn/norm.js';
import { Weights } from '../../src/nn/weights.js';
import type { Device } from '../../src/runtime/device.js';
import { describeDevices } from '../support/devices.js';
import { Random } from '../support/random.js';
import { halvesOf, randomTiles } from '../support/weight-tiles.js';

const [OUTPUTS, COLUMNS] = [200, 96];

interface ProductCall {
  readonly form: ActivationForm;
  readonly rows: number;
  readonly random: Random;
}

/** Uploads tiles to as many segments as the device's bindings make of them. */
async function upload(device: Device, words: { quants: Uint32Array; scales: Uint32Array }): Promise<Weights> {
  const weights = Weights.allocate(device, { kind: 'int4', scaling: 'symmetric', rows: OUTPUTS, columns: COLUMNS });
  const tiles = Math.ceil(OUTPUTS / 32);
  for (const { firstTile, tiles: count, quants, scales } of weights.segments) {
    const part = (all: Uint32Array) => {
      const size = all.length / tiles;
      return all.slice(firstTile * size, (firstTile + count) * size);
    };
    await quants.write(part(words.quants));
    await scales.write(part(words.scales));
  }
  return weights;
}

function nmse(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let [error, power] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    error += (got[i] - wanted[i]) ** 2;
    power += wanted[i] ** 2;
  }
  return error / power;
}

function activationOf(
  device: Device,
  numbers: Float32Array,
  form: ActivationForm,
): Promise<[Activation, ArrayLike<number>]> {
  const activation = Activation.allocate(device, { rows: numbers.length / COLUMNS, columns: COLUMNS, form });
  const halves = halvesOf(numbers);
  const words = form === 'f16' ? halves.words : numbers;
  return activation.values.write(words).then(() => [activation, form === 'f16' ? halves.numbers : numbers]);
}

/** Of a product that is stored with a bias and then added to without; the rest of `results` stays as it is. */
async function productError(own: Device, weights: Weights, numbers: Float64Array | Float32Array, call: ProductCall) {
  const { form, rows, random } = call;
  const [input, inputs] = await activationOf(own, random.rows('normal', rows + 5, COLUMNS), form); // more than are used
  const biases = random.rows('normal', 1, OUTPUTS);
  const bias = await own.tensorFrom(biases);
  const stride = 256;
  const results = await own.tensorFrom(new Float32Array(rows * stride).fill(1));
  using program = await own.record((recorder) => {
    const product = { weights, input, rows, bias, results, stride, firstColumn: 8 };
    recordMatrix(recorder, product);
    recordMatrix(recorder, { ...product, bias: undefined, epilogue: 'add' });
  });
  const { outputs } = await program.run({ read: [results] });
  const wanted = new Float64Array(rows * stride).fill(1);
  for (let row = 0; row < rows; row++) {
    for (let output = 0; output < OUTPUTS; output++) {
      let sum = 0;
      for (let i = 0; i < COLUMNS; i++) sum += inputs[row * COLUMNS + i] * numbers[output * COLUMNS + i];
      wanted[row * stride + 8 + output] = 2 * sum + biases[output];
    }
  }
  for (const one of [input, bias, results]) one.dispose();
  return nmse(outputs[0] as Float32Array, wanted);
}

describeDevices('recorded layers', (device, kind) => {
  test.each(['f32', 'f16'] as const)('weights in segments times %s', async (form) => {
    using small = await kind.open({ maxBindingBytes: 4096 });
    const random = new Random(5);
    const tiles = randomTiles(random, { kind: 'int4', scaling: 'symmetric', rows: OUTPUTS, columns: COLUMNS });
    using weights = await upload(small, tiles);
    expect(weights.segments.length).toBeGreaterThan(1);
    // Only four rows, so that the results fit one small binding.
    expect(await productError(small, weights, tiles.numbers, { form, rows: 4, random })).toBeLessThan(1e-11);
  });

  test.each([1, 9, 32, 33])('%i rows are multiplied right on matrix units where there are such', async (rows) => {
    const onUnits = await testMatrixUnits(device());
    const random = new Random(6);
    const tiles = randomTiles(random, { kind: 'int4', scaling: 'symmetric', rows: OUTPUTS, columns: COLUMNS });
    using weights = await upload(device(), tiles);
    const error = await productError(device(), weights, tiles.numbers, { form: 'f16', rows, random });
    // Matrix units take weights as halves.
    expect(error).toBeLessThan(onUnits ? 1e-7 : 1e-11);
  });

  test('a norm and an activation take their defaults from the output', async () => {
    const random = new Random(6);
    const [hidden, norm] = await Promise.all([
      device().tensorFrom(random.rows('normal', 3, COLUMNS)),
      device().tensorFrom(new Float32Array(COLUMNS).fill(2)),
    ]);
    const source = (await hidden.read()) as Float32Array;
    using normed = Activation.allocate(device(), { rows: 3, columns: COLUMNS, form: 'f32' });
    using activated = Activation.allocate(device(), { rows: 1, columns: COLUMNS, form: 'f32' });
    using program = await device().record((recorder) => {
      recordNorm(recorder, { hidden, norm, epsilon: 1e-6, output: normed });
      recordActivation(recorder, { gated: hidden, output: activated, activation: 'gelu' });
    });
    const { outputs } = await program.run({ read: [normed.values, activated.values] });
    const [norms, gelus] = outputs.map((words) => new Float32Array(words.slice().buffer));
    const wantedNorms = source.map((_, i) => {
      const row = source.subarray(i - (i % COLUMNS), i - (i % COLUMNS) + COLUMNS);
      return (2 * source[i]) / Math.sqrt(row.reduce((sum, x) => sum + x * x, 0) / COLUMNS + 1e-6);
    });
    const wantedGelus = Float64Array.from({ length: COLUMNS }, (_, i) => {
      const [x, up] = [source[Math.floor(i / 32) * 64 + (i % 32)], source[Math.floor(i / 32) * 64 + 32 + (i % 32)]];
      return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))) * up;
    });
    expect(nmse(norms, wantedNorms)).toBeLessThan(1e-11);
    expect(nmse(gelus, wantedGelus)).toBeLessThan(1e-11);
    hidden.dispose();
    norm.dispose();
  });

  test('matrix units are used where the device has them and they multiply right', async () => {
    const works = await testMatrixUnits(device());
    expect(works).toBe(offersMatrixUnits(device()));
    expect(hasMatrixUnits(device())).toBe(works);
  });
});
