// LanguageModel: a model file on a device, and what can be asked of it.
import type { AbortOptions } from '../runtime/abort.js';
import { checkToken, TOKEN, type Token } from '../runtime/construction.js';
import type { Device } from '../runtime/device.js';
import { ComputeError } from '../runtime/errors.js';
import { Mutex } from '../runtime/mutex.js';
import type { Progress } from '../runtime/progress.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkBoolean, checkInteger, checkObject, checkOneOf, checkRunOptions, describe } from '../runtime/validate.js';
import type { ChatMessage, ChatTemplate, RenderOptions } from './chat-template.js';
import { Decoder } from './decoder.js';
import { type EmbeddingOptions, embedTexts } from './embedding.js';
import { logitsOf, Scorer } from './evaluation.js';
import { type CheckedOptions, checkGenerateOptions, type GenerateOptions } from './generate-options.js';
import { Generation } from './generation.js';
import { type LoadedModel, loadModel, type ModelInfo, type ModelLoadOptions } from './load-model.js';
import {
  type CheckedPrompt,
  checkIds,
  checkPrompt,
  idsInTurns,
  idsOf,
  type Prompt,
  type PromptRules,
} from './prompt.js';
import type { Sequence } from './sequence.js';
import { SequencePool } from './sequence-pool.js';
import type { DetokenizeOptions, TokenizeOptions, Tokenizer } from './tokenizer/tokenizer.js';
import { Transformer } from './transformer.js';

export interface ChatOptions extends GenerateOptions {
  /** For templates that know of functions. */
  tools?: RenderOptions['tools'];
  /** Further variables of the template. */
  variables?: RenderOptions['variables'];
}

export interface EmbedOptions extends AbortOptions {
  /** How tokens' vectors become the text's. Default: as the file says, else 'mean'. */
  pooling?: 'mean' | 'last' | undefined;
  /** Vectors of length 1. Default true. */
  normalize?: boolean | undefined;
  /** Texts that are longer than the context lose their end; otherwise they are an error. Default false. */
  truncate?: boolean | undefined;
  /** `done` and `total` are texts. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

export interface PerplexityOptions extends AbortOptions {
  /** Tokens that are read together. Default: 512, or the context where that is less. */
  window?: number | undefined;
  /** `done` and `total` are tokens. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

export interface Perplexity {
  readonly perplexity: number;
  /** Mean of −log p of each token, in nats. */
  readonly loss: number;
  /** Tokens that were scored. */
  readonly tokens: number;
}

const DEFAULT_WINDOW = 512;

/** Reads and disposes of a tensor. */
async function numbersOf(made: Promise<Tensor>): Promise<Float32Array> {
  using tensor = await made;
  return (await tensor.read()) as Float32Array;
}

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
  /** Where the weights are. */
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
  readonly #tokenizerOf = () => this.tokenizer;
  #disposed = false;

  private constructor(token: Token, loaded: LoadedModel) {
    checkToken(token, 'LanguageModel', 'LanguageModel.load');
    const { device, info, tokenizer, template, weights, ownsDevice, shape } = loaded;
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
   *
   * @example
   * const onProgress = ({ done, total }) => console.log(`${Math.round((100 * done) / total)} %`);
   * using model = await LanguageModel.load('model.gguf', { context: 2048, onProgress });
   */
  static load(path: string, options: ModelLoadOptions = {}): Promise<LanguageModel> {
    return loadModel(path, options, (loaded) => new LanguageModel(TOKEN, loaded));
  }

  /** Whether `dispose` was called. */
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

  /** Token ids of a text, at once: long ones hold up the event loop, `tokenizer.encodeInTurns` does not. */
  tokenize(text: string, options: TokenizeOptions = {}): Uint32Array {
    return this.tokenizer.encode(text, options);
  }

  /** The text of token ids. */
  detokenize(ids: Iterable<number>, options: DetokenizeOptions = {}): string {
    return this.tokenizer.decode(ids, options);
  }

  /**
   * Continues a text, which is tokenized at once, or token ids. Nothing else runs before the result is iterated over or
   * asked for its `text` or `summary`; once begun it has one of the model's sequences until it ends or is stopped.
   *
   * @example
   * const story = model.generate('Once upon a time', { temperature: 0.7, stop: '\n\n' });
   * for await (const { text } of story) process.stdout.write(text);
   * const { usage, timing } = await story.summary();
   */
  generate(prompt: Prompt, options: GenerateOptions = {}): Generation {
    const where = 'model.generate';
    this.#check(where);
    const checked = checkGenerateOptions(where, options);
    const rules = this.#rules(where);
    return this.#generation(idsOf(checkPrompt(prompt, rules), rules, this.#tokenizerOf), checked);
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
    checkObject(where, 'options', options);
    const { tools, variables, ...rest } = options;
    const checked = checkGenerateOptions(where, rest);
    const text = this.#template().render(messages, { addGenerationPrompt: true, tools, variables });
    const ids = this.tokenizer.encode(text, { addSpecial: false, special: true });
    return this.#generation(checkIds(ids, this.#rules(where, { name: 'the conversation' })), checked);
  }

  /**
   * Vectors of texts, [texts, dimensions] row-major.
   *
   * @example
   * const vectors = await model.embed(['a duel in the snow', 'the price of bread']); // Float32Array of 2 x dimensions
   */
  embed(texts: readonly Prompt[], options: EmbedOptions = {}): Promise<Float32Array> {
    return numbersOf(this.#embed('model.embed', texts, options));
  }

  /** The same as an f32 tensor on the device, [texts, dimensions], for an index to take from there. The caller disposes of it. */
  embedTensor(texts: readonly Prompt[], options: EmbedOptions = {}): Promise<Tensor> {
    return this.#embed('model.embedTensor', texts, options);
  }

  /** Logits behind each token of a prompt, [tokens, vocabulary] row-major. */
  logits(prompt: Prompt, options: AbortOptions = {}): Promise<Float32Array> {
    const where = 'model.logits';
    this.#check(where);
    checkRunOptions(where, options, ['signal']);
    const rules = this.#rules(where);
    const ids = idsOf(checkPrompt(prompt, rules), rules, this.#tokenizerOf);
    const { signal } = options;
    return this.#sequences.use((sequence) => logitsOf(this.#transformer, sequence, ids, signal), signal);
  }

  /**
   * How well the model foresees a text: windows of it one after the other, each token scored but the first. The text may be
   * longer than the context.
   *
   * @example
   * const { perplexity } = await model.perplexity(await readFile('book.txt', 'utf8'), { window: 256 });
   */
  perplexity(prompt: Prompt, options: PerplexityOptions = {}): Promise<Perplexity> {
    const where = 'model.perplexity';
    this.#check(where);
    checkRunOptions(where, options, ['window', 'signal', 'onProgress']);
    const { context } = this.#transformer;
    const { window = Math.min(DEFAULT_WINDOW, context) } = options;
    checkInteger(where, 'window', window, { min: 2, max: context });
    const rules = this.#rules(where, { min: 2, max: Number.POSITIVE_INFINITY });
    return this.#perplexity(checkPrompt(prompt, rules), rules, { ...options, window });
  }

  /** Frees weights and cache. What runs or waits rejects with a `ComputeError` `DISPOSED`. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#sequences.dispose();
    this.#scorer?.dispose();
    this.#decoder.dispose();
    this.#transformer.dispose();
    if (this.#ownsDevice) this.device.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #embed(where: string, texts: readonly Prompt[], options: EmbedOptions): Promise<Tensor> {
    this.#check(where);
    checkRunOptions(where, options, ['pooling', 'normalize', 'truncate', 'signal', 'onProgress']);
    const { pooling = this.info.pooling ?? 'mean', normalize = true, truncate = false, signal, onProgress } = options;
    checkOneOf(where, 'pooling', pooling, ['mean', 'last'] as const);
    checkBoolean(where, 'normalize', normalize);
    checkBoolean(where, 'truncate', truncate);
    if (!Array.isArray(texts) || texts.length === 0)
      throw new TypeError(`${where}: texts must be an array of at least one, got ${describe(texts)}`);
    const checked = texts.map((text, i) => {
      const rules = this.#rules(where, { name: `texts[${i}]`, truncate });
      return [checkPrompt(text, rules), rules] as const;
    });
    return this.#embedChecked(checked, { pooling, normalize, signal, onProgress });
  }

  async #embedChecked(
    texts: readonly (readonly [CheckedPrompt, PromptRules])[],
    options: EmbeddingOptions,
  ): Promise<Tensor> {
    const { signal } = options;
    const ids: (readonly number[])[] = [];
    for (const [text, rules] of texts) ids.push(await idsInTurns(text, rules, this.#tokenizerOf, signal));
    const work = (sequence: Sequence) => {
      sequence.truncate(0);
      return embedTexts(this.#transformer, ids, options);
    };
    return this.#embeddings.run(() => this.#sequences.use(work, signal), signal);
  }

  async #perplexity(
    prompt: CheckedPrompt,
    rules: PromptRules,
    options: PerplexityOptions & { window: number },
  ): Promise<Perplexity> {
    const { window, signal, onProgress } = options;
    const ids = await idsInTurns(prompt, rules, this.#tokenizerOf, signal);
    const total = ids.length - 1;
    return this.#sequences.use(async (sequence) => {
      this.#scorer ??= new Scorer(this.#transformer);
      let sum = 0;
      for (let first = 0; first < total; first += window) {
        const done = Math.min(first + window, total);
        const targets = ids.slice(first + 1, done + 1);
        for (const score of await this.#scorer.scores(sequence, ids.slice(first, done), targets, signal)) sum -= score;
        onProgress?.({ done, total });
      }
      return { perplexity: Math.exp(sum / total), loss: sum / total, tokens: total };
    }, signal);
  }

  #generation(prompt: readonly number[], options: CheckedOptions): Generation {
    const ends = options.ignoreEnd ? [] : [...this.info.endIds, ...(this.#tokenizer?.endIds ?? [])];
    return new Generation({
      decoder: this.#decoder,
      tokenizer: this.#tokenizer,
      prompt,
      endIds: new Set([...ends, ...options.stopIds]),
      options,
      sequences: this.#sequences,
    });
  }

  /** At least one token has to have room behind a prompt. */
  #rules(where: string, rules: Partial<PromptRules> = {}): PromptRules {
    const { vocabulary } = this.info;
    return { where, name: 'prompt', vocabulary, min: 1, max: this.#transformer.context, ...rules };
  }

  #check(where: string): void {
    if (this.#disposed) throw new ComputeError('DISPOSED', `${where}: the model was disposed of`);
  }
}
