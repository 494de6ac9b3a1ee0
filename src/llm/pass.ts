// Recording of a model's passes: what a layer is made of, for a step of a few rows and for a long chunk alike.
//
// Where every projection is done row by row, the norms are folded: who adds to the residual stream leaves it multiplied with
// the next norm's weights and its squares summed, and the next projection scales its results. A layer then has five
// dependent stages. Long chunks on matrix units run the norms by themselves.
import type { Activation, ActivationForm } from '../nn/activation.js';
import { recordAttention } from '../nn/attention.js';
import { recordEmbedding } from '../nn/embedding.js';
import { recordActivation } from '../nn/feed-forward.js';
import { formFor, type ProjectionCall, recordProjection, takesRows } from '../nn/linear.js';
import { recordNorm } from '../nn/norm.js';
import { BLOCK, blocksOf, type Weights } from '../nn/weights.js';
import type { Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import type { ModelConfig } from './config.js';
import type { KvCache } from './kv-cache.js';
import { type HeadLayout, headLayout, type Layer, type ModelWeights, type Next } from './layers.js';
import type { PassBuffers } from './pass-buffers.js';

/** Which rows a pass has: a row of each of some sequences, consecutive tokens of one, or any. */
export type PassKind = 'steps' | 'chunk' | 'mixed';

interface PassOptions {
  readonly config: ModelConfig;
  readonly weights: ModelWeights;
  readonly cache: KvCache;
  readonly buffers: PassBuffers;
  readonly kind: PassKind;
  readonly rows: number;
  /** u32 [rows, 4]: token, position, slot, live. */
  readonly steps: Tensor;
  /** u32 [slots, pages of a sequence] */
  readonly pages: Tensor;
}

const padded = (columns: number) => blocksOf(columns) * BLOCK;

/** f32 [rows, stride], `vocabulary` of each row live. */
export interface Logits {
  readonly results: Tensor;
  readonly stride: number;
  readonly vocabulary: number;
}

export class Pass {
  readonly #recorder: Recorder;
  readonly #options: PassOptions;
  readonly #layout: HeadLayout;
  readonly #folded: boolean;
  /** f32 [rows, dimensions padded to 32] */
  readonly hidden: Tensor;
  /** What the next projection reads; undefined until there is a norm that says how. */
  #input: Activation | undefined;
  #normalized = false;
  /** What attention or feed-forward left for the projection that is added. */
  #left: Activation | undefined;

  constructor(recorder: Recorder, options: PassOptions) {
    this.#recorder = recorder;
    this.#options = options;
    const { config, weights, buffers, rows } = options;
    this.#layout = headLayout(config.heads, config.kvHeads, config.headSize);
    const matrices = weights.layers.flatMap(({ headProjections, output, gateUp, down }) => [
      ...headProjections.map((projection) => projection.weights),
      output,
      gateUp,
      down,
    ]);
    this.#folded = matrices.every((matrix) => takesRows(buffers.device, matrix, rows));
    this.hidden = buffers.tensor('hidden', 'f32', [buffers.rows, padded(config.dimensions)]);
  }

  /** The residual stream of the rows' tokens. */
  embed(next: Next): void {
    const { config, weights, steps, rows } = this.#options;
    const call = { weights: weights.embedding, steps, rows, scale: config.embeddingScale, hidden: this.hidden };
    if (this.#folded) {
      recordEmbedding(this.#recorder, { ...call, norm: next.norm, next: this.#inputFor(next) });
      this.#normalized = true;
    } else {
      recordEmbedding(this.#recorder, call);
      this.#norm(next);
    }
  }

  /** Queries, keys and values of the rows. */
  projectHeads(layer: Layer): void {
    const { buffers } = this.#options;
    const results = buffers.tensor('projected', 'f32', [buffers.rows, this.#layout.columns]);
    for (const { weights, firstColumn, bias } of layer.headProjections) {
      this.#project(weights, { input: this.#take(), results, stride: this.#layout.columns, firstColumn, bias });
    }
  }

  /** Writes keys and values to the cache, and attends to all of the sequence. */
  attend(layer: Layer): void {
    const { config, cache, buffers, kind, rows, steps, pages } = this.#options;
    const { columns, keyColumn, valueColumn, heads, kvHeads, headSize } = this.#layout;
    const form = formFor(buffers.device, layer.output, rows);
    const blockwise = form !== 'q8' || headSize % BLOCK === 0;
    const output = buffers.activation('attended', { columns: heads * headSize, form: blockwise ? form : 'f32' });
    recordAttention(this.#recorder, {
      rows,
      order: kind,
      projected: buffers.tensor('projected', 'f32', [buffers.rows, columns]),
      layout: { stride: columns, keyColumn, valueColumn, heads, kvHeads, headSize },
      norms: layer.queryNorm &&
        layer.keyNorm && { query: layer.queryNorm, key: layer.keyNorm, epsilon: config.epsilon },
      rope: { table: layer.rope, style: config.rope.style, dims: config.rope.dims },
      cache: { keys: cache.keys[layer.index], values: cache.values[layer.index], pages },
      steps,
      window: layer.window,
      scale: config.attentionScale,
      output,
      scratch: (name, type, shape) => buffers.tensor(`attention ${name}`, type, shape),
    });
    this.#left = blockwise ? output : this.#pack(output, form);
  }

  /** Adds attention's or feed-forward's projection to the residual stream. */
  addProjection(weights: Weights, next: Next): void {
    const call = {
      input: this.#branch(),
      results: this.hidden,
      stride: padded(weights.rows),
      epilogue: 'add',
    } as const;
    if (this.#folded) {
      this.#recordProjection(weights, { ...call, norm: next.norm, next: this.#inputFor(next) });
      this.#normalized = true;
    } else {
      this.#recordProjection(weights, call);
      this.#norm(next);
    }
  }

  /** The same with a norm of what is added. */
  addNormed(weights: Weights, postNorm: Tensor, next: Next): void {
    const { buffers } = this.#options;
    const stride = padded(weights.rows);
    const added = buffers.tensor('added', 'f32', [buffers.rows, stride]);
    this.#recordProjection(weights, { input: this.#branch(), results: added, stride, epilogue: 'store' });
    this.#norm(next, { added, postNorm });
  }

  /** Gate and up, up to what the down projection reads. */
  feedForward(layer: Layer): void {
    const { config, buffers, rows } = this.#options;
    const { feedForward: columns, activation } = config;
    const output = buffers.activation('activated', { columns, form: formFor(buffers.device, layer.down, rows) });
    this.#left = output;
    if (takesRows(buffers.device, layer.gateUp, rows)) {
      this.#project(layer.gateUp, { input: this.#take(), epilogue: 'gated', activation, next: output });
      return;
    }
    const stride = 2 * padded(columns);
    const gated = buffers.tensor('gated', 'f32', [buffers.rows, stride]);
    this.#project(layer.gateUp, { input: this.#take(), results: gated, stride });
    recordActivation(this.#recorder, { gated, stride, rows, activation, output });
  }

  /** Logits of the rows from `first` on, f32 [count, stride]. */
  logits({ norm, reader }: Next, first: number, count: number): Logits {
    const { config, buffers, rows } = this.#options;
    const stride = padded(reader.rows);
    const results = buffers.logits(reader.rows);
    const all = this.#folded && first === 0 && count === rows && takesRows(buffers.device, reader, count);
    const columns = config.dimensions;
    const shape = { columns, form: formFor(buffers.device, reader, count), rows: buffers.logitRows };
    if (all) {
      this.#project(reader, { input: this.#take(), results, stride });
    } else {
      const output = buffers.activation('final', shape);
      recordNorm(this.#recorder, { ...this.#normCall(norm), firstRow: first, rows: count, output });
      this.#recordProjection(reader, { input: output, results, stride, rows: count });
    }
    return { results, stride, vocabulary: config.vocabulary };
  }

  /** The rows behind the final norm, f32 [rows, dimensions padded to 32]. */
  states(norm: Tensor): { states: Tensor; stride: number } {
    const { config, buffers, rows } = this.#options;
    const output = buffers.activation('states', { columns: config.dimensions, form: 'f32' });
    recordNorm(this.#recorder, { ...this.#normCall(norm), rows, output });
    return { states: output.values, stride: padded(config.dimensions) };
  }

  /** Plain numbers in the form that a projection reads, where attention cannot give it: heads that are no whole blocks. */
  #pack(plain: Activation, form: ActivationForm): Activation {
    const { buffers, rows } = this.#options;
    const output = buffers.activation('attended', { columns: plain.columns, form });
    recordActivation(this.#recorder, { gated: plain.values, rows, activation: 'none', output });
    return output;
  }

  #inputFor({ reader }: Next): Activation {
    const { config, buffers, rows } = this.#options;
    const form = formFor(buffers.device, reader, rows);
    this.#input = buffers.activation('input', { columns: config.dimensions, form });
    return this.#input;
  }

  #normCall(norm: Tensor) {
    const { config } = this.#options;
    return { hidden: this.hidden, norm, epsilon: config.epsilon };
  }

  /** The next projection's input by a norm of its own, after adding `added`. */
  #norm(next: Next, add: { added?: Tensor; postNorm?: Tensor } = {}): void {
    const output = this.#inputFor(next);
    recordNorm(this.#recorder, { ...this.#normCall(next.norm), rows: this.#options.rows, output, ...add });
    this.#normalized = false;
  }

  /** A projection of the normed residual stream. */
  #project(weights: Weights, call: Omit<ProjectionCall, 'weights'>): void {
    const { epsilon } = this.#options.config;
    this.#recordProjection(weights, this.#normalized ? { ...call, normalized: { epsilon } } : call);
  }

  #recordProjection(weights: Weights, call: Omit<ProjectionCall, 'weights'>): void {
    recordProjection(this.#recorder, { rows: this.#options.rows, ...call, weights });
  }

  #take(): Activation {
    if (!this.#input) throw new TypeError('a projection needs the embedding or a layer before it');
    return this.#input;
  }

  /** What attention or feed-forward left. */
  #branch(): Activation {
    const left = this.#left;
    if (!left) throw new TypeError('adding needs attention or feed-forward before it');
    return left;
  }
}
