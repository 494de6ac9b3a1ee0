// Clustered vectors for measurements: the same numbers from the same seed, made in slices so that others can run.
import { setImmediate } from 'node:timers/promises';

/** xorshift32; quality enough for test data, and fast. */
class Noise {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) | 1;
  }

  word(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0;
  }

  /** Sum of four uniforms: near enough to a normal distribution of variance 1/3. */
  number(): number {
    const a = this.word();
    const b = this.word();
    return ((a & 0xffff) + (a >>> 16) + (b & 0xffff) + (b >>> 16)) / 65536 - 2;
  }
}

export interface SyntheticShape {
  readonly rows: number;
  readonly dimensions: number;
  readonly seed: number;
}

/** Like trained embeddings, rows vary along few directions within their cluster, so that codes can describe them. */
const LATENT = 12;
const CLUSTERS = 1000;

/**
 * Rows around centres. Centres and directions are the same for every seed, so that queries come from where the base
 * does.
 */
export async function syntheticVectors({ rows, dimensions, seed }: SyntheticShape): Promise<Float32Array> {
  const shared = new Noise(1);
  const centres = Float32Array.from({ length: CLUSTERS * dimensions }, () => shared.number());
  const directions = Float32Array.from({ length: LATENT * dimensions }, () => 0.4 * shared.number());
  const noise = new Noise(seed);
  const vectors = new Float32Array(rows * dimensions);
  for (let row = 0; row < rows; row++) {
    const vector = vectors.subarray(row * dimensions, (row + 1) * dimensions);
    const centre = (noise.word() % CLUSTERS) * dimensions;
    for (let d = 0; d < dimensions; d++) vector[d] = centres[centre + d] + 0.05 * noise.number();
    for (let i = 0; i < LATENT; i++) {
      const along = noise.number();
      for (let d = 0; d < dimensions; d++) vector[d] += along * directions[i * dimensions + d];
    }
    if (row % 512 === 0) await setImmediate();
  }
  return vectors;
}
