// Seeded data for cases and benchmarks: the same numbers on every machine.

/** Marsaglia's xorshift family member "sfc32": small, fast, 128 bits of state. */
export class Random {
  private a: number;
  private b = 0x9e3779b9;
  private c = 0x243f6a88;
  private counter = 1;

  constructor(seed: number) {
    this.a = seed >>> 0;
    for (let i = 0; i < 12; i++) this.word();
  }

  word(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** In [0, 1). */
  uniform(): number {
    return this.word() / 4294967296;
  }

  /** In 0 .. bound − 1. */
  below(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  words(count: number, bound: number): Uint32Array {
    return Uint32Array.from({ length: count }, () => this.below(bound));
  }

  permutation(count: number): Uint32Array {
    const order = Uint32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  /** Row-major rows; `integer` has few distinct values, so many exact ties. */
  rows(kind: DataKind, count: number, dimensions: number): Float32Array {
    const values = new Float32Array(count * dimensions);
    if (kind === 'clustered') return this.clustered(values, dimensions);
    for (let i = 0; i < values.length; i++) values[i] = this.value(kind);
    return values;
  }

  private value(kind: Exclude<DataKind, 'clustered'>): number {
    if (kind === 'normal') return this.normal();
    if (kind === 'offset') return 100 + this.normal();
    return kind === 'uniform' ? this.uniform() * 2 - 1 : this.below(3) - 1;
  }

  private clustered(values: Float32Array, dimensions: number): Float32Array {
    const count = values.length / dimensions;
    const clusters = Math.max(1, Math.ceil(Math.sqrt(count) / 2));
    const centers = this.rows('normal', clusters, dimensions);
    for (let row = 0; row < count; row++) {
      const center = this.below(clusters) * dimensions;
      for (let d = 0; d < dimensions; d++) values[row * dimensions + d] = centers[center + d] + 0.2 * this.normal();
    }
    return values;
  }
}

export type DataKind = 'normal' | 'uniform' | 'integer' | 'offset' | 'clustered';
