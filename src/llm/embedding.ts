// Vectors of texts: many texts share a pass, each with its own pages of the cache, and are pooled as their rows go by.
import { encodeSpans, type PooledSpan, recordPooling, SPAN_WORDS } from '../nn/pooling.js';
import { LIVE } from '../nn/sampling.js';
import type { AbortOptions } from '../runtime/abort.js';
import type { Program } from '../runtime/program.js';
import type { Progress } from '../runtime/progress.js';
import type { Tensor } from '../runtime/tensor.js';
import { pagesFor } from './kv-cache.js';
import { observed, pageWrites } from './prefill.js';
import { Sequence } from './sequence.js';
import { EMBEDDING_SLOTS, type Tail, type Transformer } from './transformer.js';

export interface EmbeddingOptions extends AbortOptions {
  readonly pooling: 'mean' | 'last';
  readonly normalize: boolean;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

interface Text {
  readonly index: number;
  readonly ids: ArrayLike<number>;
  readonly sequence: Sequence;
}

interface Packed {
  readonly steps: Uint32Array;
  readonly spans: PooledSpan[];
  readonly texts: Text[];
  rows: number;
}

/** Rows of a pass: few sizes, so that few programs are needed; rows without a token fill them up. */
const SIZES = [32, 128, 512];
const PASSES_IN_FLIGHT = 2;

class Embedder implements Disposable {
  readonly #transformer: Transformer;
  readonly #options: EmbeddingOptions;
  readonly #pooled: Tensor;
  readonly #spans: Tensor;
  readonly #programs = new Map<number, Promise<Program>>();
  readonly #waiting: { index: number; ids: ArrayLike<number> }[];
  readonly #slots: number[];
  #active: Text[] = [];

  constructor(
    transformer: Transformer,
    texts: readonly ArrayLike<number>[],
    options: EmbeddingOptions & { pooled: Tensor },
  ) {
    this.#transformer = transformer;
    this.#options = options;
    this.#pooled = options.pooled;
    this.#spans = transformer.device.tensor('u32', [EMBEDDING_SLOTS, SPAN_WORDS]);
    this.#waiting = texts.map((ids, index) => ({ index, ids })).reverse();
    this.#slots = Array.from({ length: EMBEDDING_SLOTS }, (_, i) => transformer.sequences + i);
  }

  async run(): Promise<void> {
    const running: Promise<unknown>[] = [];
    const total = this.#waiting.length;
    for (let done = 0; done < total; ) {
      this.#options.signal?.throwIfAborted();
      const packed = this.#pack();
      const size = SIZES.find((one) => one >= packed.rows) ?? this.#transformer.chunkRows;
      const program = await this.#program(Math.min(size, this.#transformer.chunkRows));
      running.push(observed(this.#submit(program, packed)));
      if (running.length >= PASSES_IN_FLIGHT) await running.shift();
      done = total - this.#waiting.length - this.#active.length;
      this.#options.onProgress?.({ done, total });
    }
    await Promise.all(running);
  }

  dispose(): void {
    for (const { sequence } of this.#active) sequence.truncate(0);
    for (const program of this.#programs.values())
      program.then(
        (one) => one.dispose(),
        () => undefined,
      );
    this.#spans.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The next rows: of texts that have begun first, then of new ones, as long as slots and pages last. */
  #pack(): Packed {
    const { chunkRows } = this.#transformer;
    const packed: Packed = { steps: new Uint32Array(chunkRows * 4), spans: [], texts: [], rows: 0 };
    for (const text of this.#active) this.#add(packed, text);
    while (packed.rows < chunkRows && this.#slots.length > 0 && this.#waiting.length > 0) {
      const { index, ids } = this.#waiting[this.#waiting.length - 1];
      const rows = Math.min(ids.length, chunkRows - packed.rows);
      // A text that has begun can always end, and other sequences keep their share of the pages.
      if (pagesFor(ids.length) > pagesFor(this.#transformer.context) - this.#promised()) break;
      this.#waiting.pop();
      const text = { index, ids, sequence: new Sequence(this.#transformer.cache, this.#slots.pop() as number) };
      this.#active.push(text);
      if (rows > 0) this.#add(packed, text);
    }
    return packed;
  }

  /** Pages that texts which have begun have or will take. */
  #promised(): number {
    return this.#active.reduce((sum, { ids }) => sum + pagesFor(ids.length), 0);
  }

  #add(packed: Packed, text: Text): void {
    const { sequence, ids, index } = text;
    const before = sequence.length;
    const count = Math.min(ids.length - before, this.#transformer.chunkRows - packed.rows);
    for (let i = 0; i < count; i++)
      packed.steps.set([ids[before + i], before + i, sequence.slot, LIVE.unsampled], (packed.rows + i) * 4);
    packed.spans.push({ firstRow: packed.rows, count, before, total: ids.length, target: index });
    packed.texts.push(text);
    packed.rows += count;
  }

  async #submit(program: Program, { steps, spans, texts }: Packed): Promise<void> {
    const transformer = this.#transformer;
    const writes = texts.flatMap(({ sequence }, i) =>
      pageWrites(transformer, sequence, sequence.length + spans[i].count),
    );
    for (const [i, { sequence, ids }] of texts.entries())
      for (let t = 0; t < spans[i].count; t++) sequence.ids.push(ids[sequence.length]);
    this.#retire();
    const empty = { firstRow: 0, count: 0, before: 0, total: 0, target: 0 };
    const all = [...spans, ...Array.from({ length: EMBEDDING_SLOTS - spans.length }, () => empty)];
    await program.run({ write: [...writes, [transformer.chunkSteps, steps], [this.#spans, encodeSpans(all)]] });
  }

  /** Texts that are complete make room; what is submitted later runs later. */
  #retire(): void {
    const complete = this.#active.filter(({ ids, sequence }) => sequence.length === ids.length);
    this.#active = this.#active.filter((text) => !complete.includes(text));
    for (const { sequence } of complete) {
      sequence.truncate(0);
      this.#slots.push(sequence.slot);
    }
  }

  #program(rows: number): Promise<Program> {
    const known = this.#programs.get(rows);
    if (known) return known;
    const made = this.#record(rows);
    this.#programs.set(rows, made);
    return made;
  }

  #record(rows: number): Promise<Program> {
    const { config } = this.#transformer;
    const { pooling, normalize } = this.#options;
    const tail = {
      key: 'pool',
      record: (recorder, pass, final) => {
        const { states, stride } = pass.states(final.norm);
        const target = { spans: this.#spans, pooled: this.#pooled, sequences: EMBEDDING_SLOTS };
        recordPooling(recorder, {
          ...target,
          hidden: states,
          stride,
          dimensions: config.dimensions,
          pooling,
          normalize,
        });
      },
    } satisfies Tail;
    return this.#transformer.record({ kind: 'mixed', rows, tail });
  }
}

/** f32 [texts, dimensions]; each text has 1 to `context` tokens. The caller holds a sequence without pages, and embeds nothing else meanwhile. */
export async function embedTexts(
  transformer: Transformer,
  texts: readonly ArrayLike<number>[],
  options: EmbeddingOptions,
): Promise<Tensor> {
  const pooled = transformer.device.tensor('f32', [texts.length, transformer.config.dimensions]);
  try {
    using embedder = new Embedder(transformer, texts, { ...options, pooled });
    await embedder.run();
    return pooled;
  } catch (error) {
    pooled.dispose();
    throw error;
  }
}
