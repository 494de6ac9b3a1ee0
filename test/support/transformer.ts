// A Llama-like transformer of random weights, and what it says in float64, by plain loops.
import { Random } from './random.js';

export interface TransformerShape {
  readonly layers: number;
  readonly dimensions: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly vocabulary: number;
  readonly theta: number;
  readonly epsilon: number;
}

/** Row-major [rows, columns]. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly numbers: ArrayLike<number>;
}

export const MATRICES = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] as const;
export type LayerMatrix = (typeof MATRICES)[number];

export interface RandomLayer extends Readonly<Record<LayerMatrix, Matrix>> {
  readonly attentionNorm: Float32Array;
  readonly feedForwardNorm: Float32Array;
}

export interface RandomTransformer extends TransformerShape {
  readonly embedding: Matrix;
  readonly parts: readonly RandomLayer[];
  readonly finalNorm: Float32Array;
}

/** `sharpness` is a factor of queries and keys: how much attention prefers some tokens. */
export function randomTransformer(shape: TransformerShape, seed: number, sharpness = 1): RandomTransformer {
  const random = new Random(seed);
  const { dimensions, feedForward, heads, kvHeads, headSize, vocabulary, layers } = shape;
  const matrix = (rows: number, columns: number, factor = 1): Matrix => {
    const scale = factor / Math.sqrt(columns);
    return { rows, columns, numbers: Float32Array.from({ length: rows * columns }, () => scale * random.normal()) };
  };
  const norm = () => Float32Array.from({ length: dimensions }, () => 1 + 0.2 * random.normal());
  const layer = (): RandomLayer => ({
    attentionNorm: norm(),
    q: matrix(heads * headSize, dimensions, sharpness),
    k: matrix(kvHeads * headSize, dimensions, sharpness),
    v: matrix(kvHeads * headSize, dimensions),
    o: matrix(dimensions, heads * headSize),
    feedForwardNorm: norm(),
    gate: matrix(feedForward, dimensions),
    up: matrix(feedForward, dimensions),
    down: matrix(dimensions, feedForward),
  });
  const parts = Array.from({ length: layers }, layer);
  return { ...shape, embedding: matrix(vocabulary, dimensions, 4), parts, finalNorm: norm() };
}

export function times({ rows, columns, numbers }: Matrix, vector: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let i = 0; i < columns; i++) sum += numbers[row * columns + i] * vector[i];
    return sum;
  });
}

function normed(vector: Float64Array, weights: Float32Array, epsilon: number): Float64Array {
  const square = vector.reduce((sum, x) => sum + x * x, 0) / vector.length;
  return vector.map((x, i) => (x * weights[i]) / Math.sqrt(square + epsilon));
}

/** Turns neighbouring pairs of each head, in place. */
function turned(vector: Float64Array, position: number, { headSize, theta }: TransformerShape): Float64Array {
  for (let i = 0; i < vector.length; i += 2) {
    const angle = position * theta ** (-(i % headSize) / headSize);
    const [x, y] = [vector[i], vector[i + 1]];
    vector[i] = x * Math.cos(angle) - y * Math.sin(angle);
    vector[i + 1] = x * Math.sin(angle) + y * Math.cos(angle);
  }
  return vector;
}

function attended(
  query: Float64Array,
  past: { keys: Float64Array[]; values: Float64Array[]; length: number },
  { heads, kvHeads, headSize }: TransformerShape,
): Float64Array {
  const result = new Float64Array(heads * headSize);
  for (let head = 0; head < heads; head++) {
    const [from, shared] = [head * headSize, Math.floor((head * kvHeads) / heads) * headSize];
    const scores = new Float64Array(past.length).map((_, t) => {
      let sum = 0;
      for (let d = 0; d < headSize; d++) sum += query[from + d] * past.keys[t][shared + d];
      return sum / Math.sqrt(headSize);
    });
    const largest = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
    const shares = scores.map((score) => Math.exp(score - largest));
    const total = shares.reduce((sum, share) => sum + share, 0);
    for (let t = 0; t < past.length; t++)
      for (let d = 0; d < headSize; d++) result[from + d] += (shares[t] / total) * past.values[t][shared + d];
  }
  return result;
}

const added = (a: Float64Array, b: Float64Array) => a.map((x, i) => x + b[i]);
const silu = (x: number) => x / (1 + Math.exp(-x));

/** Logits behind each of `wanted`, positions of `ids`. */
export function referenceLogits(
  model: RandomTransformer,
  ids: readonly number[],
  wanted: readonly number[],
): Map<number, Float64Array> {
  const { embedding, parts, finalNorm, epsilon, dimensions } = model;
  const first = ids.map((id) =>
    Float64Array.from({ length: dimensions }, (_, i) => embedding.numbers[id * dimensions + i]),
  );
  let hidden = new Map<number, Float64Array>(first.entries());
  for (const [index, part] of parts.entries()) {
    const inputs = ids.map((_, t) => normed(hidden.get(t) as Float64Array, part.attentionNorm, epsilon));
    const keys = inputs.map((input, t) => turned(times(part.k, input), t, model));
    const values = inputs.map((input) => times(part.v, input));
    const next = new Map<number, Float64Array>();
    for (const t of index === parts.length - 1 ? wanted : ids.keys()) {
      const query = turned(times(part.q, inputs[t]), t, model);
      const attention = attended(query, { keys, values, length: t + 1 }, model);
      const middle = added(hidden.get(t) as Float64Array, times(part.o, attention));
      const input = normed(middle, part.feedForwardNorm, epsilon);
      const up = times(part.up, input);
      next.set(
        t,
        added(
          middle,
          times(
            part.down,
            times(part.gate, input).map((gate, i) => silu(gate) * up[i]),
          ),
        ),
      );
    }
    hidden = next;
  }
  return new Map(wanted.map((t) => [t, times(embedding, normed(hidden.get(t) as Float64Array, finalNorm, epsilon))]));
}
