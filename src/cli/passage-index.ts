// Passages under an IVF-PQ index, beside an exact one to measure it against. Few passages get the exact one alone.
import type { Device } from '../runtime/device.js';
import { FlatIndex } from '../vector/flat-index.js';
import { IvfPqIndex } from '../vector/ivf-pq-index.js';
import { recallAt, timed } from './measure.js';
import { PassageVectors } from './passage-vectors.js';
import { longestSentence, type Passage } from './passages.js';
import { withProgress } from './terminal.js';

const DIMENSIONS = 256;
/** Two dimensions a code: an eighth of the bytes, and still most of the neighbours. */
const SUBSPACES = 128;
/** With fewer passages an exact index is smaller and faster, and codebooks have too little to learn from. */
const MIN_IVF_PASSAGES = 1024;
const MEASURED_QUERIES = 200;
/** Passages that the index finds before all their words put them in order. */
const CANDIDATES = 100;

interface Indexes {
  readonly exact: FlatIndex;
  readonly approximate: IvfPqIndex | undefined;
}

export interface IndexMeasurement {
  readonly queries: number;
  readonly exactRate: number;
  /** Of the IVF-PQ index, where there is one. */
  readonly approximate: { readonly recall: number; readonly rate: number } | undefined;
}

export class PassageIndex implements Disposable {
  readonly dimensions = DIMENSIONS;
  readonly embedMillis: number;
  readonly buildMillis: number;
  readonly #passages: readonly Passage[];
  readonly #embedder: PassageVectors;
  readonly #indexes: Indexes;

  private constructor(
    passages: readonly Passage[],
    embedder: PassageVectors,
    indexes: Indexes,
    times: { embedMillis: number; buildMillis: number },
  ) {
    this.#passages = passages;
    this.#embedder = embedder;
    this.#indexes = indexes;
    this.embedMillis = times.embedMillis;
    this.buildMillis = times.buildMillis;
  }

  static async build(device: Device, passages: readonly Passage[]): Promise<PassageIndex> {
    const begin = performance.now();
    const texts = passages.map(({ text }) => text);
    const { embedder, vectors } = await withProgress('vectors', 1, (update) =>
      PassageVectors.fit(texts, { dimensions: DIMENSIONS, onProgress: (done, total) => update(done / total) }),
    );
    const embedded = performance.now();
    const approximate = passages.length < MIN_IVF_PASSAGES ? undefined : await buildIvfPq(device, vectors);
    const built = performance.now();
    const exact = FlatIndex.create(device, { dimensions: DIMENSIONS, metric: 'cosine' });
    await exact.add(vectors);
    const buildMillis = (approximate ? built : performance.now()) - embedded;
    return new PassageIndex(passages, embedder, { exact, approximate }, { embedMillis: embedded - begin, buildMillis });
  }

  get exactBytes(): number {
    return this.#indexes.exact.stats().storageBytes;
  }

  /** The shape of the IVF-PQ index; undefined where the exact one is enough. */
  get ivfPq(): { lists: number; probes: number; codeBytes: number; bytes: number } | undefined {
    const { approximate } = this.#indexes;
    if (!approximate) return undefined;
    const { lists, storageBytes } = approximate.stats();
    return { lists: lists.count, probes: this.#probes, codeBytes: approximate.codeBytes, bytes: storageBytes };
  }

  /** A quarter of the lists. */
  get #probes(): number {
    return Math.max(1, (this.#indexes.approximate?.stats().lists.count ?? 0) >> 2);
  }

  #search(vectors: Float32Array, k: number) {
    const { exact, approximate } = this.#indexes;
    return approximate ? approximate.search(vectors, { k, probes: this.#probes }) : exact.search(vectors, { k });
  }

  /** The passages that answer a question best, best first. */
  async ask(question: string, count: number): Promise<{ passage: Passage; similarity: number }[]> {
    const k = Math.min(CANDIDATES, this.#passages.length);
    const { ids } = await this.#search(this.#embedder.embed([question]), k);
    const candidates = Array.from<number | bigint, Passage>(ids, (id) => this.#passages[Number(id)]).filter(Boolean);
    const texts = candidates.map(({ text }) => text);
    const similarities = this.#embedder.similarities(question, texts);
    return candidates
      .map((passage, i) => ({ passage, similarity: similarities[i] }))
      .filter(({ similarity }) => similarity > 0)
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, count);
  }

  /** How many queries a second the indexes answer, and recall@10 of the IVF-PQ index against the exact one. */
  async measure(): Promise<IndexMeasurement> {
    const count = this.#passages.length;
    const queries = Math.min(MEASURED_QUERIES, count);
    const sampled = Array.from({ length: queries }, (_, i) => this.#passages[Math.floor((i * count) / queries)]);
    const vectors = this.#embedder.embed(sampled.map(longestSentence));
    const k = Math.min(10, count);
    const exact = () => this.#indexes.exact.search(vectors, { k });
    const exactRate = (queries * 1000) / (await timed(exact));
    if (!this.#indexes.approximate) return { queries, exactRate, approximate: undefined };
    const recall = recallAt(k, (await this.#search(vectors, k)).ids, (await exact()).ids);
    const rate = (queries * 1000) / (await timed(() => this.#search(vectors, k)));
    return { queries, exactRate, approximate: { recall, rate } };
  }

  [Symbol.dispose](): void {
    this.#indexes.approximate?.dispose();
    this.#indexes.exact.dispose();
  }
}

async function buildIvfPq(device: Device, vectors: Float32Array): Promise<IvfPqIndex> {
  const iterations = 10;
  const rows = vectors.length / DIMENSIONS;
  const lists = 2 ** Math.round(Math.log2(Math.sqrt(rows) / 3));
  return withProgress('index', 2 * iterations + 1, async (update) => {
    let done = 0;
    const index = await IvfPqIndex.train(device, vectors, {
      dimensions: DIMENSIONS,
      metric: 'cosine',
      lists,
      subspaces: SUBSPACES,
      bits: 8,
      iterations,
      onProgress: () => update(++done),
    });
    await index.add(vectors);
    return index;
  });
}
