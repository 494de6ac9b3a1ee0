// A prompt into the KV cache, chunk by chunk.
import { LIVE } from '../nn/sampling.js';
import { abortable } from '../runtime/abort.js';
import type { TypedArray } from '../runtime/data-types.js';
import type { Program } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import type { Sequence } from './sequence.js';
import type { Tail, Transformer } from './transformer.js';

/** Chunks on their way: one runs, one waits behind it. */
const CHUNKS_IN_FLIGHT = 2;

export interface Chunk {
  readonly sequence: Sequence;
  readonly ids: readonly number[];
  readonly write?: readonly (readonly [Tensor, TypedArray])[];
  readonly read?: readonly Tensor[];
  readonly signal?: AbortSignal | undefined;
}

/** A promise whose failure is looked at later. */
export function observed<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** The page table's row of a sequence that got new pages. */
export function pageWrites(transformer: Transformer, sequence: Sequence, tokens: number): [Tensor, TypedArray][] {
  const row = sequence.reserve(tokens);
  if (!row) return [];
  const [, stride] = transformer.pages.shape;
  return [[transformer.pages.slice(sequence.slot * stride, stride), row]];
}

/** The program of a chunk of so many tokens. */
export function chunkProgram(transformer: Transformer, rows: number, tail?: Tail): Promise<Program> {
  return transformer.program({ kind: 'chunk', rows, ...(tail && { tail }) });
}

/** Submits tokens that follow those of the sequence, at once: even aborted ones will be in the cache. Resolves with what was read. */
export async function submitChunk(transformer: Transformer, program: Program, chunk: Chunk): Promise<TypedArray[]> {
  const { sequence, ids, write = [], read = [], signal } = chunk;
  const steps = new Uint32Array(ids.length * 4);
  for (const [row, id] of ids.entries()) steps.set([id, sequence.length + row, sequence.slot, LIVE.sampled], row * 4);
  const pages = pageWrites(transformer, sequence, sequence.length + ids.length);
  for (const id of ids) sequence.ids.push(id);
  const run = program.run({ write: [...pages, [transformer.chunkSteps, steps], ...write], read });
  return (await abortable(run, signal)).outputs;
}

/** Runs all but the last chunk; returns the last one, which is left to the caller. */
export async function prefill(
  transformer: Transformer,
  sequence: Sequence,
  ids: readonly number[],
  signal: AbortSignal | undefined,
): Promise<readonly number[]> {
  const { chunkRows } = transformer;
  const running: Promise<unknown>[] = [];
  let left = ids;
  for (; left.length > chunkRows; left = left.slice(chunkRows)) {
    signal?.throwIfAborted();
    const program = await chunkProgram(transformer, chunkRows);
    running.push(observed(submitChunk(transformer, program, { sequence, ids: left.slice(0, chunkRows), signal })));
    if (running.length >= CHUNKS_IN_FLIGHT) await running.shift();
  }
  await Promise.all(running);
  signal?.throwIfAborted();
  return left;
}
