// Sequences that take their steps together: what their programs read and write, and the sampling state of all slots.
import {
  encodeSampling,
  LIVE,
  promptCounts,
  recordSampling,
  SAMPLING_WORDS,
  type SamplingOptions,
  winnerWords,
} from '../nn/sampling.js';
import type { TypedArray } from '../runtime/data-types.js';
import type { Device } from '../runtime/device.js';
import type { Tensor } from '../runtime/tensor.js';
import type { Tail } from './transformer.js';

/** How each slot's tokens are chosen. */
export class SamplingState implements Disposable {
  readonly vocabulary: number;
  /** u32 [slots, SAMPLING_WORDS] */
  readonly states: Tensor;
  readonly #device: Device;
  readonly #slots: number;
  #counts: Tensor | undefined;

  constructor(device: Device, slots: number, vocabulary: number) {
    this.#device = device;
    this.#slots = slots;
    this.vocabulary = vocabulary;
    this.states = device.tensor('u32', [slots, SAMPLING_WORDS]);
  }

  /** u32 [slots, vocabulary]; only texts with penalties need it. */
  get counts(): Tensor {
    this.#counts ??= this.#device.tensor('u32', [this.#slots, this.vocabulary]);
    return this.#counts;
  }

  /** Begins a text in a slot. */
  async begin(slot: number, options: SamplingOptions, penalised: ArrayLike<number> | undefined): Promise<void> {
    await this.states.write(encodeSampling(options, this.vocabulary), slot * SAMPLING_WORDS);
    if (penalised) await this.counts.write(promptCounts(penalised, this.vocabulary), slot * this.vocabulary);
  }

  dispose(): void {
    this.states.dispose();
    this.#counts?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

export class StepGroup implements Disposable {
  readonly slots: readonly number[];
  /** u32 [rows, 4]: the token that each sequence continues with, its position, the slot. */
  readonly steps: Tensor;
  /** u32 [rows] */
  readonly chosen: Tensor;
  readonly #winners: Tensor;
  readonly #sampling: SamplingState;

  constructor(device: Device, slots: readonly number[], sampling: SamplingState) {
    this.slots = slots;
    this.#sampling = sampling;
    this.steps = device.tensor('u32', [slots.length, 4]);
    this.chosen = device.tensor('u32', [slots.length]);
    this.#winners = device.tensor('u32', [winnerWords(slots.length, sampling.vocabulary)]);
  }

  get key(): string {
    return this.slots.join(',');
  }

  /** What makes row `row` go on behind `token` at `position`. */
  step(row: number, token: number, position: number): readonly [Tensor, TypedArray] {
    return [this.steps.slice(row * 4, 4), Uint32Array.of(token, position, this.slots[row], LIVE.sampled)];
  }

  /** Chooses the token behind the last `slots.length` rows of a pass of `rows` rows. */
  choosing(rows: number, penalised: boolean): Tail {
    const count = this.slots.length;
    const { vocabulary, states } = this.#sampling;
    return {
      key: `choose ${this.key} ${penalised}`,
      record: (recorder, pass, final) => {
        const { results, stride } = pass.logits(final, rows - count, count);
        recordSampling(recorder, {
          logits: results,
          steps: this.steps,
          sampling: states,
          counts: penalised ? this.#sampling.counts : undefined,
          winners: this.#winners,
          chosen: this.chosen,
          rows: count,
          vocabulary,
          stride,
        });
      },
    };
  }

  dispose(): void {
    for (const tensor of [this.steps, this.chosen, this.#winners]) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
