// The PQ indexer of sparse attention, and the attention over its lists.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Device } from '../../src/index.js';
import { recordSparseAttention, type SparseAttentionShape } from '../../src/nn/sparse-attention.js';
import { PqIndexer, type SparseList } from '../../src/vector/pq-indexer.js';
import { Random } from '../support/random.js';
import { topPositions } from '../support/top-positions.js';
import { type BenchContext, type BenchRow, median, timeCalls, timeProgram } from './context.js';
import { noise } from './data.js';

export const name = 'nn';

const DIMENSIONS = 128;
const HEADS = 32;
const LIST = { sink: 128, heavy: 128, window: 128 };
/** [queryHeads + 2 kvHeads, keys, dimensions]: queries, keys, values. */
const REAL = {
  path: 'test/fixtures/demo-lm-attention.npy',
  queryHeads: 4,
  kvHeads: 2,
  keys: 1024,
  dimensions: 64,
  decoded: 16,
  list: { sink: 4, heavy: 64, window: 64 },
};

/** From the first command's begin to the last one's end, median over some runs. */
async function deviceSpan(device: Device, work: () => Promise<unknown>, repeats: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'wavetile-bench-'));
  const spans: number[] = [];
  try {
    for (let i = 0; i < repeats; i++) {
      const path = join(folder, 'trace.json');
      await device.profile(path, work);
      const { traceEvents } = JSON.parse(await readFile(path, 'utf8')) as {
        traceEvents: { ph: string; ts: number; dur?: number }[];
      };
      const timed = traceEvents.filter(({ ph }) => ph === 'X');
      const begin = Math.min(...timed.map(({ ts }) => ts));
      spans.push(Math.max(...timed.map(({ ts, dur = 0 }) => ts + dur)) - begin);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  return median(spans) / 1000;
}

async function runIndexer(context: BenchContext): Promise<BenchRow[]> {
  const { device } = context;
  const keys = context.size({ gpu: 32_000, cpu: 32_000, software: 2048 });
  const heads = context.size({ gpu: HEADS, cpu: 8, software: 2 });
  const options = { queryHeads: heads, dimensions: DIMENSIONS, ...LIST };
  using indexer = PqIndexer.create(device, options);
  const data = await device.tensorFrom(noise(heads * keys * DIMENSIONS, 1));
  await indexer.first(data);
  const first = () => indexer.first(data);
  const firstRow = {
    wallMs: await timeCalls(first, { repeats: 3, warmUp: 0 }),
    deviceMs: await deviceSpan(device, first, 3),
  };
  data.dispose();
  const queries = noise(heads * DIMENSIONS, 2);
  const newKeys = noise(heads * DIMENSIONS, 3);
  const next = () => indexer.next(queries, newKeys);
  const wallMs = await timeCalls(next, { repeats: 200, warmUp: 50 });
  const shape = `${heads} heads, ${keys} keys of ${DIMENSIONS}, M 2, 6 bits`;
  return [
    { name: 'PqIndexer.first', shape: `${shape}, 10 iterations`, ...firstRow },
    { name: 'PqIndexer.next', shape, wallMs, deviceMs: await deviceSpan(device, next, 20), bytes: heads * keys * 2 },
  ];
}

const TOPICS = 512;

/** Keys around directions that queries share, so that few keys have most of the attention; [heads, rows, dimensions]. */
function peaked(random: Random, { heads, rows, scale }: { heads: number; rows: number; scale: number }): Float32Array {
  const topics = new Random(11).rows('normal', heads * TOPICS, DIMENSIONS);
  const vectors = random.rows('normal', heads * rows, DIMENSIONS);
  for (let row = 0; row < heads * rows; row++) {
    const topic = (Math.floor(row / rows) * TOPICS + random.below(TOPICS)) * DIMENSIONS;
    for (let d = 0; d < DIMENSIONS; d++) vectors[row * DIMENSIONS + d] += scale * topics[topic + d];
  }
  return vectors;
}

interface AttentionCase {
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly keyCount: number;
  readonly dimensions: number;
  readonly queries: Float32Array;
  readonly keys: Float32Array;
  readonly values: Float32Array;
}

/** Attention of one query a head over a list for each query head, and the time it takes. */
async function attend(device: Device, data: AttentionCase, sparseList: Uint32Array) {
  const { queryHeads, kvHeads, keyCount, dimensions } = data;
  using queries = await device.tensorFrom(data.queries);
  using keys = await device.tensorFrom(data.keys);
  using values = await device.tensorFrom(data.values);
  using list = await device.tensorFrom(sparseList);
  using attended = device.tensor('f32', [queryHeads * dimensions]);
  const sides = { batch: 1, queryHeads, kvHeads, listHeads: queryHeads, queryCount: 1, keyCount };
  const rest = { dimensions, valueDimensions: dimensions, length: sparseList.length / queryHeads };
  const shape: SparseAttentionShape = { ...sides, ...rest, scale: 1 / Math.sqrt(dimensions) };
  const tensors = { queries, keys, values, list, attended };
  using program = await device.record((recorder) => recordSparseAttention(recorder, tensors, shape));
  const { outputs } = await program.run({ read: [attended] });
  return { attended: outputs[0] as Float32Array, timing: await timeProgram(program) };
}

/** Length of the difference over the length of what is right. */
function relativeError(got: Float32Array, exact: Float32Array): number {
  let [error, power] = [0, 0];
  for (const [i, value] of exact.entries()) {
    error += (got[i] - value) ** 2;
    power += value ** 2;
  }
  return Math.sqrt(error / power);
}

/** The list that exact scores give. */
function exactList(data: AttentionCase, keys: number, { sink, heavy, window }: typeof LIST): Uint32Array {
  const { queryHeads, kvHeads, keyCount, dimensions } = data;
  const length = sink + heavy + window;
  const list = new Uint32Array(queryHeads * length);
  for (let head = 0; head < queryHeads; head++) {
    const kv = Math.floor((head * kvHeads) / queryHeads) * keyCount;
    const scores = Float32Array.from({ length: keys - sink - window }, (_, i) => {
      let sum = 0;
      const key = (kv + sink + i) * dimensions;
      for (let d = 0; d < dimensions; d++) sum += data.queries[head * dimensions + d] * data.keys[key + d];
      return sum;
    });
    const best = topPositions(scores, heavy).map((i) => sink + i);
    const first = Array.from({ length: sink }, (_, i) => i);
    list.set([...first, ...best, ...Array.from({ length: window }, (_, i) => keys - window + i)], head * length);
  }
  return list;
}

/** How far attention over the list is from attention over the first `keys` positions, and how far other lists are. */
async function compare(device: Device, data: AttentionCase, found: SparseList, list: typeof LIST) {
  const { sink, window } = list;
  const { queryHeads: heads } = data;
  const { keyCount: keys, sparseList } = found;
  const every = Uint32Array.from({ length: heads * keys }, (_, i) => i % keys);
  const ends = Uint32Array.from({ length: heads * (sink + window) }, (_, i) => {
    const place = i % (sink + window);
    return place < sink ? place : keys - sink - window + place;
  });
  const full = await attend(device, data, every);
  const sparse = await attend(device, data, sparseList);
  const outer = await attend(device, data, ends);
  const exact = await attend(device, data, exactList(data, keys, list));
  return {
    full: full.timing,
    sparse: sparse.timing,
    error: relativeError(sparse.attended, full.attended),
    exactError: relativeError(exact.attended, full.attended),
    withoutHeavy: relativeError(outer.attended, full.attended),
  };
}

const percent = (share: number) => `${(100 * share).toFixed(2)}%`;

async function runSynthetic(context: BenchContext): Promise<BenchRow[]> {
  const { device } = context;
  const heads = context.size({ gpu: HEADS, cpu: 8, software: 2 });
  const keyCount = context.size({ gpu: 32_000, cpu: 16_000, software: 2048 });
  const keys = peaked(new Random(1), { heads, rows: keyCount, scale: 1 });
  const queries = peaked(new Random(2), { heads, rows: 1, scale: 1 });
  const values = noise(heads * keyCount * DIMENSIONS, 3);
  const data = { queryHeads: heads, kvHeads: heads, keyCount, dimensions: DIMENSIONS, queries, keys, values };
  using indexer = PqIndexer.create(device, { queryHeads: heads, dimensions: DIMENSIONS, ...LIST });
  await indexer.first(keys);
  const found = await indexer.next(queries);
  const { full, sparse, error, exactError, withoutHeavy } = await compare(device, data, found, LIST);
  const rowBytes = heads * DIMENSIONS * 8;
  const note = `error ${percent(error)}, by exact scores ${percent(exactError)}, by sink and window alone ${percent(withoutHeavy)}`;
  const shape = (length: number) => `${heads} heads, ${length} of ${keyCount} synthetic keys of ${DIMENSIONS}`;
  return [
    {
      name: 'sparse attention',
      shape: shape(found.sparseLength),
      ...sparse,
      bytes: found.sparseLength * rowBytes,
      note,
    },
    { name: 'sparse attention, all keys', shape: shape(keyCount), ...full, bytes: keyCount * rowBytes },
  ];
}

/** All numbers of a float16 NumPy file, whatever its shape. */
async function readHalves(path: string): Promise<Float32Array> {
  const bytes = await readFile(path);
  const begin = 10 + bytes.readUInt16LE(8);
  return Float32Array.from({ length: (bytes.length - begin) / 2 }, (_, i) => {
    const half = bytes.readUInt16LE(begin + i * 2);
    const [exponent, fraction] = [(half >> 10) & 31, half & 1023];
    const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
    return half & 0x8000 ? -size : size;
  });
}

/** Numbers of rows [first, last) of each of `heads` heads of `rows` rows. */
function rowsOf(all: Float32Array, heads: number, [first, last]: readonly [number, number]): Float32Array {
  const head = all.length / heads;
  const row = head / REAL.keys;
  const part = new Float32Array(heads * (last - first) * row);
  for (let h = 0; h < heads; h++)
    part.set(all.subarray(h * head + first * row, h * head + last * row), h * (last - first) * row);
  return part;
}

/** Keys of a small language model, its last tokens decoded one after the other. */
async function runReal({ device }: BenchContext): Promise<BenchRow[]> {
  if (!existsSync(REAL.path)) return [];
  const data = await readHalves(REAL.path);
  const { queryHeads, kvHeads, keys: keyCount, dimensions, decoded, list } = REAL;
  const plane = keyCount * dimensions;
  const [queries, keys, values] = [
    data.subarray(0, queryHeads * plane),
    data.subarray(queryHeads * plane, (queryHeads + kvHeads) * plane),
    data.subarray((queryHeads + kvHeads) * plane),
  ];
  const sides = { queryHeads, kvHeads, keyCount, dimensions };
  const rows: BenchRow[] = [];
  for (const bits of [4, 6]) {
    using indexer = PqIndexer.create(device, { queryHeads, kvHeads, dimensions, bits, ...list });
    await indexer.first(rowsOf(keys, kvHeads, [0, keyCount - decoded]));
    let [error, exactError, withoutHeavy] = [0, 0, 0];
    for (let token = keyCount - decoded; token < keyCount; token++) {
      const query = rowsOf(queries, queryHeads, [token, token + 1]);
      const found = await indexer.next(query, rowsOf(keys, kvHeads, [token, token + 1]));
      const compared = await compare(device, { ...sides, queries: query, keys, values }, found, list);
      error += compared.error / decoded;
      exactError += compared.exactError / decoded;
      withoutHeavy += compared.withoutHeavy / decoded;
    }
    const { sink, heavy, window } = list;
    const shape = `demo-lm keys, ${sink} + ${heavy} + ${window} of ${keyCount}, ${bits} bits`;
    const note = `mean error of ${decoded} tokens ${percent(error)}, by exact scores ${percent(exactError)}, by sink and window alone ${percent(withoutHeavy)}`;
    rows.push({ name: 'sparse attention', shape, note });
  }
  return rows;
}

export function run(context: BenchContext): Promise<BenchRow[]> {
  return context.collect(name, {
    PqIndexer: () => runIndexer(context),
    'sparse attention': async () => [...(await runSynthetic(context)), ...(await runReal(context))],
  });
}
