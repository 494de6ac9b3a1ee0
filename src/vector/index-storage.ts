// Indexes to files and back: lists, ids and the stored bytes as they lie in the device's groups, whatever the device.
import { ComputeError } from '../runtime/errors.js';
import { type IndexFile, type IndexSection, openIndexFile, writeIndexFile } from './index-file.js';
import { GROUP } from './layout.js';
import { METRICS } from './metric.js';
import type { PagedLists } from './paged-lists.js';
import type { Ids, SlotIds } from './slot-ids.js';
import { MAX_DIMENSIONS } from './training-options.js';

/** Bytes read from the device, or from the file, at a time. */
const SLICE_BYTES = 4 << 20;

export interface SavedIndex {
  readonly kind: string;
  readonly meta: object;
  readonly lists: PagedLists;
  readonly slotIds: SlotIds;
  /** Arrays that the kind of index has beside its lists. */
  readonly arrays?: Record<string, Float32Array>;
}

interface RunOptions {
  signal?: AbortSignal;
}

export async function saveIndex(path: string, index: SavedIndex, { signal }: RunOptions): Promise<void> {
  const { lists, slotIds } = index;
  const { groups } = lists.chains();
  const sections: IndexSection[] = [
    ...Object.entries(index.arrays ?? {}).map(([name, data]) => ({ name, data })),
    { name: 'listRows', data: Uint32Array.from(lists.sizes) },
    { name: 'groups', data: groups },
    { name: 'ids', data: slotIds.snapshot(lists.groupCount * GROUP) },
    { name: 'storage', data: storedBytes(lists), bytes: lists.groupCount * lists.groupBytes, type: 'u32' },
  ];
  const meta = { ...index.meta, ids: slotIds.kind, nextId: slotIds.next };
  await writeIndexFile(path, { kind: index.kind, meta, sections }, { signal });
}

async function* storedBytes(lists: PagedLists): AsyncGenerator<Uint8Array> {
  for (const { tensor, firstGroup, groupCount } of lists.segments) {
    const words = (Math.min(groupCount, lists.groupCount - firstGroup) * lists.groupBytes) / 4;
    for (let offset = 0; offset < words; offset += SLICE_BYTES / 4) {
      const part = await tensor.read({ offset, length: Math.min(SLICE_BYTES / 4, words - offset) });
      yield new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
    }
  }
}

/** What every kind of index writes into its header. */
interface CommonMeta {
  readonly dimensions: number;
  readonly metric: string;
  readonly ids: string;
  readonly nextId: number;
}

/** An index file whose header has been read and checked. */
export class OpenedIndex<Meta> implements AsyncDisposable {
  readonly meta: Meta;
  readonly #file: IndexFile;

  constructor(file: IndexFile) {
    this.#file = file;
    this.meta = file.meta as Meta;
    const { dimensions, metric } = file.meta as CommonMeta;
    const numbers = Object.entries(file.meta as object).filter(([, value]) => typeof value === 'number');
    if (!METRICS.some((known) => known === metric)) throw this.invalid(`unknown metric '${metric}'`);
    if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > MAX_DIMENSIONS)
      throw this.invalid(`dimensions must be 1 to ${MAX_DIMENSIONS}, got ${dimensions}`);
    for (const [name, value] of numbers)
      if (!Number.isSafeInteger(value) || value < 0) throw this.invalid(`${name} must be a whole number, got ${value}`);
  }

  /** An INVALID_FILE error that names the file. */
  invalid(what: string): ComputeError {
    return new ComputeError('INVALID_FILE', `${this.#file.path}: ${what}`);
  }

  /** Throws INVALID_FILE unless the header's `name` is a whole number from `min` to `max`. */
  expect(name: keyof Meta & string, min: number, max: number): number {
    const value = Number(this.meta[name]);
    if (!Number.isInteger(value) || value < min || value > max)
      throw this.invalid(`${name} must be ${min} to ${max}, got ${value}`);
    return value;
  }

  /** A section of exactly `count` float32 numbers. */
  async floats(name: string, count: number): Promise<Float32Array> {
    const numbers = await this.#file.read(name);
    if (!(numbers instanceof Float32Array) || numbers.length !== count)
      throw this.invalid(`section '${name}' must hold ${count} float32 numbers`);
    return numbers;
  }

  /** Fills an empty index from the file; disposes of it when that fails. */
  async restoreInto<Index extends Disposable>(
    index: Index,
    { lists, slotIds }: { lists: PagedLists; slotIds: SlotIds },
    { signal }: RunOptions,
  ): Promise<Index> {
    try {
      await this.#restoreLists(lists, slotIds);
      await this.#restoreStorage(lists, signal);
      return index;
    } catch (error) {
      index[Symbol.dispose]();
      throw error;
    }
  }

  async #restoreLists(lists: PagedLists, slotIds: SlotIds): Promise<void> {
    const rows = (await this.#file.read('listRows')) as Uint32Array;
    const groups = (await this.#file.read('groups')) as Uint32Array;
    const ids = (await this.#file.read('ids')) as Ids;
    const chained = rows.reduce((sum, count) => sum + Math.ceil(count / GROUP), 0);
    const used = new Uint8Array(groups.length);
    for (const group of groups) if (group < used.length) used[group] = 1;
    if (chained !== groups.length || used.includes(0) || (lists.listCount > 0 && rows.length !== lists.listCount))
      throw this.invalid('its lists and groups do not agree');
    const stored = this.#file.sections.find(({ name }) => name === 'storage');
    if (stored?.bytes !== groups.length * lists.groupBytes || ids.length !== groups.length * GROUP)
      if (groups.length > 0) throw this.invalid('its groups, ids and storage do not agree');
    await lists.restore(rows, groups);
    const { ids: kind, nextId } = this.#file.meta as CommonMeta;
    slotIds.restore(ids, lists.slots(), kind, nextId);
  }

  async #restoreStorage(lists: PagedLists, signal: AbortSignal | undefined): Promise<void> {
    let done = 0;
    for await (const chunk of this.#file.stream('storage', { chunkBytes: SLICE_BYTES, signal })) {
      for (let at = 0; at < chunk.length; ) {
        const place = lists.locate(done + at);
        const length = Math.min(chunk.length - at, place.bytes);
        const Numbers = place.tensor.type === 'f32' ? Float32Array : Uint32Array;
        const numbers = new Numbers(chunk.buffer as ArrayBuffer, chunk.byteOffset + at, length / 4);
        await place.tensor.write(numbers, place.offset / 4);
        at += length;
      }
      done += chunk.length;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file.close();
  }
}

export async function openIndex<Meta>(path: string, kind: string): Promise<OpenedIndex<Meta>> {
  const file = await openIndexFile(path, { kind });
  try {
    return new OpenedIndex<Meta>(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}
