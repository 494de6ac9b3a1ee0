// LanguageModel: a model file on a device, and what can be asked of it.
import type { Device } from '../runtime/device.js';
import { ComputeError } from '../runtime/errors.js';
import { Mutex } from '../runtime/mutex.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkBoolean, checkInteger, checkOneOf, checkOptions, checkSignal, describe } from '../runtime/validate.js';
import type { ChatMessage, ChatTemplate, RenderOptions } from './chat-template.js';
import { Decoder } from './decoder.js';
import { embedTexts } from './embedding.js';
import { logitsOf, Scorer } from './evaluation.js';
import { checkGenerateOptions, type GenerateOptions } from './generate-options.js';
import { Generation } from './generation.js';
import { type LoadedModel, loadModel, type ModelInfo, type ModelLoadOptions } from './load-model.js';
import type { Sequence } from './sequence.js';
import { SequencePool } from './sequence-pool.js';
import type { EncodeOptions, Tokenizer } from './tokenizer/tokenizer.js';
import { Transformer } from './transformer.js';

export type Prompt = string | ArrayLike<number>;

export interface ChatOptions extends GenerateOptions {
  /** For templates that know of functions. */
  tools?: RenderOptions['tools'];
  /** Further variables of the template. */
  variables?: RenderOptions['variables'];
}

export interface EmbedOptions {
  /** How tokens' vectors become the text's. Default: as the file says, else 'mean'. */
  pooling?: 'mean' | 'last';
  /** Vectors of length 1. Default true. */
  normalize?: boolean;
  /** Texts that are longer than the context lose their end; otherwise they are an error. Default false. */
  truncate?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: { texts: number; total: number }) => void;
}

export interface PerplexityOptions {
  /** Tokens that are read together. Default: 512, or the context where that is less. */
  window?: number;
  signal?: AbortSignal;
  onProgress?: (progress: { tokens: number; total: number }) => void;
}

export interface Perplexity {
  readonly perplexity: number;
  /** Mean of −log p of each token, in nats. */
  readonly loss: number;
  /** Tokens that were scored. */
  readonly tokens: number;
}

const DEFAULT_WINDOW = 512;

/**
 * A language model on a device.
 *
 * @example
 * using model = await LanguageModel.load('model.gguf');
 * for await (const { text } of model.generate('In the beginning', { maxTokens: 64 })) process.stdout.write(text);
 */
export class LanguageModel implements Disposable {
  /** What the file says, and what the device holds. */
  readonly info: ModelInfo;
  readonly device: Device;
  readonly #tokenizer: Tokenizer | undefined;
  readonly #template: () => ChatTemplate;
  readonly #transformer: Transformer;
  readonly #decoder: Decoder;
  readonly #sequences: SequencePool;
  readonly #ownsDevice: boolean;
  #scorer: Scorer | undefined;
  /** Embeddings share slots of the page table. */
  readonly #embeddings = new Mutex();
  #disposed = false;

  private constructor({ device, info, tokenizer, template, weights, ownsDevice, shape }: LoadedModel) {
    this.info = info;
    this.device = device;
    this.#tokenizer = tokenizer;
    this.#template = template;
    this.#transformer = Transformer.create(device, { ...shape, weights });
    try {
      this.#decoder = new Decoder(this.#transformer);
    } catch (error) {
      this.#transformer.dispose();
      throw error;
    }
    this.#sequences = new SequencePool(this.#transformer.cache, shape.sequences);
    this.#ownsDevice = ownsDevice;
  }

  /**
   * Loads a GGUF file or a Hugging Face folder.
   *
   * @throws ComputeError `INVALID_FILE` for a damaged file, `UNSUPPORTED` for a model that is not known, `OUT_OF_MEMORY`
   * with what is needed and what there is, before anything is read.
   */
  static load(path: string, options: ModelLoadOptions = {}): Promise<LanguageModel> {
    return loadModel(path, options, (loaded) => new LanguageModel(loaded));
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** Throws `ComputeError` `UNSUPPORTED` where the file has no tokenizer. */
  get tokenizer(): Tokenizer {
    if (this.#tokenizer) return this.#tokenizer;
    throw new ComputeError('UNSUPPORTED', `${this.info.path} has no tokenizer`, {
      suggestion: 'give token ids instead of text',
    });
  }

  /** Token ids of a text. */
  tokenize(text: string, options: EncodeOptions = {}): Uint32Array {
    return this.tokenizer.encode(text, options);
  }

  /** The text of token ids. */
  detokenize(ids: Iterable<number>): string {
    return this.tokenizer.decode(ids);
  }

  /**
   * Continues a text, or token ids. Nothing runs before the result is iterated over or asked for its `text` or `summary`.
   *
   * @example
   * const story = model.generate('Once upon a time', { temperature: 0.7, stop: '\n\n' });
   * for await (const { text } of story) process.stdout.write(text);
   * const { usage, timing } = await story.summary();
   */
  generate(prompt: Prompt, options: GenerateOptions = {}): Generation {
    const where = 'model.generate';
    this.#check(where);
    return this.#generation(where, this.#idsOf(where, prompt), options);
  }

  /**
   * The assistant's answer to a conversation, by the file's own chat template.
   *
   * @example
   * const answer = model.chat([{ role: 'user', content: 'Who was Prince Andrew?' }]);
   * console.log(await answer.text());
   */
  chat(messages: readonly ChatMessage[], options: ChatOptions = {}): Generation {
    const where = 'model.chat';
    this.#check(where);
    const { tools, variables, ...rest } = options;
    const text = this.#template().render(messages, {
      addGenerationPrompt: true,
      ...(tools && { tools }),
      ...(variables && { variables }),
    });
    const ids = this.tokenizer.encode(text, { addSpecial: false, special: true });
    return this.#generation(where, Array.from(ids), rest);
  }

  /** Vectors of texts, [texts, dimensions] row-major. */
  async embed(texts: readonly Prompt[], options: EmbedOptions = {}): Promise<Float32Array> {
    using vectors = await this.embedTensor(texts, options);
    return (await vectors.read()) as Float32Array;
  }

  /** The same as an f32 tensor on the device, [texts, dimensions], for an index to take from there. The caller disposes of it. */
  embedTensor(texts: readonly Prompt[], options: EmbedOptions = {}): Promise<Tensor> {
    const where = 'model.embed';
    this.#check(where);
    checkOptions(where, options, ['pooling', 'normalize', 'truncate', 'signal', 'onProgress']);
    const { pooling = this.info.pooling ?? 'mean', normalize = true, truncate = false, signal, onProgress } = options;
    checkOneOf(where, 'pooling', pooling, ['mean', 'last'] as const);
    checkBoolean(where, 'normalize', normalize);
    checkBoolean(where, 'truncate', truncate);
    checkSignal(where, signal);
    if (!Array.isArray(texts) || texts.length === 0)
      throw new TypeError(`${where}: texts must be an array of at least one, got ${describe(texts)}`);
    const { context } = this.#transformer;
    const ids = texts.map((text, i) => {
      const all = this.#idsOf(where, text, `texts[${i}]`);
      if (all.length <= context || truncate) return all.slice(0, context);
      throw new RangeError(`${where}: texts[${i}] must have at most ${context} tokens, got ${all.length}`);
    });
    return this.#embeddings.run(() =>
      this.#sequences.use((sequence) => {
        sequence.truncate(0);
        return embedTexts(this.#transformer, ids, { pooling, normalize, signal, onProgress });
      }, signal),
    );
  }

  /** Logits behind each token of a prompt, [tokens, vocabulary] row-major. */
  logits(prompt: Prompt, options: { signal?: AbortSignal } = {}): Promise<Float32Array> {
    const where = 'model.logits';
    this.#check(where);
    checkOptions(where, options, ['signal']);
    checkSignal(where, options.signal);
    const ids = this.#idsOf(where, prompt);
    this.#checkLength(where, ids);
    return this.#sequences.use(
      (sequence) => logitsOf(this.#transformer, sequence, ids, options.signal),
      options.signal,
    );
  }

  /** How well the model foresees a text: windows of it one after the other, each token scored but the first. */
  perplexity(prompt: Prompt, options: PerplexityOptions = {}): Promise<Perplexity> {
    const where = 'model.perplexity';
    this.#check(where);
    checkOptions(where, options, ['window', 'signal', 'onProgress']);
    const { context } = this.#transformer;
    const { window = Math.min(DEFAULT_WINDOW, context), signal } = options;
    checkInteger(where, 'window', window, { min: 2, max: context });
    checkSignal(where, signal);
    const ids = this.#idsOf(where, prompt);
    if (ids.length < 2) throw new RangeError(`${where}: prompt must have at least 2 tokens, got ${ids.length}`);
    return this.#sequences.use((sequence) => this.#perplexity(sequence, ids, { ...options, window }), signal);
  }

  /** Frees weights and cache. Generations that run end with an error. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#scorer?.dispose();
    this.#decoder.dispose();
    this.#transformer.dispose();
    if (this.#ownsDevice) this.device.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #perplexity(
    sequence: Sequence,
    ids: readonly number[],
    options: PerplexityOptions & { window: number },
  ): Promise<Perplexity> {
    const { window, signal, onProgress } = options;
    this.#check('model.perplexity');
    this.#scorer ??= new Scorer(this.#transformer);
    let sum = 0;
    const total = ids.length - 1;
    for (let first = 0; first < total; first += window) {
      const end = Math.min(first + window, total);
      const scores = await this.#scorer.scores(sequence, ids.slice(first, end), ids.slice(first + 1, end + 1), signal);
      for (const score of scores) sum -= score;
      onProgress?.({ tokens: end, total });
    }
    return { perplexity: Math.exp(sum / total), loss: sum / total, tokens: total };
  }

  #generation(where: string, prompt: readonly number[], options: GenerateOptions): Generation {
    const checked = checkGenerateOptions(where, options);
    this.#checkLength(where, prompt);
    const ends = checked.ignoreEnd ? [] : [...this.info.endIds, ...(this.#tokenizer?.endIds ?? [])];
    return new Generation({
      decoder: this.#decoder,
      tokenizer: this.#tokenizer,
      prompt,
      endIds: new Set([...ends, ...checked.stopIds]),
      options: checked,
      sequences: this.#sequences,
    });
  }

  #idsOf(where: string, prompt: unknown, name = 'prompt'): number[] {
    const { vocabulary } = this.info;
    if (typeof prompt !== 'string' && !Array.isArray(prompt) && !ArrayBuffer.isView(prompt))
      throw new TypeError(`${where}: ${name} must be a string or token ids, got ${describe(prompt)}`);
    const ids = Array.from(
      typeof prompt === 'string' ? this.tokenizer.encode(prompt) : (prompt as ArrayLike<number> & object as number[]),
    );
    if (ids.length === 0) throw new RangeError(`${where}: ${name} must have at least one token, got none`);
    for (const [i, id] of ids.entries()) checkInteger(where, `${name}[${i}]`, id, { min: 0, max: vocabulary - 1 });
    return ids;
  }

  /** At least one token has to have room behind the prompt. */
  #checkLength(where: string, ids: readonly number[]): void {
    const { context } = this.#transformer;
    if (ids.length > context)
      throw new RangeError(`${where}: prompt must have at most ${context} tokens (the context), got ${ids.length}`);
  }

  #check(where: string): void {
    if (this.#disposed) throw new ComputeError('DISPOSED', `${where}: the model was disposed of`);
  }
}
