// One recorded step of a PQ indexer: encode the new keys, scan the codes, merge the lists.
import type { Device } from '../runtime/device.js';
import type { Program, Recorder } from '../runtime/program.js';
import { Tensor } from '../runtime/tensor.js';
import { linearGrid, roundUp } from './layout.js';
import { PART, type PqHeads } from './pq-heads.js';
import type { PqIndexerShape } from './pq-indexer-options.js';
import type { VectorInput } from './vector-input.js';
import { Workspace } from './workspace.js';

export interface StepInputs {
  readonly queries: VectorInput;
  readonly newKeys: VectorInput | undefined;
  readonly queryCount: number;
  readonly keyCount: number;
}

/** Arrays to write are free again at once up to this size. */
const COPIED_BYTES = 1 << 20;

interface StepPlan {
  readonly inputs: StepInputs;
  readonly dense: boolean;
}

export class PqStep implements Disposable {
  /** u32 [list heads, list length]; undefined where the list has every position. */
  list: Tensor | undefined;
  readonly #workspace: Workspace;
  readonly #plan: StepPlan;
  /** What comes from the host goes up as one piece: the number of keys, queries, new keys. */
  readonly #input: Tensor;
  readonly #host: Float32Array;
  readonly #state: Tensor;
  readonly #queries: Tensor;
  readonly #keys: Tensor | undefined;
  #program: Program | undefined;

  private constructor(device: Device, plan: StepPlan) {
    const { queries, newKeys } = plan.inputs;
    const align = device.info.bindingAlignment / 4;
    const room = (input: VectorInput | undefined) => (input instanceof Float32Array ? roundUp(input.length, align) : 0);
    this.#workspace = new Workspace(device);
    this.#plan = plan;
    this.#host = new Float32Array(roundUp(1, align) + room(queries) + room(newKeys));
    this.#input = this.#workspace.tensor('f32', this.#host.length);
    let offset = roundUp(1, align);
    const place = (input: VectorInput): Tensor => {
      if (input instanceof Tensor) return input;
      const slice = this.#input.slice(offset, input.length);
      offset += room(input);
      return slice;
    };
    this.#state = this.#input.slice(0, 1);
    this.#queries = place(queries);
    this.#keys = newKeys === undefined ? undefined : place(newKeys);
  }

  static async record(device: Device, shape: PqIndexerShape, heads: readonly PqHeads[], plan: StepPlan) {
    const step = new PqStep(device, plan);
    try {
      if (!plan.dense) step.list = step.#workspace.tensor('u32', shape.listHeads * shape.listLength);
      // Without a new key or a choice there is nothing to do.
      if (plan.inputs.keyCount > 0 || !plan.dense)
        step.#program = await device.record((recorder) => step.#record(recorder, shape, heads));
      return step;
    } catch (error) {
      step.dispose();
      throw error;
    }
  }

  /** Whether it was recorded for such inputs: of these lengths from the host, or these very tensors. */
  suits({ queries, newKeys, queryCount, keyCount }: StepInputs, dense: boolean): boolean {
    const { inputs } = this.#plan;
    if (inputs.queryCount !== queryCount || inputs.keyCount !== keyCount || this.#plan.dense !== dense) return false;
    return sameSource(inputs.queries, queries) && sameSource(inputs.newKeys, newKeys);
  }

  /** The lists, or undefined where they have every position. */
  async run({ queries, newKeys }: StepInputs, keys: number, signal?: AbortSignal): Promise<Uint32Array | undefined> {
    // A large array is in use until the run ends, which an abort does not wait for.
    const host = this.#host.byteLength > COPIED_BYTES ? this.#host.slice() : this.#host;
    new Uint32Array(host.buffer, 0, 1)[0] = keys;
    const begin = this.#input.byteOffset;
    if (queries instanceof Float32Array) host.set(queries, (this.#queries.byteOffset - begin) / 4);
    if (newKeys instanceof Float32Array) host.set(newKeys, ((this.#keys as Tensor).byteOffset - begin) / 4);
    const write = [[this.#input, host] as const];
    const read = this.list === undefined ? [] : [this.list];
    const result = await this.#program?.run({ write, read, signal });
    return result?.outputs[0] as Uint32Array | undefined;
  }

  #record(recorder: Recorder, shape: PqIndexerShape, heads: readonly PqHeads[]): void {
    const { queryCount, keyCount } = this.#plan.inputs;
    const [state, keys] = [this.#state, this.#keys];
    if (keys !== undefined)
      for (const part of heads)
        part.recordEncode(recorder, keys, { state, count: keyCount, firstKv: part.range.first });
    if (this.list === undefined) return;
    const { heavy, sink, window, listHeads, summedHeads } = shape;
    const parts = Math.max(1, Math.ceil((Math.max(...heads.map((part) => part.capacity)) - sink - window) / PART));
    const stride = parts * Math.min(heavy, PART);
    const scores = this.#workspace.tensor('u32', listHeads * stride);
    const positions = this.#workspace.tensor('u32', listHeads * stride);
    const buffers = { queries: this.#queries, state, scores, positions };
    for (const part of heads)
      part.recordScan(recorder, buffers, { queryRows: summedHeads * queryCount, stride, parts });
    recorder.dispatch('merge_heavy', {
      buffers: { scores, positions, state, list: this.list },
      params: { part: PART, heavy, sink, window, stride },
      grid: linearGrid(listHeads),
    });
  }

  dispose(): void {
    this.#program?.dispose();
    this.#workspace.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Arrays are interchangeable, tensors are not. */
function sameSource(a: VectorInput | undefined, b: VectorInput | undefined): boolean {
  return a instanceof Tensor || b instanceof Tensor ? a === b : (a === undefined) === (b === undefined);
}
