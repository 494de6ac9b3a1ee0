// Finds added tokens in a text: the longest one at the leftmost place.
import type { AddedToken } from './parts.js';

const escapeInClass = (character: string) => character.replace(/[\\\]^-]/g, '\\$&');

/** Cuts a text into added tokens and the strings between them. */
export class AddedTokens {
  readonly #byFirst = new Map<string, AddedToken[]>();
  readonly #firsts: RegExp | undefined;

  constructor(tokens: Iterable<AddedToken>) {
    for (const token of tokens) {
      if (token.content === '') continue;
      const first = String.fromCodePoint(token.content.codePointAt(0) as number);
      const others = this.#byFirst.get(first);
      if (others) others.push(token);
      else this.#byFirst.set(first, [token]);
    }
    for (const list of this.#byFirst.values()) list.sort((a, b) => b.content.length - a.content.length);
    const firsts = [...this.#byFirst.keys()].map(escapeInClass).join('');
    if (firsts !== '') this.#firsts = new RegExp(`[${firsts}]`, 'gu');
  }

  /** Strings without added tokens, and the ids of those between them. */
  split(text: string): (string | number)[] {
    const parts: (string | number)[] = [];
    let end = 0;
    if (this.#firsts) {
      const firsts = this.#firsts;
      firsts.lastIndex = 0;
      for (let match = firsts.exec(text); match; match = firsts.exec(text)) {
        const token = this.#tokenAt(text, match.index, match[0]);
        if (!token) continue;
        const before = text.slice(end, match.index);
        const kept = token.stripsLeft ? before.replace(/\p{White_Space}+$/u, '') : before;
        if (kept !== '') parts.push(kept);
        parts.push(token.id);
        end = match.index + token.content.length;
        while (token.stripsRight && end < text.length && /\p{White_Space}/u.test(text[end])) end++;
        firsts.lastIndex = end;
      }
    }
    if (end < text.length) parts.push(end === 0 ? text : text.slice(end));
    return parts;
  }

  #tokenAt(text: string, at: number, first: string): AddedToken | undefined {
    return this.#byFirst.get(first)?.find((token) => text.startsWith(token.content, at));
  }
}
