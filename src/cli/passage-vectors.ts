// Vectors for passages without a trained model: random indexing. TF-IDF weights of hashed words and word pairs are
// projected to few dimensions by random signs; a word is then the sum of the passages it occurs in, and a passage the
// sum of its words (Cohen, Schvaneveldt and Widdows 2010). A stand-in until an embedding model takes its place.
import { setImmediate } from 'node:timers/promises';
import { type Feature, type Features, featuresOf, mix } from './text-features.js';

/** Features share a frequency where their hashes agree in so many bits; for a book that is rare. */
const BUCKET_BITS = 20;
/** Dimensions that each feature adds to: a sparse random projection keeps angles as a dense one does. */
const SIGNS = 16;
/** Words with a vector of their own: the first so many of the text. */
const MAX_WORDS = 1 << 17;
/** Passages between two pauses that let other work on the event loop run. */
const SLICE = 64;

export interface PassageVectorsOptions {
  /** Numbers of a vector. Default 256. */
  readonly dimensions?: number;
  readonly onProgress?: (done: number, total: number) => void;
}

function normalize(vector: Float32Array): void {
  let sum = 0;
  for (const value of vector) sum += value * value;
  const scale = sum > 0 ? 1 / Math.sqrt(sum) : 0;
  for (let i = 0; i < vector.length; i++) vector[i] *= scale;
}

/** `target` += `scale` × (`source` − `mean`). */
function accumulate(target: Float32Array, scale: number, source: Float32Array, mean?: Float32Array): void {
  for (let i = 0; i < target.length; i++) target[i] += scale * (source[i] - (mean ? mean[i] : 0));
}

const PASSES = 4;
type PassageLoop = (work: (i: number) => void) => Promise<void>;

/** Goes through the passages, `PASSES` times in all, and lets other work on the event loop run meanwhile. */
function passageLoop(count: number, onProgress: PassageVectorsOptions['onProgress']): PassageLoop {
  let done = 0;
  return async (work) => {
    for (let i = 0; i < count; i++, done++) {
      work(i);
      if (i % SLICE !== 0) continue;
      onProgress?.(done, count * PASSES);
      await setImmediate();
    }
  };
}

/** Turns texts into vectors of length 1, by what it learned of words from the passages it was fitted to. */
export class PassageVectors {
  readonly dimensions: number;
  readonly #rarity: Float32Array;
  readonly #words = new Map<number, Float32Array>();

  private constructor(dimensions: number, rarity: Float32Array) {
    this.dimensions = dimensions;
    this.#rarity = rarity;
  }

  /** Learns the words of `passages`. Returns their vectors, row-major, with what is needed to embed a question. */
  static async fit(
    passages: readonly string[],
    options: PassageVectorsOptions = {},
  ): Promise<{ embedder: PassageVectors; vectors: Float32Array }> {
    const { dimensions = 256, onProgress } = options;
    const features: Features[] = [];
    const frequency = new Float32Array(1 << BUCKET_BITS);
    const forEachPassage = passageLoop(passages.length, onProgress);
    await forEachPassage((i) => {
      features.push(featuresOf(passages[i]));
      for (const hash of features[i].keys()) frequency[hash >>> (32 - BUCKET_BITS)]++;
    });
    // Squared, so that the few rare words of a question outweigh its many common ones.
    const rarity = frequency.map((count) => Math.log((1 + passages.length) / (1 + count)) ** 2);
    const embedder = new PassageVectors(dimensions, rarity);
    return { embedder, vectors: await embedder.#fit(features, forEachPassage) };
  }

  async #fit(features: readonly Features[], forEachPassage: PassageLoop): Promise<Float32Array> {
    const { dimensions } = this;
    const vectors = new Float32Array(features.length * dimensions);
    const rowOf = (i: number) => vectors.subarray(i * dimensions, (i + 1) * dimensions);
    const mean = new Float32Array(dimensions);
    await forEachPassage((i) => {
      this.#project(features[i], rowOf(i));
      accumulate(mean, 1 / features.length, rowOf(i));
    });
    await forEachPassage((i) => this.#learn(features[i], rowOf(i), mean));
    for (const word of this.#words.values()) normalize(word);
    await forEachPassage((i) => this.#sumWords(features[i], rowOf(i)));
    return vectors;
  }

  /** The vectors of `texts`, row-major. A text without known words is all zeros. */
  embed(texts: readonly string[]): Float32Array {
    const vectors = new Float32Array(texts.length * this.dimensions);
    for (const [i, text] of texts.entries())
      this.#sumWords(featuresOf(text), vectors.subarray(i * this.dimensions, (i + 1) * this.dimensions));
    return vectors;
  }

  /**
   * Cosine similarity of a question to each text by the words and pairs that they share: for putting the passages that
   * an index found into their final order.
   */
  similarities(question: string, texts: readonly string[]): Float32Array {
    const asked = featuresOf(question);
    const askedLength = this.#length(asked);
    const similarities = texts.map((text) => {
      const features = featuresOf(text);
      let sum = 0;
      for (const [hash, feature] of asked) {
        const found = features.get(hash);
        if (found) sum += this.#value(hash, feature) * this.#value(hash, found);
      }
      return sum === 0 ? 0 : sum / (askedLength * this.#length(features));
    });
    return Float32Array.from(similarities);
  }

  /** TF-IDF. */
  #value(hash: number, { count, weight }: Feature): number {
    return weight * (1 + Math.log(count)) * this.#rarity[hash >>> (32 - BUCKET_BITS)];
  }

  #length(features: Features): number {
    let sum = 0;
    for (const [hash, feature] of features) sum += this.#value(hash, feature) ** 2;
    return Math.sqrt(sum);
  }

  #project(features: Features, vector: Float32Array): void {
    for (const [hash, feature] of features) {
      const value = this.#value(hash, feature);
      let random = hash;
      for (let i = 0; i < SIGNS; i++) {
        random = mix(random + 0x9e3779b9);
        vector[(random >>> 1) % this.dimensions] += random & 1 ? value : -value;
      }
    }
    normalize(vector);
  }

  /** Adds a passage to the vectors of its words, without what all passages have in common. */
  #learn(features: Features, passage: Float32Array, mean: Float32Array): void {
    for (const [hash, { count, weight }] of features) {
      if (weight < 1) continue;
      let word = this.#words.get(hash);
      if (!word) {
        if (this.#words.size >= MAX_WORDS) continue;
        word = new Float32Array(this.dimensions);
        this.#words.set(hash, word);
      }
      accumulate(word, 1 + Math.log(count), passage, mean);
    }
  }

  #sumWords(features: Features, vector: Float32Array): void {
    vector.fill(0);
    for (const [hash, feature] of features) {
      const word = this.#words.get(hash);
      if (word) accumulate(vector, this.#value(hash, feature), word);
    }
    normalize(vector);
  }
}
