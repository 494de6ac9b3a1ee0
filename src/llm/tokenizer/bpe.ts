// Byte pair encoding: neighbouring symbols are joined, the pair of the lowest rank first, until no pair is left.

/** Which pairs of symbols can be joined. A pair is a number, or -1 where the two cannot be joined. */
export interface Pairs {
  find(left: number, right: number): number;
  /** Lower is joined earlier; of equal ranks the leftmost. An integer below 2²². */
  rank(pair: number): number;
  /** The symbol of the two together. */
  joined(pair: number): number;
}

/** A symbol is a token's id, or, for a character that is no token, `UNKNOWN_SYMBOL` + its code point. */
export const UNKNOWN_SYMBOL = 2 ** 24;

const SYMBOL_RANGE = 2 ** 26;
const pairKey = (left: number, right: number) => left * SYMBOL_RANGE + right;

/** Pairs from a list of merges, best first. */
export class MergeList implements Pairs {
  readonly #pairs = new Map<number, number>();
  readonly #joined: number[] = [];

  /** A merge that names what is no token is left out. */
  constructor(merges: Iterable<readonly [string, string]>, idOf: ReadonlyMap<string, number>) {
    for (const [left, right] of merges) {
      const joined = idOf.get(left + right);
      const [leftId, rightId] = [idOf.get(left), idOf.get(right)];
      if (joined === undefined || leftId === undefined || rightId === undefined) {
        this.#joined.push(-1);
        continue;
      }
      const key = pairKey(leftId, rightId);
      if (!this.#pairs.has(key)) this.#pairs.set(key, this.#joined.length);
      this.#joined.push(joined);
    }
  }

  find(left: number, right: number): number {
    return this.#pairs.get(pairKey(left, right)) ?? -1;
  }

  rank(pair: number): number {
    return pair;
  }

  joined(pair: number): number {
    return this.#joined[pair];
  }
}

/** Pairs whose text is a token (SentencePiece): the token of the highest score first. */
export class ScoredPairs implements Pairs {
  readonly #tokens: readonly string[];
  readonly #idOf: ReadonlyMap<string, number>;
  readonly #ranks: Uint32Array;
  readonly #seen = new Map<number, number>();

  constructor(tokens: readonly string[], scores: ArrayLike<number>, idOf: ReadonlyMap<string, number>) {
    this.#tokens = tokens;
    this.#idOf = idOf;
    const distinct = [...new Set(Array.from(scores))].sort((a, b) => b - a);
    const rankOf = new Map(distinct.map((score, rank) => [score, rank]));
    this.#ranks = Uint32Array.from(tokens, (_, id) => rankOf.get(scores[id]) ?? distinct.length);
  }

  find(left: number, right: number): number {
    const key = pairKey(left, right);
    let pair = this.#seen.get(key);
    if (pair === undefined) {
      pair = this.#idOf.get(this.#text(left) + this.#text(right)) ?? -1;
      if (this.#seen.size >= MAX_SEEN_PAIRS) this.#seen.clear();
      this.#seen.set(key, pair);
    }
    return pair;
  }

  rank(pair: number): number {
    return this.#ranks[pair];
  }

  joined(pair: number): number {
    return pair;
  }

  #text(symbol: number): string {
    return symbol < UNKNOWN_SYMBOL ? this.#tokens[symbol] : String.fromCodePoint(symbol - UNKNOWN_SYMBOL);
  }
}

const MAX_SEEN_PAIRS = 1 << 20;

/** The smallest number first. */
class NumberHeap {
  readonly #items: number[] = [];

  get size(): number {
    return this.#items.length;
  }

  push(value: number): void {
    const items = this.#items;
    let at = items.length;
    items.push(value);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (items[parent] <= value) break;
      items[at] = items[parent];
      at = parent;
    }
    items[at] = value;
  }

  pop(): number {
    const items = this.#items;
    const first = items[0];
    const last = items.pop() as number;
    if (items.length > 0) this.#sink(last);
    return first;
  }

  #sink(value: number): void {
    const items = this.#items;
    let at = 0;
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      if (child + 1 < items.length && items[child + 1] < items[child]) child++;
      if (items[child] >= value) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = value;
  }
}

/** A queued pair is one number: its rank, then the place of its left symbol. */
const PLACE_RANGE = 2 ** 31;

/** Joins the symbols in place; those that are left are the first ones of the array, and their number is returned. */
export function joinPairs(symbols: Int32Array | number[], count: number, pairs: Pairs): number {
  const next = new Int32Array(count);
  const previous = new Int32Array(count);
  const queue = new NumberHeap();
  const consider = (left: number, right: number) => {
    const pair = pairs.find(symbols[left], symbols[right]);
    if (pair >= 0) queue.push(pairs.rank(pair) * PLACE_RANGE + left);
  };
  for (let i = 0; i < count; i++) {
    next[i] = i + 1 < count ? i + 1 : -1;
    previous[i] = i - 1;
    if (i > 0) consider(i - 1, i);
  }
  while (queue.size > 0) {
    const entry = queue.pop();
    const left = entry % PLACE_RANGE;
    const right = next[left];
    if (symbols[left] < 0 || right < 0) continue;
    const pair = pairs.find(symbols[left], symbols[right]);
    // What stood here when it was queued may have been joined with something else since.
    if (pair < 0 || pairs.rank(pair) !== Math.floor(entry / PLACE_RANGE)) continue;
    symbols[left] = pairs.joined(pair);
    symbols[right] = -1;
    next[left] = next[right];
    if (next[left] >= 0) {
      previous[next[left]] = left;
      consider(left, next[left]);
    }
    if (previous[left] >= 0) consider(previous[left], left);
  }
  let kept = 0;
  for (let i = 0; i >= 0 && i < count; i = next[i]) symbols[kept++] = symbols[i];
  return kept;
}
