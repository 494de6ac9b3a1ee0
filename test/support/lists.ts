// Paged inverted lists for cases: list sizes, shuffled groups, probes with NONE, and candidate offsets.
import { NONE } from './packed.js';
import type { Random } from './random.js';

export interface ListShape {
  /** Live rows of each list. */
  sizes: readonly number[];
  queryCount: number;
  probeCount: number;
}

export class Lists {
  readonly listRows: Uint32Array;
  readonly listBegin: Uint32Array;
  readonly groups: Uint32Array;
  readonly probes: Uint32Array;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;

  constructor(
    random: Random,
    readonly shape: ListShape,
  ) {
    const { sizes, queryCount, probeCount } = shape;
    this.listRows = Uint32Array.from(sizes);
    this.listBegin = new Uint32Array(sizes.length + 1);
    sizes.forEach((size, list) => {
      this.listBegin[list + 1] = this.listBegin[list] + Math.ceil(size / 32);
    });
    this.groups = random.permutation(Math.max(1, this.listBegin[sizes.length]));
    this.probes = new Uint32Array(queryCount * probeCount).fill(NONE);
    for (let q = 0; q < queryCount; q++) {
      const lists = random.permutation(sizes.length);
      // Some queries probe fewer lists than they may.
      const probed = q % 3 === 2 ? Math.ceil(probeCount / 2) : probeCount;
      for (let p = 0; p < Math.min(probed, sizes.length); p++) this.probes[q * probeCount + p] = lists[p];
    }
    this.offsets = new Uint32Array(queryCount * probeCount);
    this.lengths = new Uint32Array(queryCount);
    for (let i = 0; i < this.probes.length; i++) {
      const q = Math.floor(i / probeCount);
      this.offsets[i] = this.lengths[q];
      this.lengths[q] += this.sizeOf(this.probes[i]);
    }
  }

  sizeOf(list: number): number {
    return list === NONE ? 0 : this.listRows[list];
  }

  get groupCount(): number {
    return this.groups.length;
  }

  /** Most candidates that a query has. */
  get longest(): number {
    return this.lengths.reduce((most, length) => Math.max(most, length), 1);
  }

  slot(list: number, row: number): number {
    return this.groups[this.listBegin[list] + (row >> 5)] * 32 + (row & 31);
  }

  /** Every candidate: its query, its list, its slot and its number within the query. */
  *candidates(): Generator<{ q: number; list: number; slot: number; candidate: number }> {
    for (let i = 0; i < this.probes.length; i++) {
      const list = this.probes[i];
      const q = Math.floor(i / this.shape.probeCount);
      for (let row = 0; row < this.sizeOf(list); row++)
        yield { q, list, slot: this.slot(list, row), candidate: this.offsets[i] + row };
    }
  }
}
