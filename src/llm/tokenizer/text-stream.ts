// Text out of a stream of tokens: whole characters only, and stop strings that may lie across tokens.
import { checkBoolean, checkOptions, checkString, describe } from '../../runtime/validate.js';
import { type DetokenizeOptions, Tokenizer } from './tokenizer.js';

const SPACE = 0x20;

/**
 * Decodes tokens one by one. The strings together are what `tokenizer.decode` makes of all ids.
 *
 * @example
 * const stream = new TextStream(tokenizer);
 * for (const id of ids) process.stdout.write(stream.push(id));
 * process.stdout.write(stream.end());
 */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  readonly #special: boolean;
  #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #atStart: boolean;

  constructor(tokenizer: Tokenizer, options: DetokenizeOptions = {}) {
    if (!(tokenizer instanceof Tokenizer))
      throw new TypeError(`TextStream: tokenizer must be a Tokenizer, got ${describe(tokenizer)}`);
    checkOptions('TextStream', options, ['special', 'continued']);
    this.#tokenizer = tokenizer;
    this.#special = checkBoolean('TextStream', 'special', options.special ?? false);
    this.#atStart = tokenizer.leadingSpace && !checkBoolean('TextStream', 'continued', options.continued ?? false);
  }

  /** The text that is complete with this token; an unfinished character waits for its other bytes. */
  push(id: number): string {
    let bytes = this.#tokenizer.tokenBytes(id, { special: this.#special });
    if (bytes.length === 0) return '';
    if (this.#atStart && bytes[0] === SPACE) bytes = bytes.subarray(1);
    this.#atStart = false;
    return this.#decoder.decode(bytes, { stream: true });
  }

  /** What still waits: U+FFFD for an unfinished character. */
  end(): string {
    return this.#decoder.decode();
  }
}

/** Text that can be shown, and whether a stop string came after it. */
export interface StopResult {
  readonly text: string;
  readonly stopped: boolean;
}

/**
 * Cuts a stream of text at the first stop string; holds back what may be the beginning of one.
 *
 * @example
 * const matcher = new StopMatcher(['\n\n', 'THE END']);
 * for (const piece of pieces) {
 *   process.stdout.write(matcher.push(piece).text);
 *   if (matcher.stopped) break;
 * }
 * process.stdout.write(matcher.end());
 */
export class StopMatcher {
  readonly #stops: readonly string[];
  #held = '';
  #stopped = false;

  constructor(stops: readonly string[]) {
    if (!Array.isArray(stops)) throw new TypeError(`StopMatcher: stops must be an array, got ${describe(stops)}`);
    for (const stop of stops) checkString('StopMatcher', 'a stop string', stop);
    this.#stops = [...stops];
  }

  /** Whether a stop string came. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** The text before the stop string that is complete first, or as much as cannot belong to one. */
  push(text: string): StopResult {
    if (this.#stopped) return { text: '', stopped: true };
    const all = this.#held + text;
    const cut = this.#firstStop(all);
    this.#stopped = cut !== undefined;
    const keep = cut ?? all.length - this.#unfinished(all);
    this.#held = this.#stopped ? '' : all.slice(keep);
    return { text: all.slice(0, keep), stopped: this.#stopped };
  }

  /** What was held back, at the end of the text. */
  end(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }

  /** Where the stop string begins that ends first; of several the one that begins first. */
  #firstStop(text: string): number | undefined {
    let start: number | undefined;
    let end = Infinity;
    for (const stop of this.#stops) {
      const at = text.indexOf(stop);
      if (at < 0) continue;
      if (at + stop.length < end || (at + stop.length === end && at < (start as number))) start = at;
      end = Math.min(end, at + stop.length);
    }
    return start;
  }

  /** Length of the longest end of the text that begins a stop string. */
  #unfinished(text: string): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
