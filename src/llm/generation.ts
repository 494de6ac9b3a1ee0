// A text as it grows: tokens come from the device while the next ones are on their way.
import '../runtime/dispose-symbol.js';
import { NO_TOKEN } from '../nn/sampling.js';
import { onAbort } from '../runtime/abort.js';
import { ComputeError } from '../runtime/errors.js';
import type { Decoder } from './decoder.js';
import type { CheckedOptions } from './generate-options.js';
import type { Sequence } from './sequence.js';
import type { SequencePool } from './sequence-pool.js';
import { StopMatcher, TextStream } from './tokenizer/text-stream.js';
import type { Tokenizer } from './tokenizer/tokenizer.js';

/**
 * Why a text ended: an end token or a stop string, the limit of tokens, a full context; 'cancelled' where its reader left
 * or `Generation.stop` was called.
 */
export type FinishReason = 'stop' | 'length' | 'context' | 'cancelled';

export interface GenerationChunk {
  /** Text that is new; never part of a character, empty while a stop string may be under way. */
  readonly text: string;
  /** Tokens behind it. */
  readonly ids: readonly number[];
}

export interface GenerationSummary {
  readonly text: string;
  readonly ids: readonly number[];
  readonly finishReason: FinishReason;
  readonly usage: {
    readonly promptTokens: number;
    /** Of the prompt, tokens whose keys and values an earlier text had left in the cache. */
    readonly cachedTokens: number;
    readonly completionTokens: number;
  };
  readonly timing: {
    /** From the beginning to the first token; 0 where there is none. */
    readonly firstTokenMs: number;
    readonly totalMs: number;
    readonly promptTokensPerSecond: number;
    readonly tokensPerSecond: number;
  };
}

interface GenerationParts {
  readonly decoder: Decoder;
  readonly tokenizer: Tokenizer | undefined;
  readonly prompt: readonly number[];
  readonly endIds: ReadonlySet<number>;
  readonly options: CheckedOptions;
  readonly sequences: SequencePool;
}

/** Why a generation that was told to stop is aborted: no failure. */
const STOPPED = Symbol('stopped');

/**
 * A running generation: an async iterator of chunks. `summary` resolves at its end, `text` is for those who do not stream:
 * both run the generation when nobody iterates.
 *
 * From the first chunk on it has one of the model's sequences, which others may wait for. The sequence is free again when
 * the text ends, when the loop is left, after `stop`, and when the signal aborts; a generation that is begun and neither
 * read on nor stopped keeps it.
 *
 * @example
 * await using story = model.generate('Once upon a time', { maxTokens: 200 });
 * for await (const { text } of story) {
 *   process.stdout.write(text);
 *   if (text.includes('\n')) break;
 * }
 * console.log((await story.summary()).finishReason); // 'cancelled', 'stop' or 'length'
 */
export class Generation implements AsyncIterable<GenerationChunk>, AsyncDisposable {
  readonly #parts: GenerationParts;
  readonly #text: TextOfTokens;
  readonly #ids: number[] = [];
  /** Aborts when `stop` is called, and when the caller's signal does. */
  readonly #stopping = new AbortController();
  #iterator: AsyncGenerator<GenerationChunk, void> | undefined;
  #finishReason: FinishReason = 'cancelled';
  #failure: { readonly error: unknown } | undefined;
  #cachedTokens = 0;
  #firstTokenMs = 0;
  #totalMs = 0;

  constructor(parts: GenerationParts) {
    this.#parts = parts;
    this.#text = new TextOfTokens(parts);
  }

  /** The chunks; they can be read once. Leaving the loop stops the generation. */
  [Symbol.asyncIterator](): AsyncGenerator<GenerationChunk, void> {
    if (this.#iterator) throw new TypeError('generation: it can be iterated over once');
    this.#iterator = this.#read();
    return this.#iterator;
  }

  /**
   * Usage, timing and the whole text, or after `stop` the text so far; runs what is left of the generation. Rejects with
   * what the generation failed of, an abort's reason too.
   */
  async summary(): Promise<GenerationSummary> {
    this.#iterator ??= this.#read();
    for (let next = await this.#iterator.next(); !next.done; next = await this.#iterator.next());
    if (this.#failure) throw this.#failure.error;
    const { length: promptTokens } = this.#parts.prompt;
    const [firstTokenMs, totalMs, cachedTokens] = [this.#firstTokenMs, this.#totalMs, this.#cachedTokens];
    const ids = [...this.#ids];
    const rate = (count: number, ms: number) => (ms > 0 && count > 0 ? (count * 1000) / ms : 0);
    return {
      text: this.#text.all,
      ids,
      finishReason: this.#finishReason,
      usage: { promptTokens, cachedTokens, completionTokens: ids.length },
      timing: {
        firstTokenMs,
        totalMs,
        promptTokensPerSecond: rate(promptTokens - cachedTokens, firstTokenMs),
        tokensPerSecond: rate(ids.length - 1, totalMs - firstTokenMs),
      },
    };
  }

  /** The whole text; like `summary`. */
  async text(): Promise<string> {
    return (await this.summary()).text;
  }

  /** Ends the generation where it is; resolves when its sequence is free. Its reader's loop ends, its text so far stays. */
  async stop(): Promise<void> {
    this.#stopping.abort(STOPPED);
    await this.#iterator?.return();
  }

  /** The same as `stop`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Chunks as the reader takes them. Who does not read on when the signal aborts is told of it at the next chunk. */
  async *#read(): AsyncGenerator<GenerationChunk, void> {
    const chunks = this.#run();
    const { signal } = this.#parts.options;
    const forget = signal && onAbort(signal, () => this.#stopping.abort(signal.reason));
    const { signal: own } = this.#stopping;
    if (!own.aborted) onAbort(own, () => void chunks.return());
    try {
      yield* chunks;
    } finally {
      forget?.();
    }
    if (this.#failure) throw this.#failure.error;
  }

  /** Ends when the generation fails, too. */
  async *#run(): AsyncGenerator<GenerationChunk, void> {
    const { sequences, prompt } = this.#parts;
    const begin = performance.now();
    let sequence: Sequence | undefined;
    try {
      sequence = await sequences.acquire(prompt, this.#stopping.signal);
      yield* this.#generate(sequence, begin);
    } catch (error) {
      if (error !== STOPPED) this.#failure = { error: sequences.reasonOf(error) };
    } finally {
      this.#totalMs = performance.now() - begin;
      if (sequence) sequences.release(sequence);
      const { aborted, reason } = this.#stopping.signal;
      const left = this.#finishReason === 'cancelled' && aborted && reason !== STOPPED;
      if (left) this.#failure ??= { error: reason };
    }
  }

  async *#generate(sequence: Sequence, begin: number): AsyncGenerator<GenerationChunk, void> {
    const { decoder, prompt, options, endIds } = this.#parts;
    const { sampling, maxTokens } = options;
    // The last token needs no place in the context.
    const limit = Math.min(maxTokens, decoder.transformer.context - prompt.length + 1);
    this.#cachedTokens = decoder.begin(sequence, prompt);
    let finishReason: FinishReason = limit < maxTokens ? 'context' : 'length';
    for await (const id of decoder.tokens(sequence, prompt, { sampling, limit, signal: this.#stopping.signal })) {
      if (this.#ids.length === 0) this.#firstTokenMs = performance.now() - begin;
      if (id === NO_TOKEN)
        throw new ComputeError('UNSUPPORTED', 'no logit is finite: the weights of the model lead to NaN');
      this.#ids.push(id);
      const ended = endIds.has(id);
      if (!ended) yield { text: this.#text.push(id), ids: [id] };
      if (!ended && !this.#text.stopped) continue;
      finishReason = 'stop';
      break;
    }
    const rest = this.#text.end();
    if (rest !== '') yield { text: rest, ids: [] };
    this.#finishReason = finishReason;
  }
}

/** The text of tokens up to the first stop string; empty for a model without a tokenizer. */
class TextOfTokens {
  readonly #vocabulary: number;
  readonly #stream: TextStream | undefined;
  readonly #matcher: StopMatcher;
  all = '';

  constructor({ tokenizer, prompt, options }: GenerationParts) {
    this.#vocabulary = tokenizer?.vocabularySize ?? 0;
    if (tokenizer) {
      const continued = prompt.some((id) => id < this.#vocabulary && !tokenizer.isControl(id));
      this.#stream = new TextStream(tokenizer, { continued });
    }
    this.#matcher = new StopMatcher(options.stop);
  }

  get stopped(): boolean {
    return this.#matcher.stopped;
  }

  /** A matrix may have more rows than the tokenizer has tokens: those are no text. */
  push(id: number): string {
    return this.#add(this.#stream && id < this.#vocabulary ? this.#stream.push(id) : '');
  }

  end(): string {
    if (this.stopped) return '';
    const rest = this.#add(this.#stream?.end() ?? '');
    if (this.stopped) return rest;
    const held = this.#matcher.end();
    this.all += held;
    return rest + held;
  }

  #add(text: string): string {
    const shown = this.#matcher.push(text).text;
    this.all += shown;
    return shown;
  }
}
