// The ids that users know rows by, and where each row lies.
import { describe } from '../runtime/validate.js';
import { GROUP, NONE } from './layout.js';

/** Ids of vectors: 32-bit unsigned, or 64-bit signed. */
export type Ids = Uint32Array | BigInt64Array;

/** Where an index's ids come from; `none` as long as it is empty. */
export type IdKind = 'none' | 'automatic' | 'uint32' | 'bigint64';
export const ID_KINDS: readonly IdKind[] = ['none', 'automatic', 'uint32', 'bigint64'];

/** A JavaScript Set ends at 2^24 entries; ids are spread over this many. */
const SHARDS = 64;

class IdSet {
  readonly #shards = Array.from({ length: SHARDS }, () => new Set<number | bigint>());

  #shard(id: number | bigint): Set<number | bigint> {
    return this.#shards[Number(BigInt.asUintN(6, BigInt(id)))] as Set<number | bigint>;
  }

  has(id: number | bigint): boolean {
    return this.#shard(id).has(id);
  }

  add(id: number | bigint): void {
    this.#shard(id).add(id);
  }

  delete(id: number | bigint): void {
    this.#shard(id).delete(id);
  }
}

export class SlotIds {
  #ids: Ids | undefined;
  /** Only where the user gives ids: automatic ones cannot repeat. */
  #known: IdSet | undefined;
  #next = 0;

  get kind(): IdKind {
    if (this.#ids === undefined) return 'none';
    if (this.#known === undefined) return 'automatic';
    return this.#ids instanceof BigInt64Array ? 'bigint64' : 'uint32';
  }

  /** Checks ids before anything is changed: right kind, right number, none twice, none known. */
  check(where: string, ids: Ids | undefined, count: number): void {
    if (ids !== undefined && !(ids instanceof Uint32Array) && !(ids instanceof BigInt64Array))
      throw new TypeError(`${where}: ids must be a Uint32Array or a BigInt64Array, got ${describe(ids)}`);
    const kind = ids === undefined ? 'automatic' : ids instanceof BigInt64Array ? 'bigint64' : 'uint32';
    if (this.kind !== 'none' && this.kind !== kind)
      throw new TypeError(`${where}: ids must be ${this.kind} as in earlier calls, got ${kind}`);
    if (ids === undefined) return;
    if (ids.length !== count)
      throw new RangeError(`${where}: ids must have ${count} entries, one a vector, got ${ids.length}`);
    const seen = new IdSet();
    for (const id of ids) {
      if (id === NONE || id === -1n)
        throw new RangeError(`${where}: ids must not contain ${id}, which stands for "none"`);
      if (seen.has(id) || this.#known?.has(id)) throw new RangeError(`${where}: ids must not repeat, ${id} does`);
      seen.add(id);
    }
  }

  /** Row i of the call lies in slots[i]; `ids` are its ids, or undefined for running numbers. */
  assign(slots: Uint32Array, ids: Ids | undefined, slotCount: number): void {
    const all = this.#grow(ids instanceof BigInt64Array, slotCount);
    if (ids === undefined) {
      for (const slot of slots) all[slot] = this.#next++;
      return;
    }
    this.#known ??= new IdSet();
    for (const [i, id] of ids.entries()) {
      all[slots[i] as number] = id;
      this.#known.add(id);
    }
  }

  #grow(big: boolean, slotCount: number): Ids {
    if (this.#ids === undefined || this.#ids.length < slotCount) {
      const length = Math.max(slotCount, Math.ceil((this.#ids?.length ?? 0) * 1.5));
      const grown = big ? new BigInt64Array(length) : new Uint32Array(length);
      if (this.#ids !== undefined) (grown as Uint32Array).set(this.#ids as Uint32Array);
      this.#ids = grown;
    }
    return this.#ids;
  }

  /** Remembers the present state; the function it returns forgets `ids`, which were assigned since. */
  checkpoint(): (ids: Ids | undefined) => void {
    const next = this.#next;
    const kind = this.kind;
    return (ids) => {
      this.#next = next;
      if (kind === 'none') {
        this.#ids = undefined;
        this.#known = undefined;
      } else for (const id of ids ?? []) this.#known?.delete(id);
    };
  }

  /** Ids of slots; 0xFFFFFFFF or -1n where there is none. */
  lookup(slots: Uint32Array): Ids {
    const ids = this.#ids;
    if (ids instanceof BigInt64Array) {
      return BigInt64Array.from(slots as Iterable<number> & ArrayLike<number>, (slot: number) =>
        slot === NONE ? -1n : (ids[slot] as bigint),
      );
    }
    const found = new Uint32Array(slots.length);
    for (const [i, slot] of slots.entries()) found[i] = slot === NONE || ids === undefined ? NONE : ids[slot];
    return found;
  }

  /** What a file keeps: the id of every slot, 0 where `groupRows` says that there is no row. */
  snapshot(groupRows: Uint8Array): Ids {
    const ids = (this.#ids ?? new Uint32Array(0)).slice(0, groupRows.length * GROUP) as Ids;
    const none = (ids instanceof BigInt64Array ? 0n : 0) as never;
    for (const [group, rows] of groupRows.entries())
      if (rows < GROUP) ids.fill(none, group * GROUP + rows, (group + 1) * GROUP);
    return ids;
  }

  restore(ids: Ids, slots: Iterable<number>, kind: IdKind, next: number): void {
    if (kind === 'none') return;
    this.#ids = ids;
    this.#next = next;
    if (kind === 'automatic') return;
    this.#known = new IdSet();
    for (const slot of slots) this.#known.add(ids[slot] as number | bigint);
  }

  get next(): number {
    return this.#next;
  }
}
