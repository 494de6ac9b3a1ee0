// Tokens of a sequence, one after the other: the next steps are on their way before a token is read.
import { isPenalized, type SamplingOptions } from '../nn/sampling.js';
import { type AbortOptions, abortable } from '../runtime/abort.js';
import type { Program } from '../runtime/program.js';
import { type Chunk, chunkProgram, observed, pageWrites, prefill, submitChunk } from './prefill.js';
import type { Sequence } from './sequence.js';
import { SamplingState, StepGroup } from './step-group.js';
import type { Transformer } from './transformer.js';

interface TokensOptions extends AbortOptions {
  readonly sampling: SamplingOptions;
  /** Tokens at most. */
  readonly limit: number;
}

/** Steps on their way while the host looks at a token: one runs, one waits behind it. */
const STEPS_IN_FLIGHT = 2;

export class Decoder implements Disposable {
  readonly transformer: Transformer;
  readonly sampling: SamplingState;
  readonly #groups = new Map<string, StepGroup>();

  constructor(transformer: Transformer) {
    this.transformer = transformer;
    this.sampling = new SamplingState(transformer.device, transformer.sequences, transformer.config.vocabulary);
  }

  /** Sequences of these slots that step together. */
  group(slots: readonly number[]): StepGroup {
    const key = slots.join(',');
    const known = this.#groups.get(key);
    if (known) return known;
    this.transformer.check();
    const made = new StepGroup(this.transformer.device, slots, this.sampling);
    this.#groups.set(key, made);
    return made;
  }

  /** The program of one step of a group. */
  stepProgram(group: StepGroup, penalised = false): Promise<Program> {
    const rows = group.slots.length;
    const tail = group.choosing(rows, penalised);
    return this.transformer.program({ kind: 'steps', rows, steps: group.steps, tail });
  }

  /** Forgets what the sequence has beyond the part that it shares with `prompt`; returns the length of that. */
  begin(sequence: Sequence, prompt: readonly number[]): number {
    // The last token is run again: its logits are needed.
    const shared = Math.min(sequence.sharedPrefix(prompt), prompt.length - 1);
    sequence.truncate(shared);
    return shared;
  }

  /** Continues `prompt`, after `begin`. Leaving the loop stops behind the steps in flight. */
  async *tokens(sequence: Sequence, prompt: readonly number[], options: TokensOptions): AsyncGenerator<number, void> {
    const { sampling, limit, signal } = options;
    const penalised = isPenalized(sampling);
    await this.sampling.begin(sequence.slot, sampling, penalised ? prompt : undefined);
    const group = this.group([sequence.slot]);
    const ids = await prefill(this.transformer, sequence, prompt.slice(sequence.length), signal);
    // Recorded before its time, and asked for again each time: meanwhile other texts may have driven it out of the cache.
    if (limit > 1) await this.stepProgram(group, penalised);
    const first = await chunkProgram(this.transformer, ids.length, group.choosing(ids.length, penalised));
    const pending = [observed(this.#first({ sequence, ids, signal }, group, first))];
    const read: number[] = [];
    let steps = 0;
    try {
      for (let next = pending.shift(); next; next = pending.shift()) {
        for (; pending.length < STEPS_IN_FLIGHT && steps + 1 < limit; steps++) {
          const program = await this.stepProgram(group, penalised);
          const step = this.#step(sequence, prompt.length + steps + 1, group, program);
          pending.push(observed(abortable(step, signal)));
        }
        const id = await next;
        read.push(id);
        yield id;
        signal?.throwIfAborted();
      }
    } finally {
      await Promise.allSettled(pending);
      for (const id of read.slice(0, steps)) sequence.ids.push(id);
    }
  }

  /** Submits the prompt's last chunk; resolves with the token behind it. */
  async #first(chunk: Chunk, group: StepGroup, program: Program): Promise<number> {
    const { sequence, ids } = chunk;
    const write = [group.step(0, ids[ids.length - 1], sequence.length + ids.length - 1)];
    const [chosen] = await submitChunk(this.transformer, program, { ...chunk, write, read: [group.chosen] });
    return chosen[0];
  }

  /** Submits a step, after which the sequence has `length` tokens. */
  async #step(sequence: Sequence, length: number, group: StepGroup, program: Program): Promise<number> {
    const { outputs } = await program.run({
      write: pageWrites(this.transformer, sequence, length),
      read: [group.chosen],
    });
    return outputs[0][0];
  }

  dispose(): void {
    this.sampling.dispose();
    for (const group of this.#groups.values()) group.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
