// The ids that users know rows by, and where each row lies.
import { describe } from '../runtime/validate.js';
import { GROUP, NONE } from './layout.js';
import { Turns } from './turns.js';

/** Ids of vectors: 32-bit unsigned, or 64-bit signed. */
export type Ids = Uint32Array | BigInt64Array;

/** Where an index's ids come from; `none` as long as it is empty. */
export type IdKind = 'none' | 'automatic' | 'uint32' | 'bigint64';
export const ID_KINDS: readonly IdKind[] = ['none', 'automatic', 'uint32', 'bigint64'];

/** A JavaScript Set ends at 2^24 entries; ids are spread over this many. */
const SHARDS = 64;
/** Ids that are looked at before the event loop may go on. */
const STEP = 1024;

class IdSet {
  readonly #shards = Array.from({ length: SHARDS }, () => new Set<number | bigint>());

  #shard(id: number | bigint): Set<number | bigint> {
    return this.#shards[typeof id === 'number' ? id % SHARDS : Number(BigInt.asUintN(6, id))];
  }

  /** False where it was there before. */
  add(id: number | bigint): boolean {
    const shard = this.#shard(id);
    const size = shard.size;
    return shard.add(id).size > size;
  }

  delete(id: number | bigint): void {
    this.#shard(id).delete(id);
  }
}

export class SlotIds {
  #kind: IdKind = 'none';
  #ids: Ids | undefined;
  /** What users gave, collected when the first id is added to it: automatic ones cannot repeat. */
  #known: IdSet | undefined;
  #next = 0;

  get kind(): IdKind {
    return this.#kind;
  }

  get next(): number {
    return this.#next;
  }

  /** Checks what needs no look at each id: right kind, right number. */
  check(where: string, ids: Ids | undefined, count: number): void {
    if (ids !== undefined && !(ids instanceof Uint32Array) && !(ids instanceof BigInt64Array))
      throw new TypeError(`${where}: ids must be a Uint32Array or a BigInt64Array, got ${describe(ids)}`);
    if (this.#kind !== 'none' && this.#kind !== kindOf(ids)) {
      if (this.#kind === 'automatic') throw new TypeError(`${where}: ids must not be given: earlier calls gave none`);
      const array = this.#kind === 'bigint64' ? 'BigInt64Array' : 'Uint32Array';
      throw new TypeError(`${where}: ids must be a ${array} as in earlier calls, got ${describe(ids)}`);
    }
    if (ids !== undefined && ids.length !== count)
      throw new RangeError(`${where}: ids must have ${count} entries, one a vector, got ${ids.length}`);
  }

  /**
   * Makes the ids known before they get slots. Rejects, and knows none of them, where one repeats. `slots` are those of
   * the rows that there are. The function it resolves with undoes it, and whatever was assigned since.
   */
  async claim(
    where: string,
    ids: Ids | undefined,
    { slots, signal }: { slots: Iterable<number>; signal?: AbortSignal | undefined },
  ): Promise<() => Promise<void>> {
    const [kind, next] = [this.#kind, this.#next];
    let claimed = 0;
    const undo = async () => {
      this.#next = next;
      this.#kind = kind;
      if (kind === 'none') this.#ids = this.#known = undefined;
      else if (ids !== undefined) await this.#forget(ids.subarray(0, claimed) as Ids);
    };
    if (ids === undefined) return undo;
    const turns = new Turns(signal);
    this.#known ??= await this.#collect(slots, turns);
    try {
      for (const id of ids) {
        if (id === NONE || id === -1n)
          throw new RangeError(`${where}: ids must not contain ${id}, which stands for "none"`);
        if (!this.#known.add(id)) throw new RangeError(`${where}: ids must not repeat, ${id} does`);
        if (++claimed % STEP === 0) await turns.pause();
      }
    } catch (error) {
      await undo();
      throw error;
    }
    return undo;
  }

  async #collect(slots: Iterable<number>, turns: Turns): Promise<IdSet> {
    const known = new IdSet();
    const ids = this.#ids;
    if (ids === undefined) return known;
    let count = 0;
    for (const slot of slots) {
      known.add(ids[slot]);
      if (++count % STEP === 0) await turns.pause();
    }
    return known;
  }

  async #forget(ids: Ids): Promise<void> {
    const turns = new Turns(undefined);
    for (let i = 0; i < ids.length; i++) {
      this.#known?.delete(ids[i]);
      if (i % STEP === STEP - 1) await turns.pause();
    }
  }

  /** Row i of the call lies in slots[i]; `ids` are its ids, which were claimed, or undefined for running numbers. */
  assign(slots: Uint32Array, ids: Ids | undefined, slotCount: number): void {
    this.#kind = kindOf(ids);
    const all = this.#grow(ids instanceof BigInt64Array, slotCount);
    for (let i = 0; i < slots.length; i++) all[slots[i]] = ids === undefined ? this.#next++ : ids[i];
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

  /** Takes over what a file kept, as an empty index does. */
  restore(ids: Ids, kind: IdKind, next: number): void {
    if (kind === 'none') return;
    this.#kind = kind;
    this.#ids = ids;
    this.#next = next;
  }
}

function kindOf(ids: Ids | undefined): IdKind {
  if (ids === undefined) return 'automatic';
  return ids instanceof BigInt64Array ? 'bigint64' : 'uint32';
}
