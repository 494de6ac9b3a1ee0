// Passages under an IVF-PQ index, beside an exact one to measure it against. Few passages get the exact one alone. Their
// vectors are made on the device by an embedding model, and stay there.
import type { LanguageModel } from '../llm/language-model.js';
import type { Device } from '../runtime/device.js';
import type { Tensor } from '../runtime/tensor.js';
import { FlatIndex } from '../vector/flat-index.js';
import { IvfPqIndex } from '../vector/ivf-pq-index.js';
import { recallAt, timed } from './measure.js';
import { longestSentence, type Passage } from './passages.js';
import { withProgress } from './terminal.js';

/** What the embedding model was trained with. */
const PASSAGE_TOKENS = 192;
const QUESTION_TOKENS = 64;
/** Two dimensions a code: an eighth of the bytes, and still most of the neighbours. */
const DIMENSIONS_PER_CODE = 2;
/** With fewer passages an exact index is smaller and faster, and codebooks have too little to learn from. */
const MIN_IVF_PASSAGES = 512;
const MEASURED_QUERIES = 200;
/** A quarter of a minute's work of a processor's thread, more of an old one's. */
const TOKENS_PER_THREAD = 60_000;

interface Indexes {
  readonly exact: FlatIndex;
  readonly approximate: IvfPqIndex | undefined;
}

interface Embedded {
  readonly tokens: number;
  readonly embedMillis: number;
  readonly buildMillis: number;
}

export interface IndexMeasurement {
  readonly queries: number;
  readonly exactRate: number;
  /** Of the IVF-PQ index, where there is one. */
  readonly approximate: { readonly recall: number; readonly rate: number } | undefined;
}

export interface Answer {
  readonly passage: Passage;
  readonly similarity: number;
}

/** The first passages: as many as were asked for, else as many as a CPU embeds soon; a GPU takes them all. */
export function choosePassages(
  { device, tokenizer }: LanguageModel,
  passages: readonly Passage[],
  wanted?: number,
): readonly Passage[] {
  if (wanted !== undefined) return passages.slice(0, wanted);
  const { kind, computeThreads } = device.info;
  if (kind !== 'cpu' && kind !== 'software') return passages;
  let left = TOKENS_PER_THREAD * Math.max(1, computeThreads);
  const end = passages.findIndex(({ text }) => {
    left -= Math.min(PASSAGE_TOKENS, tokenizer.encode(text).length);
    return left < 0;
  });
  return end < 0 ? passages : passages.slice(0, end);
}

export class PassageIndex implements Disposable {
  readonly tokens: number;
  readonly embedMillis: number;
  readonly buildMillis: number;
  readonly #model: LanguageModel;
  readonly #passages: readonly Passage[];
  readonly #indexes: Indexes;

  private constructor(model: LanguageModel, passages: readonly Passage[], indexes: Indexes, embedded: Embedded) {
    this.#model = model;
    this.#passages = passages;
    this.#indexes = indexes;
    this.tokens = embedded.tokens;
    this.embedMillis = embedded.embedMillis;
    this.buildMillis = embedded.buildMillis;
  }

  static async build(model: LanguageModel, passages: readonly Passage[]): Promise<PassageIndex> {
    const { device, info } = model;
    const begin = performance.now();
    const ids = tokenize(
      model,
      passages.map(({ text }) => text),
      PASSAGE_TOKENS,
    );
    using vectors = await withProgress('vectors', (onProgress) => model.embedTensor(ids, { onProgress }));
    const embedded = performance.now();
    const approximate = passages.length < MIN_IVF_PASSAGES ? undefined : await buildIvfPq(device, vectors);
    const built = performance.now();
    const exact = FlatIndex.create(device, { dimensions: info.dimensions, metric: 'cosine' });
    await exact.add(vectors);
    const buildMillis = (approximate ? built : performance.now()) - embedded;
    const tokens = ids.reduce((sum, { length }) => sum + length, 0);
    const times = { tokens, embedMillis: embedded - begin, buildMillis };
    return new PassageIndex(model, passages, { exact, approximate }, times);
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

  #search(vectors: Tensor, k: number) {
    const { exact, approximate } = this.#indexes;
    return approximate ? approximate.search(vectors, { k, probes: this.#probes }) : exact.search(vectors, { k });
  }

  #embed(questions: readonly string[]): Promise<Tensor> {
    return this.#model.embedTensor(tokenize(this.#model, questions, QUESTION_TOKENS));
  }

  /** The passages nearest to a question, nearest first. */
  async ask(question: string, count: number): Promise<Answer[]> {
    using vector = await this.#embed([question]);
    const { ids, distances } = await this.#search(vector, Math.min(count, this.#passages.length));
    return Array.from(distances, (similarity, i) => ({ passage: this.#passages[Number(ids[i])], similarity })).filter(
      ({ passage }) => passage,
    );
  }

  /** How many queries a second the indexes answer, and recall@10 of the IVF-PQ index against the exact one. */
  async measure(): Promise<IndexMeasurement> {
    const count = this.#passages.length;
    const queries = Math.min(MEASURED_QUERIES, count);
    const sampled = Array.from({ length: queries }, (_, i) => this.#passages[Math.floor((i * count) / queries)]);
    using vectors = await this.#embed(sampled.map(longestSentence));
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

/** At most `most` tokens of each text. */
function tokenize(model: LanguageModel, texts: readonly string[], most: number): number[][] {
  return texts.map((text) => Array.from(model.tokenize(text).subarray(0, most)));
}

function buildIvfPq(device: Device, vectors: Tensor): Promise<IvfPqIndex> {
  const iterations = 10;
  const [rows, dimensions] = vectors.shape;
  const lists = 2 ** Math.round(Math.log2(Math.sqrt(rows) / 3));
  return withProgress('index', async (onProgress) => {
    const total = 2 * iterations;
    let done = 0;
    const index = await IvfPqIndex.train(device, vectors, {
      dimensions,
      metric: 'cosine',
      lists,
      subspaces: dimensions / DIMENSIONS_PER_CODE,
      bits: 8,
      iterations,
      onProgress: () => onProgress({ done: ++done, total }),
    });
    await index.add(vectors);
    return index;
  });
}
