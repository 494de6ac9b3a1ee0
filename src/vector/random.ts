// Seeded randomness for sampling: the same seed gives the same rows everywhere.

/** A 32-bit generator with 64 bits of state split over two words (splitmix-style), enough for choosing rows. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A uniform integer below 2^32. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  /** A uniform integer in [0, bound). */
  below(bound: number): number {
    return Math.floor((this.next() / 0x100000000) * bound);
  }

  /** `count` distinct integers in [0, bound), in random order; all of them when count ≥ bound. */
  distinct(count: number, bound: number): Uint32Array {
    const swapped = new Map<number, number>();
    const chosen = new Uint32Array(Math.min(count, bound));
    for (let i = 0; i < chosen.length; i++) {
      const j = i + this.below(bound - i);
      chosen[i] = swapped.get(j) ?? j;
      swapped.set(j, swapped.get(i) ?? i);
    }
    return chosen;
  }
}
