// Inverted lists as pages: a list is a chain of groups of 32 slots, wherever they lie in the index's storage. Appending
// never moves what is there, and a failed append is undone by forgetting it.
import type { Device } from '../runtime/device.js';
import type { Tensor } from '../runtime/tensor.js';
import { GROUP, TILE } from './layout.js';

const GROUPS_PER_TILE = TILE / GROUP;
/** A full segment grows by this factor at least, so that many small appends copy each byte a few times only. */
const GROWTH = 1.5;

/** One binding's worth of storage: groups `firstGroup` to `firstGroup + groupCount` of the index. */
export interface Segment {
  readonly tensor: Tensor;
  readonly firstGroup: number;
  readonly groupCount: number;
}

/** The lists as kernels read them: list l's groups are groups[listBegin[l]] … groups[listBegin[l + 1] - 1]. */
export interface ListTables {
  readonly listBegin: Tensor;
  readonly groups: Tensor;
  readonly listRows: Tensor;
}

export class PagedLists {
  /** Bytes of one group. */
  readonly groupBytes: number;
  /** Changes whenever tables or segments are other ones than before. */
  version = 0;
  readonly #device: Device;
  readonly #type: 'f32' | 'u32';
  readonly #segmentGroups: number;
  readonly #segments: Tensor[] = [];
  #rows: number[];
  #groups: number[][];
  #groupCount = 0;
  #total = 0;
  #tables: Promise<ListTables> | undefined;

  /** `chunks`: 16-byte chunks of one row, of four `type` numbers each. */
  constructor(device: Device, lists: number, chunks: number, type: 'f32' | 'u32') {
    this.#device = device;
    this.#type = type;
    this.groupBytes = GROUP * chunks * 16;
    const fit = Math.floor(device.info.maxBindingBytes / this.groupBytes);
    this.#segmentGroups = Math.max(GROUPS_PER_TILE, Math.floor(fit / GROUPS_PER_TILE) * GROUPS_PER_TILE);
    this.#rows = new Array<number>(lists).fill(0);
    this.#groups = Array.from({ length: lists }, () => []);
  }

  /** Live rows in all lists, as last committed. */
  get total(): number {
    return this.#total;
  }

  get listCount(): number {
    return this.#rows.length;
  }

  /** Rows of each list, with those appended but not yet committed. */
  get sizes(): readonly number[] {
    return this.#rows;
  }

  get groupCount(): number {
    return this.#groupCount;
  }

  get storageBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  get segments(): readonly Segment[] {
    return this.#segments.map((tensor, i) => ({
      tensor,
      firstGroup: i * this.#segmentGroups,
      groupCount: Math.min(this.#segmentGroups, Math.floor(tensor.bytes / this.groupBytes)),
    }));
  }

  /** Gives row i a slot at the end of list labels[i]; lists past the last one come into being. Grows the storage. */
  async append(labels: Uint32Array): Promise<Uint32Array> {
    const slots = new Uint32Array(labels.length);
    for (let i = 0; i < labels.length; i++) slots[i] = this.#nextSlot(labels[i]);
    await this.#reserve(this.#groupCount);
    return slots;
  }

  #nextSlot(list: number): number {
    while (list >= this.#rows.length) {
      this.#rows.push(0);
      this.#groups.push([]);
    }
    const rows = this.#rows[list];
    const chain = this.#groups[list];
    if (rows % GROUP === 0) chain.push(this.#groupCount++);
    this.#rows[list] = rows + 1;
    return chain[chain.length - 1] * GROUP + (rows % GROUP);
  }

  async #reserve(groups: number): Promise<void> {
    const wanted = Math.ceil(groups / GROUPS_PER_TILE) * GROUPS_PER_TILE;
    for (let i = 0; i * this.#segmentGroups < wanted; i++) {
      const needed = Math.min(this.#segmentGroups, wanted - i * this.#segmentGroups);
      const old = this.#segments[i];
      const held = old === undefined ? 0 : old.bytes / this.groupBytes;
      if (held >= needed) continue;
      const grown = Math.ceil((held * GROWTH) / GROUPS_PER_TILE) * GROUPS_PER_TILE;
      const capacity = Math.min(this.#segmentGroups, Math.max(needed, grown));
      this.#segments[i] = await this.#grow(old, capacity * this.groupBytes);
      this.version++;
    }
  }

  /** Storage of `bytes` that begins with what `old` holds; the rest is zero. */
  async #grow(old: Tensor | undefined, bytes: number): Promise<Tensor> {
    const tensor = this.#device.tensor(this.#type, [bytes / 4]);
    try {
      using program = await this.#device.record((recorder) => {
        recorder.fill(tensor, 0);
        if (old !== undefined) recorder.copy(old, tensor.slice(0, old.length));
      });
      await program.run();
    } catch (error) {
      tensor.dispose();
      throw error;
    }
    old?.dispose();
    return tensor;
  }

  /** Remembers the present state, which searches go on to see; the function it returns goes back to it. */
  async checkpoint(): Promise<() => void> {
    await this.tables();
    const rows = this.#rows.slice();
    const groupCount = this.#groupCount;
    return () => {
      this.#rows = rows;
      this.#groups = this.#groups.slice(0, rows.length);
      for (const [list, chain] of this.#groups.entries()) chain.length = Math.ceil(rows[list] / GROUP);
      this.#groupCount = groupCount;
      this.commit();
    };
  }

  /** Lets searches see what was appended: the tables are made anew when they are next asked for. */
  commit(): void {
    const old = this.#tables;
    this.#tables = undefined;
    this.#total = this.#rows.reduce((sum, rows) => sum + rows, 0);
    this.version++;
    if (old !== undefined) old.then(disposeTables, () => undefined);
  }

  tables(): Promise<ListTables> {
    if (this.#tables !== undefined) return this.#tables;
    const tables = this.#upload();
    this.#tables = tables;
    // A full device may have room the next time.
    tables.catch(() => {
      if (this.#tables === tables) this.#tables = undefined;
    });
    return tables;
  }

  async #upload(): Promise<ListTables> {
    const { listBegin, groups } = this.chains();
    const rows = Uint32Array.from(this.#rows.length === 0 ? [0] : this.#rows);
    const arrays = [listBegin, groups.length === 0 ? Uint32Array.of(0) : groups, rows];
    const uploads = await Promise.allSettled(arrays.map((array) => this.#device.tensorFrom(array)));
    const failed = uploads.find((upload) => upload.status === 'rejected');
    const tensors = uploads.flatMap((upload) => (upload.status === 'fulfilled' ? [upload.value] : []));
    if (failed !== undefined) {
      for (const tensor of tensors) tensor.dispose();
      throw failed.reason;
    }
    return { listBegin: tensors[0], groups: tensors[1], listRows: tensors[2] };
  }

  /** The lists' chains of groups, one after the other. */
  chains(): { listBegin: Uint32Array; groups: Uint32Array } {
    const listBegin = new Uint32Array(this.#rows.length + 1);
    for (const [i, chain] of this.#groups.entries()) listBegin[i + 1] = listBegin[i] + chain.length;
    const groups = new Uint32Array(listBegin[this.#rows.length]);
    for (const [i, chain] of this.#groups.entries()) groups.set(chain, listBegin[i]);
    return { listBegin, groups };
  }

  /** Rows of each group; what lies in a group's other slots is left over and means nothing. */
  groupRows(): Uint8Array {
    const rows = new Uint8Array(this.#groupCount).fill(GROUP);
    for (const [list, chain] of this.#groups.entries()) {
      const last = this.#rows[list] % GROUP;
      if (last > 0) rows[chain[chain.length - 1]] = last;
    }
    return rows;
  }

  /** Every live slot. */
  *slots(): Generator<number> {
    for (const [list, chain] of this.#groups.entries())
      for (let row = 0; row < this.#rows[list]; row++) yield chain[Math.floor(row / GROUP)] * GROUP + (row % GROUP);
  }

  /** Where byte `at` of the storage lies: tensor, offset in it, and the bytes from there to the segment's end. */
  locate(at: number): { tensor: Tensor; offset: number; bytes: number } {
    const segmentBytes = this.#segmentGroups * this.groupBytes;
    const tensor = this.#segments[Math.floor(at / segmentBytes)];
    const offset = at % segmentBytes;
    return { tensor, offset, bytes: tensor.bytes - offset };
  }

  /** Takes over lists read from a file; their storage is then filled through `segments`. */
  async restore(rows: Uint32Array, groups: Uint32Array): Promise<void> {
    this.#rows = Array.from(rows);
    let at = 0;
    this.#groups = this.#rows.map((count) => {
      const chain = Array.from(groups.subarray(at, at + Math.ceil(count / GROUP)));
      at += chain.length;
      return chain;
    });
    this.#groupCount = groups.length;
    await this.#reserve(this.#groupCount);
    this.commit();
  }

  dispose(): void {
    for (const segment of this.#segments) segment.dispose();
    this.#tables?.then(disposeTables, () => undefined);
  }
}

function disposeTables(tables: ListTables): void {
  tables.listBegin.dispose();
  tables.groups.dispose();
  tables.listRows.dispose();
}
