// Tokens into a model chunk by chunk, below what LanguageModel offers: logits of every row come back.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Device } from '../../src/index.js';
import { loadModel, type ModelLoadOptions } from '../../src/llm/load-model.js';
import { chunkProgram, submitChunk } from '../../src/llm/prefill.js';
import { Sequence } from '../../src/llm/sequence.js';
import { type Tail, Transformer } from '../../src/llm/transformer.js';
import { SHARED } from './small-model.js';

/** The repository's own models. */
export const MODELS = fileURLToPath(new URL('../../models/', import.meta.url));
const WEIGHTS = join(SHARED, 'models/demo-lm-7m-f16.gguf');
/** Why tests on models that the repository does not carry are skipped. */
export const WEIGHTS_MISSING = existsSync(WEIGHTS) ? undefined : `no models in ${SHARED}`;

export function openTransformer(device: Device, path: string, options: ModelLoadOptions = {}): Promise<Transformer> {
  return loadModel(path, { ...options, device }, ({ weights, shape }) =>
    Transformer.create(device, { ...shape, weights }),
  );
}

/** Logits behind each of the tokens, [tokens, vocabulary]; `sizes` take turns as lengths of chunks. */
export async function logitsByChunks(
  transformer: Transformer,
  ids: readonly number[],
  sizes: readonly number[],
): Promise<Float32Array> {
  const { vocabulary } = transformer.config;
  const sequence = new Sequence(transformer.cache, 0);
  const all = new Float32Array(ids.length * vocabulary);
  for (let first = 0, turn = 0; first < ids.length; turn++) {
    const chunk = ids.slice(first, first + sizes[turn % sizes.length]);
    const tail: Tail = { key: 'logits', record: (_, pass, final) => pass.logits(final, 0, chunk.length) };
    const program = await chunkProgram(transformer, chunk.length, tail);
    const [logits] = await submitChunk(transformer, program, { sequence, ids: chunk, read: [transformer.chunkLogits] });
    const stride = logits.length / transformer.logitRows;
    for (let row = 0; row < chunk.length; row++)
      all.set((logits as Float32Array).subarray(row * stride, row * stride + vocabulary), (first + row) * vocabulary);
    first += chunk.length;
  }
  sequence.truncate(0);
  return all;
}

/** Largest difference, in shares of the largest number that is wanted. */
export function relativeError(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let [largest, difference] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    largest = Math.max(largest, Math.abs(wanted[i]));
    const distance = Math.abs(got[i] - wanted[i]);
    if (!(distance <= difference)) difference = distance;
  }
  return difference / largest;
}

export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, left, right] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i];
    left += a[i] ** 2;
    right += b[i] ** 2;
  }
  return dot / Math.sqrt(left * right);
}
