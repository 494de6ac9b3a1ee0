// Indexes to files and back: lists, ids and the stored bytes as they lie in the device's groups, whatever the device.
import { checkPath } from '../formats/input-file.js';
import type { AbortOptions } from '../runtime/abort.js';
import type { Device } from '../runtime/device.js';
import { ComputeError } from '../runtime/errors.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkRunOptions } from '../runtime/validate.js';
import { type IndexFile, type IndexSection, openIndexFile, type SectionArray, writeIndexFile } from './index-file.js';
import { GROUP, TILE } from './layout.js';
import { METRICS } from './metric.js';
import { type PackOptions, packRows } from './packed-rows.js';
import type { PagedLists } from './paged-lists.js';
import { ID_KINDS, type IdKind, type Ids, type SlotIds } from './slot-ids.js';
import { MAX_DIMENSIONS } from './training-options.js';

/** Bytes read from the device, or from the file, at a time. */
const SLICE_BYTES = 4 << 20;
/** One 16-byte chunk of each row of a group. */
const LINE_BYTES = GROUP * 16;

interface SavedIndex {
  readonly kind: string;
  readonly meta: object;
  readonly lists: PagedLists;
  readonly slotIds: SlotIds;
  /** Arrays that the kind of index has beside its lists. */
  readonly arrays?: Record<string, Float32Array>;
}

/** Checks the arguments that saving and loading have in common. */
export function checkFile(where: string, path: unknown, options: AbortOptions): void {
  checkPath(where, path);
  checkRunOptions(where, options, ['signal']);
}

export async function saveIndex(path: string, index: SavedIndex, { signal }: AbortOptions): Promise<void> {
  const { lists, slotIds } = index;
  const { groups } = lists.chains();
  const groupRows = lists.groupRows();
  const sections: IndexSection[] = [
    ...Object.entries(index.arrays ?? {}).map(([name, data]) => ({ name, data })),
    { name: 'listRows', data: Uint32Array.from(lists.sizes) },
    { name: 'groups', data: groups },
    { name: 'ids', data: slotIds.snapshot(groupRows) },
    { name: 'storage', data: storedBytes(lists, groupRows), bytes: lists.groupCount * lists.groupBytes, type: 'u32' },
  ];
  const meta = { ...index.meta, ids: slotIds.kind, nextId: slotIds.next };
  await writeIndexFile(path, { kind: index.kind, meta, sections }, { signal });
}

async function* storedBytes(lists: PagedLists, groupRows: Uint8Array): AsyncGenerator<Uint8Array> {
  for (const { tensor, firstGroup, groupCount } of lists.segments) {
    const words = (Math.min(groupCount, lists.groupCount - firstGroup) * lists.groupBytes) / 4;
    for (let offset = 0; offset < words; offset += SLICE_BYTES / 4) {
      const part = await tensor.read({ offset, length: Math.min(SLICE_BYTES / 4, words - offset) });
      const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
      clearUnused(bytes, firstGroup * lists.groupBytes + offset * 4, lists.groupBytes, groupRows);
      yield bytes;
    }
  }
}

/** Zeros what failed changes left in slots without a row, so that a file's bytes follow from its content. */
function clearUnused(bytes: Uint8Array, begin: number, groupBytes: number, groupRows: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += LINE_BYTES) {
    const rows = groupRows[Math.floor((begin + at) / groupBytes)];
    if (rows < GROUP) bytes.fill(0, at + (rows * LINE_BYTES) / GROUP, at + LINE_BYTES);
  }
}

/** What every kind of index writes into its header. */
interface CommonMeta {
  readonly dimensions: number;
  readonly metric: string;
  readonly ids: IdKind;
  readonly nextId: number;
}

/** An index file whose header has been read and checked. */
export class OpenedIndex<Meta> implements AsyncDisposable {
  readonly meta: Meta;
  readonly #file: IndexFile;

  constructor(file: IndexFile) {
    this.#file = file;
    this.meta = file.meta as Meta;
    if (typeof file.meta !== 'object' || file.meta === null)
      throw this.invalid('its header has no facts about the index');
    const { dimensions, metric, nextId } = file.meta as CommonMeta;
    if (!METRICS.some((known) => known === metric)) throw this.invalid(`unknown metric '${metric}'`);
    if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > MAX_DIMENSIONS)
      throw this.invalid(`dimensions must be 1 to ${MAX_DIMENSIONS}, got ${dimensions}`);
    if (!Number.isSafeInteger(nextId) || nextId < 0) throw this.invalid(`nextId must be a whole number, got ${nextId}`);
  }

  /** An INVALID_FILE error that names the file. */
  invalid(what: string): ComputeError {
    return new ComputeError('INVALID_FILE', `${this.#file.path}: ${what}`);
  }

  /** Throws INVALID_FILE unless the header's `name` is a whole number from `min` to `max`. */
  expect(name: keyof Meta & string, min: number, max: number): number {
    const value: unknown = this.meta[name];
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
      throw this.invalid(`${name} must be ${min} to ${max}, got ${value}`);
    return value;
  }

  /** A section of `count` vectors as packed rows, which the caller then owns. */
  async rows(device: Device, name: string, count: number, options: PackOptions): Promise<Tensor> {
    const numbers = await this.#section(name, Float32Array);
    if (numbers.length !== count * options.layout.dimensions)
      throw this.invalid(`section '${name}' must hold ${count} vectors`);
    try {
      return (await packRows(device, numbers, { first: 0, count }, options)).tensor;
    } catch (error) {
      throw error instanceof RangeError ? this.invalid(`section '${name}': ${error.message}`) : error;
    }
  }

  /** A section of exactly `count` float32 numbers. */
  async floats(name: string, count: number): Promise<Float32Array> {
    const numbers = await this.#section(name, Float32Array);
    if (numbers.length !== count)
      throw this.invalid(`section '${name}' must hold ${count} numbers, got ${numbers.length}`);
    return numbers;
  }

  async #section<A extends SectionArray>(name: string, kind: new (length: number) => A): Promise<A> {
    const section = await this.#file.read(name);
    if (section instanceof kind) return section;
    throw this.invalid(`section '${name}' must be a ${kind.name}, got a ${section.constructor.name}`);
  }

  /** Fills an empty index from the file; disposes of it when that fails. */
  async restoreInto<Index extends Disposable>(
    index: Index,
    { lists, slotIds }: { lists: PagedLists; slotIds: SlotIds },
    { signal }: AbortOptions,
  ): Promise<Index> {
    try {
      await this.#restoreLists(lists, slotIds);
      await this.#restoreStorage(lists, signal);
      signal?.throwIfAborted();
      return index;
    } catch (error) {
      index[Symbol.dispose]();
      throw error;
    }
  }

  async #restoreLists(lists: PagedLists, slotIds: SlotIds): Promise<void> {
    const { ids: kind, nextId } = this.#file.meta as CommonMeta;
    const rows = await this.#section('listRows', Uint32Array);
    const groups = await this.#section('groups', Uint32Array);
    const ids: Ids = await (kind === 'bigint64'
      ? this.#section('ids', BigInt64Array)
      : this.#section('ids', Uint32Array));
    if (!agree(lists, rows, groups)) throw this.invalid('its lists and groups do not agree');
    if (!ID_KINDS.includes(kind) || (kind === 'none') !== (groups.length === 0))
      throw this.invalid(`unknown kind of ids '${kind}'`);
    const stored = this.#file.sections.find(({ name }) => name === 'storage');
    if (stored?.bytes !== groups.length * lists.groupBytes || (kind !== 'none' && ids.length !== groups.length * GROUP))
      throw this.invalid('its groups, ids and storage do not agree');
    await lists.restore(rows, groups);
    slotIds.restore(ids, kind, nextId);
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

/** Every group is in one list's chain; lists that come into being as vectors do are full tiles, one after the other. */
function agree(lists: PagedLists, rows: Uint32Array, groups: Uint32Array): boolean {
  const used = new Uint8Array(groups.length);
  for (const group of groups) if (group < used.length) used[group] = 1;
  const chained = rows.reduce((sum, count) => sum + Math.ceil(count / GROUP), 0);
  if (chained !== groups.length || used.includes(0)) return false;
  if (lists.listCount > 0) return rows.length === lists.listCount;
  const last = rows.length - 1;
  return (
    groups.every((group, i) => group === i) && rows.every((n, i) => n > 0 && n <= TILE && (i === last || n === TILE))
  );
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
