// Linear algebra for a codec's first weights: principal directions of data on a device, and random rotations.
import { tileConstants } from '../kernels/choices.js';
import type { Device } from '../runtime/device.js';
import type { Tensor } from '../runtime/tensor.js';
import { TILE } from './layout.js';
import type { Random } from './random.js';
import type { Turns } from './turns.js';

/** Directions beside the wanted ones that make the iteration converge fast. */
const SPARE = 16;
const ROUNDS = 12;
const SWEEPS = 12;
/** Rows of data that the directions are found from. */
const SAMPLE_ROWS = 32768;

export function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log((random.next() + 1) / 0x100000001));
  return radius * Math.cos((2 * Math.PI * random.next()) / 0x100000000);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** Makes the rows orthonormal in their order; a row that depends on those before becomes a random direction. */
async function orthonormalize(rows: readonly Float64Array[], random: Random, turns: Turns): Promise<void> {
  for (const [i, row] of rows.entries()) {
    for (let attempt = 0; ; attempt++) {
      const before = Math.sqrt(dot(row, row));
      for (let pass = 0; pass < 2; pass++) {
        for (let j = 0; j < i; j++) {
          const along = dot(row, rows[j]);
          for (let d = 0; d < row.length; d++) row[d] -= along * rows[j][d];
        }
        await turns.pause();
      }
      const length = Math.sqrt(dot(row, row));
      if (length > 1e-6 * before || attempt > 4) {
        for (let d = 0; d < row.length; d++) row[d] /= length || 1;
        break;
      }
      for (let d = 0; d < row.length; d++) row[d] = normal(random);
    }
  }
}

/** `count` orthonormal random directions. */
export async function randomDirections(
  count: number,
  dimensions: number,
  random: Random,
  turns: Turns,
): Promise<Float64Array[]> {
  const rows = Array.from({ length: count }, () => Float64Array.from({ length: dimensions }, () => normal(random)));
  await orthonormalize(rows, random, turns);
  return rows;
}

/** Rows combined: row i of the result is the sum over j of factors[i][j] rows[j]. */
export async function combine(
  factors: readonly Float64Array[],
  rows: readonly Float64Array[],
  turns: Turns,
): Promise<Float64Array[]> {
  const combined: Float64Array[] = [];
  for (const factor of factors) {
    const sum = new Float64Array(rows[0].length);
    for (const [j, row] of rows.entries()) for (let d = 0; d < sum.length; d++) sum[d] += factor[j] * row[d];
    combined.push(sum);
    await turns.pause();
  }
  return combined;
}

/** Rotates rows and columns p and q of a symmetric matrix, and the eigenvectors' rows with them. */
function rotate(matrix: Float64Array[], vectors: Float64Array[], p: number, q: number): void {
  const tangent2 = (matrix[q][q] - matrix[p][p]) / (2 * matrix[p][q]);
  const tangent = Math.sign(tangent2 || 1) / (Math.abs(tangent2) + Math.sqrt(tangent2 * tangent2 + 1));
  const cosine = 1 / Math.sqrt(tangent * tangent + 1);
  const sine = tangent * cosine;
  for (const row of matrix) {
    const x = row[p];
    row[p] = cosine * x - sine * row[q];
    row[q] = sine * x + cosine * row[q];
  }
  for (const rows of [matrix, vectors]) {
    const [a, b] = [rows[p], rows[q]];
    for (let i = 0; i < a.length; i++) {
      const x = a[i];
      a[i] = cosine * x - sine * b[i];
      b[i] = sine * x + cosine * b[i];
    }
  }
}

/** Eigenvectors of a symmetric matrix (cyclic Jacobi), those of the largest eigenvalues first. */
async function eigenvectors(matrix: Float64Array[], turns: Turns): Promise<Float64Array[]> {
  const size = matrix.length;
  const vectors = matrix.map((_, i) => Float64Array.from({ length: size }, (_, j) => (i === j ? 1 : 0)));
  const limit = 1e-9 * Math.max(...matrix.map((row, i) => Math.abs(row[i])));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let rotated = false;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        if (Math.abs(matrix[p][q]) <= limit) continue;
        rotate(matrix, vectors, p, q);
        rotated = true;
      }
      await turns.pause();
    }
    if (!rotated) break;
  }
  const order = matrix.map((row, i) => ({ i, value: row[i] })).sort((a, b) => b.value - a.value);
  return order.map(({ i }) => vectors[i]);
}

const tiles = (count: number) => Math.ceil(count / TILE);

/** data^T data of row-major data on the device. */
async function secondMoments(device: Device, data: Tensor, rows: number, dimensions: number): Promise<Tensor> {
  const moments = device.tensor('f32', [dimensions * dimensions]);
  try {
    using program = await device.record((recorder) => {
      recorder.dispatch('dense_layer', {
        buffers: { a: data, b: data, bias: data, other: data, result: moments },
        params: {
          rows: dimensions,
          columns: dimensions,
          depth: rows,
          aRow: 1,
          aStep: dimensions,
          bRow: 1,
          bStep: dimensions,
        },
        constants: { unrolled: tileConstants(device, 0).unrolled },
        grid: [tiles(dimensions), tiles(dimensions)],
      });
    });
    await program.run();
    return moments;
  } catch (error) {
    moments.dispose();
    throw error;
  }
}

interface DirectionsOptions {
  readonly rows: number;
  readonly dimensions: number;
  readonly count: number;
  readonly random: Random;
  readonly turns: Turns;
}

/** The `count` directions in which the data (row-major, as it is: not centred) is largest, orthonormal. */
export async function principalDirections(
  device: Device,
  data: Tensor,
  options: DirectionsOptions,
): Promise<Float64Array[]> {
  const { dimensions, count, random, turns } = options;
  const width = Math.min(dimensions, count + SPARE);
  const found = await randomDirections(width, dimensions, random, turns);
  if (count === dimensions) return found;
  using moments = await secondMoments(device, data, Math.min(options.rows, SAMPLE_ROWS), dimensions);
  using input = device.tensor('f32', [width * dimensions]);
  using result = device.tensor('f32', [width * dimensions]);
  using program = await device.record((recorder) => {
    recorder.dispatch('dense_layer', {
      buffers: { a: input, b: moments, bias: moments, other: moments, result },
      params: {
        rows: width,
        columns: dimensions,
        depth: dimensions,
        aRow: dimensions,
        aStep: 1,
        bRow: dimensions,
        bStep: 1,
      },
      constants: { unrolled: tileConstants(device, 0).unrolled },
      grid: [tiles(dimensions), tiles(width)],
    });
  });
  const apply = async () => {
    const flat = new Float32Array(width * dimensions);
    for (const [i, row] of found.entries()) flat.set(row, i * dimensions);
    const { outputs } = await program.run({ write: [[input, flat]], read: [result] });
    return found.map((_, i) => Float64Array.from(outputs[0].subarray(i * dimensions, (i + 1) * dimensions)));
  };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, row] of (await apply()).entries()) found[i].set(row);
    await orthonormalize(found, random, turns);
  }
  const applied = await apply();
  const small = found.map((row) => Float64Array.from(applied, (other) => dot(row, other)));
  for (let i = 0; i < width; i++)
    for (let j = 0; j < i; j++) small[i][j] = small[j][i] = (small[i][j] + small[j][i]) / 2;
  const best = (await eigenvectors(small, turns)).slice(0, count);
  return combine(best, found, turns);
}
