// What a model says of given text: logits, and the probability of each token.
import { NO_TARGET, recordScores } from '../nn/scores.js';
import type { Tensor } from '../runtime/tensor.js';
import { chunkProgram, submitChunk } from './prefill.js';
import type { Sequence } from './sequence.js';
import type { Tail, Transformer } from './transformer.js';

/** Logits behind each token, [tokens, vocabulary] row-major. The sequence is overwritten. */
export async function logitsOf(
  transformer: Transformer,
  sequence: Sequence,
  ids: readonly number[],
  signal?: AbortSignal,
): Promise<Float32Array> {
  const { vocabulary } = transformer.config;
  const all = new Float32Array(ids.length * vocabulary);
  sequence.truncate(0);
  for (let first = 0; first < ids.length; first += transformer.logitRows) {
    signal?.throwIfAborted();
    const chunk = ids.slice(first, first + transformer.logitRows);
    const tail: Tail = { key: 'logits', record: (_, pass, final) => pass.logits(final, 0, chunk.length) };
    const program = await chunkProgram(transformer, chunk.length, tail);
    const [logits] = await submitChunk(transformer, program, { sequence, ids: chunk, read: [transformer.chunkLogits] });
    const stride = logits.length / transformer.logitRows;
    for (let row = 0; row < chunk.length; row++)
      all.set(logits.subarray(row * stride, row * stride + vocabulary) as Float32Array, (first + row) * vocabulary);
  }
  return all;
}

/** Natural logarithms of the probabilities of tokens. */
export class Scorer implements Disposable {
  readonly #transformer: Transformer;
  readonly #targets: Tensor;
  readonly #scores: Tensor;

  constructor(transformer: Transformer) {
    this.#transformer = transformer;
    this.#targets = transformer.device.tensor('u32', [transformer.logitRows]);
    this.#scores = transformer.device.tensor('f32', [transformer.logitRows]);
  }

  /** log p(targets[i] | ids[0..i]) for each i. The sequence is overwritten. */
  async scores(
    sequence: Sequence,
    ids: readonly number[],
    targets: readonly number[],
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    const { logitRows } = this.#transformer;
    const all = new Float32Array(ids.length);
    sequence.truncate(0);
    for (let first = 0; first < ids.length; first += logitRows) {
      signal?.throwIfAborted();
      const chunk = ids.slice(first, first + logitRows);
      const program = await chunkProgram(this.#transformer, chunk.length, this.#tail(chunk.length));
      const wanted = new Uint32Array(logitRows).fill(NO_TARGET);
      wanted.set(targets.slice(first, first + logitRows));
      const [scores] = await submitChunk(this.#transformer, program, {
        sequence,
        ids: chunk,
        write: [[this.#targets, wanted]],
        read: [this.#scores],
      });
      all.set(scores.subarray(0, chunk.length), first);
    }
    return all;
  }

  dispose(): void {
    this.#targets.dispose();
    this.#scores.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #tail(rows: number): Tail {
    return {
      key: 'scores',
      record: (recorder, pass, final) => {
        const { results, stride, vocabulary } = pass.logits(final, 0, rows);
        recordScores(recorder, {
          logits: results,
          targets: this.#targets,
          scores: this.#scores,
          rows,
          vocabulary,
          stride,
        });
      },
    };
  }
}
