// A model on a device: its weights, the KV cache and the programs that run it.
import type { Device } from '../runtime/device.js';
import { ComputeError } from '../runtime/errors.js';
import type { Program, Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import type { ModelConfig } from './config.js';
import { KvCache, PAGE_TOKENS, pagesFor } from './kv-cache.js';
import type { ModelWeights, Next } from './layers.js';
import { recordLayer } from './models/index.js';
import { Pass, type PassKind } from './pass.js';
import { PassBuffers } from './pass-buffers.js';
import { ProgramCache } from './program-cache.js';

interface TransformerOptions {
  readonly config: ModelConfig;
  readonly weights: ModelWeights;
  /** Tokens of a sequence at most. */
  readonly context: number;
  /** Sequences at a time. */
  readonly sequences: number;
}

/** What follows the layers; a `key` for each way there is. */
export interface Tail {
  readonly key: string;
  record(recorder: Recorder, pass: Pass, final: Next): void;
}

interface PassRequest {
  readonly kind: PassKind;
  readonly rows: number;
  /** u32 [rows, 4]; default: that of chunks. */
  readonly steps?: Tensor;
  readonly tail?: Tail;
}

/**
 * Most rows of a chunk of a prompt. A driver takes a GPU for lost when one submission runs for seconds; on Metal a program
 * is cut into command buffers of few steps.
 */
const CHUNK_ROWS = { cpu: 128, software: 128, integrated: 128, virtual: 512, discrete: 512 } as const;
const METAL_CHUNK_ROWS = { ...CHUNK_ROWS, integrated: 512, virtual: 128 } as const;
/** Most rows of a step. */
const MOST_STEP_ROWS = 16;
/** Of the logits that are computed at a time. */
const LOGIT_BYTES = 64 * 2 ** 20;
const PROGRAMS = 24;
/** Slots of the page table beside those of sequences, for texts that are embedded together. */
export const EMBEDDING_SLOTS = 32;

export function chunkRowsOf({ info: { backend, kind } }: Pick<Device, 'info'>): number {
  return (backend === 'metal' ? METAL_CHUNK_ROWS : CHUNK_ROWS)[kind];
}

/** Rows of a chunk whose logits are computed at a time. */
export function logitRowsOf(device: Device, vocabulary: number): number {
  return Math.max(MOST_STEP_ROWS, Math.min(chunkRowsOf(device), Math.floor(LOGIT_BYTES / (4 * vocabulary))));
}

type TransformerState = Pick<Transformer, 'cache' | 'pages' | 'chunkSteps'>;

export class Transformer implements Disposable {
  readonly device: Device;
  readonly config: ModelConfig;
  readonly context: number;
  readonly sequences: number;
  readonly cache: KvCache;
  /** u32 [slots, pages of a sequence] */
  readonly pages: Tensor;
  /** u32 [rows of a chunk, 4] */
  readonly chunkSteps: Tensor;
  readonly chunkRows: number;
  readonly logitRows: number;
  readonly #weights: ModelWeights;
  readonly #stepBuffers: PassBuffers;
  readonly #chunkBuffers: PassBuffers;
  readonly #programs = new ProgramCache(PROGRAMS);
  #disposed = false;

  private constructor(device: Device, options: TransformerOptions, { cache, pages, chunkSteps }: TransformerState) {
    const { config, weights, context, sequences } = options;
    this.device = device;
    this.config = config;
    this.context = context;
    this.sequences = sequences;
    this.cache = cache;
    this.#weights = weights;
    this.chunkRows = chunkRowsOf(device);
    this.logitRows = logitRowsOf(device, config.vocabulary);
    this.pages = pages;
    this.chunkSteps = chunkSteps;
    this.#stepBuffers = new PassBuffers(device, MOST_STEP_ROWS, MOST_STEP_ROWS);
    this.#chunkBuffers = new PassBuffers(device, this.chunkRows, this.logitRows);
  }

  /** Takes over the weights. Throws `ComputeError` `OUT_OF_MEMORY`. */
  static create(device: Device, options: TransformerOptions): Transformer {
    const { config, context, sequences } = options;
    const { layers, kvHeads, headSize } = config;
    const perSequence = pagesFor(context);
    const made: Disposable[] = [];
    const keep = <T extends Disposable>(one: T): T => {
      made.push(one);
      return one;
    };
    try {
      const tokens = perSequence * PAGE_TOKENS * sequences;
      return new Transformer(device, options, {
        cache: keep(KvCache.allocate(device, { layers, kvHeads, headSize, tokens })),
        pages: keep(device.tensor('u32', [sequences + EMBEDDING_SLOTS, perSequence])),
        chunkSteps: keep(device.tensor('u32', [chunkRowsOf(device), 4])),
      });
    } catch (error) {
      for (const one of made) one[Symbol.dispose]();
      throw error;
    }
  }

  /** The program of a pass; recorded once for each kind, number of rows and tail. */
  program(request: PassRequest): Promise<Program> {
    const key = [request.kind, request.rows, request.tail?.key ?? ''].join(' ');
    return this.#programs.get(key, () => this.record(request));
  }

  /** A program of a pass that is the caller's. */
  async record(request: PassRequest): Promise<Program> {
    this.check();
    return this.device.record((recorder) => this.#record(recorder, request));
  }

  /** Throws where the model is gone: memory that is taken from then on would stay. */
  check(): void {
    if (this.#disposed) throw new ComputeError('DISPOSED', 'the model was disposed of');
  }

  /** f32 [logitRows, vocabulary padded to 32]: where chunks leave their logits. */
  get chunkLogits(): Tensor {
    return this.#chunkBuffers.logits(this.#weights.final.reader.rows);
  }

  dispose(): void {
    this.#disposed = true;
    this.#programs.dispose();
    this.#stepBuffers.dispose();
    this.#chunkBuffers.dispose();
    this.cache.dispose();
    this.pages.dispose();
    this.chunkSteps.dispose();
    for (const one of this.#weights.owned) one[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #record(recorder: Recorder, { kind, rows, steps = this.chunkSteps, tail }: PassRequest): void {
    const { layers, final } = this.#weights;
    const buffers = kind === 'steps' ? this.#stepBuffers : this.#chunkBuffers;
    const { config, cache, pages } = this;
    const pass = new Pass(recorder, { config, weights: this.#weights, cache, buffers, kind, rows, steps, pages });
    const inputOf = (index: number): Next => {
      const layer = layers[index];
      return layer ? { norm: layer.attentionNorm, reader: layer.headProjections[0].weights } : final;
    };
    pass.embed(inputOf(0));
    for (const layer of layers) recordLayer(config.architecture, pass, { layer, next: inputOf(layer.index + 1) });
    tail?.record(recorder, pass, final);
  }
}
