// Codebooks and codes of some of a PQ indexer's KV heads: as many as the bindings of one dispatch can hold.
import type { Device } from '../runtime/device.js';
import type { Recorder } from '../runtime/program.js';
import { Tensor } from '../runtime/tensor.js';
import { elementGrid, linearGrid, packedLength, type RowLayout, roundUp, rowLayout, TILE } from './layout.js';
import { rejectInvalid } from './packed-rows.js';
import type { PqIndexerShape } from './pq-indexer-options.js';
import { HeadTraining } from './pq-training.js';
import { Random } from './random.js';
import type { VectorInput } from './vector-input.js';
import { Workspace } from './workspace.js';

/** Keys that one workgroup scans. */
export const PART = 2048;
/** Most workgroups that encode one subspace; each reads the codebook once. */
const ENCODERS = 2048;
const MAX_GRID = 65535;

interface HeadRange {
  readonly first: number;
  readonly count: number;
}

/** Keys on the device, [heads, keys, dimensions], with the place of the range's first head in them. */
interface KeySource {
  readonly tensor: Tensor;
  readonly firstHead: number;
  readonly owned: boolean;
}

/** Ranges of heads whose keys fit one binding. */
export function headRanges(device: Device, shape: PqIndexerShape, keys: number): HeadRange[] {
  const { subspaces, width, allKvHeads, listHeadsPerKv } = shape;
  const headBytes = roundUp(keys, TILE) * subspaces * Math.ceil(width / 4) * 16;
  const byGrid = Math.floor(MAX_GRID / Math.max(subspaces, listHeadsPerKv));
  const most = Math.max(1, Math.min(Math.floor(device.info.maxBindingBytes / headBytes), byGrid));
  const count = Math.ceil(allKvHeads / Math.ceil(allKvHeads / most));
  return Array.from({ length: Math.ceil(allKvHeads / count) }, (_, i) => ({
    first: i * count,
    count: Math.min(count, allKvHeads - i * count),
  }));
}

/** With room for a quarter more keys, so that appending seldom moves the codes. */
export const roomFor = (keys: number): number => roundUp(keys + Math.max(1024, keys >> 2), 4);

export class PqHeads implements Disposable {
  readonly range: HeadRange;
  readonly layout: RowLayout;
  readonly codebooks: Tensor;
  readonly #device: Device;
  readonly #shape: PqIndexerShape;
  readonly #workspace: Workspace;
  readonly #limits: Tensor;
  #codes: Tensor;
  /** Keys that there is room for. */
  #capacity: number;

  constructor(device: Device, shape: PqIndexerShape, range: HeadRange, capacity: number) {
    const subspaces = range.count * shape.subspaces;
    this.#device = device;
    this.#shape = shape;
    this.range = range;
    this.layout = rowLayout(subspaces * shape.width, subspaces);
    this.#capacity = capacity;
    this.#workspace = new Workspace(device);
    try {
      this.codebooks = this.#workspace.tensor('f32', packedLength(shape.codewords, this.layout.chunks));
      this.#limits = this.#workspace.tensor('f32', subspaces);
      this.#codes = device.tensor('u32', [(subspaces * capacity) / 4]);
    } catch (error) {
      this.#workspace.dispose();
      throw error;
    }
  }

  get codes(): Tensor {
    return this.#codes;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** Trains the codebooks on the keys from `offset` on, then encodes all `count` keys of each head: one submission. */
  async train(where: string, keys: VectorInput, count: number, signal?: AbortSignal): Promise<void> {
    const { initOffset, codewords, iterations, seed } = this.#shape;
    const offset = count > initOffset ? initOffset : 0;
    const rows = count - offset;
    const source = await this.#source(keys, count);
    try {
      const room = Math.max(rows, offset);
      const { layout } = this;
      using training = new HeadTraining(this.#device, { layout, clusters: codewords, rows, room, iterations });
      using invalid = this.#device.tensor('u32', [1]);
      using state = this.#device.tensor('u32', [1]);
      using program = await this.#device.record((recorder) => {
        recorder.fill(invalid, 0xffffffff).fill(state, count).fill(this.#codes, 0);
        // The first keys are packed to be checked only.
        const target = { count, points: training.points, invalid };
        if (offset > 0) this.#recordPack(recorder, source, { ...target, offset: 0, rows: offset });
        this.#recordPack(recorder, source, { ...target, offset, rows });
        if (this.layout.subdimensions > this.#shape.subdimensions) this.#recordAugment(recorder, training, rows);
        training.record(recorder, this.codebooks);
        this.recordEncode(recorder, source.tensor, { state, count, firstKv: source.firstHead });
      });
      const seeds = drawSeeds(seed, {
        first: this.range.first * this.#shape.subspaces,
        subspaces: layout.subspaces,
        codewords,
        rows,
      });
      const { outputs } = await program.run({ write: [[training.seeds, seeds]], read: [invalid], signal });
      rejectInvalid(where, outputs[0][0] as number, (this.range.first - source.firstHead) * count);
    } finally {
      if (source.owned) source.tensor.dispose();
    }
  }

  async #source(keys: VectorInput, count: number): Promise<KeySource> {
    const { first, count: heads } = this.range;
    const perHead = count * this.#shape.dimensions;
    if (keys instanceof Tensor) {
      if (keys.bytes <= this.#device.info.maxBindingBytes) return { tensor: keys, firstHead: first, owned: false };
      return { tensor: keys.slice(first * perHead, heads * perHead), firstHead: 0, owned: false };
    }
    const tensor = await this.#device.tensorFrom(keys.subarray(first * perHead, (first + heads) * perHead));
    return { tensor, firstHead: 0, owned: true };
  }

  #recordPack(
    recorder: Recorder,
    { tensor, firstHead }: KeySource,
    target: { count: number; offset: number; rows: number; points: Tensor; invalid: Tensor },
  ): void {
    const { count, offset, rows, points, invalid } = target;
    const { chunks, subspaceChunks } = this.layout;
    const { dimensions, subdimensions } = this.#shape;
    const paddedRows = roundUp(rows, TILE);
    recorder.dispatch('pack_heads', {
      buffers: { source: tensor, packed: points, firstInvalid: invalid },
      params: {
        keys: count,
        first: offset,
        rows,
        paddedRows,
        dimensions,
        subdimensions,
        chunks,
        subspaceChunks,
        firstHead,
      },
      grid: elementGrid(paddedRows * chunks),
    });
  }

  #recordAugment(recorder: Recorder, { points, pointNorms }: HeadTraining, rows: number): void {
    const { chunks, subspaces, subspaceChunks } = this.layout;
    recorder.dispatch('row_norms', {
      buffers: { packed: points, norms: pointNorms },
      params: { rows, chunks, subspaceChunks },
      grid: [Math.ceil(rows / 256), subspaces],
    });
    recorder.dispatch('augment_rows', {
      buffers: { packed: points, norms: pointNorms, limits: this.#limits },
      params: { rows, chunks, subspaceChunks, subdimensions: this.#shape.subdimensions },
      grid: linearGrid(subspaces),
    });
  }

  /** Codes of the last `count` of the state's keys; `keys` begins `firstKv` heads before this range's first. */
  recordEncode(recorder: Recorder, keys: Tensor, step: { state: Tensor; count: number; firstKv: number }): void {
    const { dimensions, subdimensions, bits, metric } = this.#shape;
    const { chunks, subspaces, subspaceChunks } = this.layout;
    const { state, count, firstKv } = step;
    recorder.dispatch('encode_keys', {
      buffers: { keys, codebooks: this.codebooks, limits: this.#limits, state, codes: this.#codes },
      params: {
        dimensions,
        subdimensions,
        chunks,
        subspaceChunks,
        bits,
        words: this.#capacity / 4,
        count,
        firstKv,
      },
      constants: { augmented: metric === 'inner-product' ? 1 : 0 },
      grid: [Math.min(ENCODERS, Math.ceil((count + 3) / 4)), subspaces],
    });
  }

  /** The best `heavy` keys of each part for each list head, `stride` places a head. */
  recordScan(
    recorder: Recorder,
    buffers: { queries: Tensor; state: Tensor; scores: Tensor; positions: Tensor },
    { queryRows, stride, parts }: { queryRows: number; stride: number; parts: number },
  ): void {
    const { dimensions, subdimensions, codewords, heavy, sink, window, listHeadsPerKv } = this.#shape;
    const { chunks, subspaceChunks } = this.layout;
    recorder.dispatch('scan_key_codes', {
      buffers: { ...buffers, codebooks: this.codebooks, codes: this.#codes },
      params: {
        dimensions,
        subdimensions,
        chunks,
        subspaceChunks,
        codewords,
        words: this.#capacity / 4,
        part: PART,
        heavy,
        sink,
        window,
        queryRows,
        headsPerKv: listHeadsPerKv,
        firstKv: this.range.first,
        stride,
      },
      grid: [parts, this.range.count * listHeadsPerKv],
    });
  }

  /** Moves the codes to where there is room for more. */
  async grow(capacity: number): Promise<void> {
    const { subspaces } = this.layout;
    const [before, after] = [this.#capacity / 4, capacity / 4];
    const codes = this.#device.tensor('u32', [subspaces * after]);
    try {
      using program = await this.#device.record((recorder) => {
        recorder.fill(codes, 0);
        for (let p = 0; p < subspaces; p++)
          recorder.copy(this.#codes.slice(p * before, before), codes.slice(p * after, before));
      });
      await program.run();
    } catch (error) {
      codes.dispose();
      throw error;
    }
    this.#codes.dispose();
    this.#codes = codes;
    this.#capacity = capacity;
  }

  dispose(): void {
    this.#workspace.dispose();
    this.#codes.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Distinct rows for each subspace; repeated where there are fewer rows than codewords. */
function drawSeeds(
  seed: number,
  { first, subspaces, codewords, rows }: { first: number; subspaces: number; codewords: number; rows: number },
): Uint32Array {
  const seeds = new Uint32Array(subspaces * codewords);
  for (let p = 0; p < subspaces; p++) {
    const chosen = new Random(seed + Math.imul(first + p + 1, 0x85ebca6b)).distinct(codewords, rows);
    for (let k = 0; k < codewords; k++) seeds[p * codewords + k] = chosen[k % chosen.length];
  }
  return seeds;
}
