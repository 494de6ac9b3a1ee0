// A text as it grows: tokens come from the device while the next ones are on their way.
import { NO_TOKEN } from '../nn/sampling.js';
import { ComputeError } from '../runtime/errors.js';
import type { Decoder } from './decoder.js';
import type { CheckedOptions } from './generate-options.js';
import type { Sequence } from './sequence.js';
import type { SequencePool } from './sequence-pool.js';
import { StopMatcher, TextStream } from './tokenizer/text-stream.js';
import type { Tokenizer } from './tokenizer/tokenizer.js';

/** Why a text ended: an end token or a stop string, the limit of tokens, a full context. */
export type FinishReason = 'stop' | 'length' | 'context';

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
    readonly firstTokenMs: number;
    readonly totalMs: number;
    readonly promptTokensPerSecond: number;
    readonly tokensPerSecond: number;
  };
}

export interface GenerationParts {
  readonly decoder: Decoder;
  readonly tokenizer: Tokenizer | undefined;
  readonly prompt: readonly number[];
  readonly endIds: ReadonlySet<number>;
  readonly options: CheckedOptions;
  readonly sequences: SequencePool;
}

/**
 * A running generation: an async iterator of chunks. Leaving the loop stops it. `summary` resolves at its end, `text` is
 * for those who do not stream: both run the generation when nobody iterates.
 */
export class Generation implements AsyncIterable<GenerationChunk> {
  readonly #parts: GenerationParts;
  #iterator: AsyncGenerator<GenerationChunk, void> | undefined;
  #summary: GenerationSummary | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(parts: GenerationParts) {
    this.#parts = parts;
  }

  [Symbol.asyncIterator](): AsyncGenerator<GenerationChunk, void> {
    if (this.#iterator) throw new TypeError('generation: it can be iterated over once');
    this.#iterator = this.#run();
    return this.#iterator;
  }

  /** Usage, timing and the whole text; runs what is left of the generation. */
  async summary(): Promise<GenerationSummary> {
    this.#iterator ??= this.#run();
    for (let next = await this.#iterator.next(); !next.done; next = await this.#iterator.next());
    if (this.#failure) throw this.#failure.error;
    if (!this.#summary) throw new TypeError('generation: it was left before its end');
    return this.#summary;
  }

  /** The whole text. */
  async text(): Promise<string> {
    return (await this.summary()).text;
  }

  async *#run(): AsyncGenerator<GenerationChunk, void> {
    const { sequences, prompt, options } = this.#parts;
    const begin = performance.now();
    options.signal?.throwIfAborted();
    const sequence = await sequences.acquire(prompt, options.signal);
    try {
      yield* this.#generate(sequence, begin);
    } catch (error) {
      this.#failure = { error };
      throw error;
    } finally {
      sequences.release(sequence);
    }
  }

  async *#generate(sequence: Sequence, begin: number): AsyncGenerator<GenerationChunk, void> {
    const { decoder, prompt, options, endIds } = this.#parts;
    const { signal, maxTokens } = options;
    // The last token needs no place in the context.
    const limit = Math.min(maxTokens, decoder.transformer.context - prompt.length + 1);
    const text = new TextOfTokens(this.#parts);
    const cachedTokens = decoder.begin(sequence, prompt);
    const ids: number[] = [];
    let finishReason: FinishReason = limit < maxTokens ? 'context' : 'length';
    let firstTokenMs = 0;
    for await (const id of decoder.tokens(sequence, prompt, { sampling: options.sampling, limit, signal })) {
      if (ids.length === 0) firstTokenMs = performance.now() - begin;
      if (id === NO_TOKEN)
        throw new ComputeError('UNSUPPORTED', 'no logit is finite: the weights of the model lead to NaN');
      ids.push(id);
      const ended = endIds.has(id);
      if (!ended) yield { text: text.push(id), ids: [id] };
      if (!ended && !text.stopped) continue;
      finishReason = 'stop';
      break;
    }
    const rest = text.end();
    if (rest !== '') yield { text: rest, ids: [] };
    this.#summarise({ text: text.all, ids, finishReason, cachedTokens, begin, firstTokenMs });
  }

  #summarise(
    run: Pick<GenerationSummary, 'text' | 'ids' | 'finishReason'> & {
      cachedTokens: number;
      begin: number;
      firstTokenMs: number;
    },
  ): void {
    const { text, ids, finishReason, cachedTokens, begin, firstTokenMs } = run;
    const totalMs = performance.now() - begin;
    const { length: promptTokens } = this.#parts.prompt;
    const rate = (count: number, ms: number) => (ms > 0 && count > 0 ? (count * 1000) / ms : 0);
    this.#summary = {
      text,
      ids,
      finishReason,
      usage: { promptTokens, cachedTokens, completionTokens: ids.length },
      timing: {
        firstTokenMs,
        totalMs,
        promptTokensPerSecond: rate(promptTokens - cachedTokens, firstTokenMs),
        tokensPerSecond: rate(ids.length - 1, totalMs - firstTokenMs),
      },
    };
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
