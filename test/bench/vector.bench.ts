// The public vector API as a user calls it: training, exact search, IVF-PQ, product quantizers of small shapes.
import { FlatIndex, IvfPqIndex, KMeans, ProductQuantizer, type SearchResult } from '../../src/index.js';
import { type BenchContext, type BenchRow, deviceMillis, median, timeCalls } from './context.js';
import { clusteredRows } from './data.js';

export const name = 'vector';

const DIMENSIONS = 128;
const K = 10;
const PROBES = 16;
const ITERATIONS = 6;

async function wall<T>(work: () => Promise<T>): Promise<{ result: T; wallMs: number }> {
  const begin = performance.now();
  const result = await work();
  return { result, wallMs: performance.now() - begin };
}

async function trainKMeans({ device }: BenchContext, shape: { rows: number; clusters: number }): Promise<BenchRow[]> {
  const { rows, clusters } = shape;
  const vectors = clusteredRows({ rows, dimensions: DIMENSIONS });
  const options = { dimensions: DIMENSIONS, clusters, iterations: ITERATIONS, tolerance: 0, seed: 1 };
  // Once before, for kernels to be compiled and clocks to rise.
  (await KMeans.train(device, vectors, options)).dispose();
  using trained = await KMeans.train(device, vectors, options);
  const wallMs = median(trained.history.slice(1).map(({ milliseconds }) => milliseconds));
  const again = async () => (await KMeans.train(device, vectors, options)).dispose();
  const deviceMs = (await deviceMillis(device, again)) / ITERATIONS;
  const flops = 2 * rows * clusters * DIMENSIONS;
  return [
    { name: 'KMeans.train, an iteration', shape: `${rows} x ${DIMENSIONS}, K ${clusters}`, wallMs, deviceMs, flops },
  ];
}

async function searchFlat(context: BenchContext): Promise<BenchRow[]> {
  const { device } = context;
  const rows = context.size({ gpu: 1_000_000, cpu: 100_000, software: 8192 });
  const queries = clusteredRows({ rows: 1000, dimensions: DIMENSIONS, draw: 1 });
  using index = FlatIndex.create(device, { dimensions: DIMENSIONS });
  const base = clusteredRows({ rows, dimensions: DIMENSIONS });
  const added = await wall(() => index.add(base));
  const result: BenchRow[] = [{ name: 'FlatIndex.add', shape: `${rows} x ${DIMENSIONS}`, wallMs: added.wallMs }];
  for (const count of [1, context.size({ gpu: 1000, cpu: 1000, software: 100 })]) {
    const some = queries.subarray(0, count * DIMENSIONS);
    const search = () => index.search(some, { k: K });
    const wallMs = await timeCalls(search, count === 1 ? { repeats: 100, warmUp: 30 } : {});
    const deviceMs = median([
      await deviceMillis(device, search),
      await deviceMillis(device, search),
      await deviceMillis(device, search),
    ]);
    const work = count === 1 ? { bytes: rows * DIMENSIONS * 4 } : { flops: 3 * count * rows * DIMENSIONS };
    result.push({
      name: 'FlatIndex.search',
      shape: `${count} x ${rows} x ${DIMENSIONS}, k ${K}`,
      wallMs,
      deviceMs,
      ...work,
    });
  }
  return result;
}

/** The share of the exact neighbours that were found. */
function recall(found: SearchResult, exact: SearchResult, count: number): number {
  let hits = 0;
  for (let q = 0; q < count; q++) {
    const right = new Set<number | bigint>(exact.ids.slice(q * K, (q + 1) * K));
    for (const id of found.ids.slice(q * K, (q + 1) * K)) if (right.has(id)) hits++;
  }
  return hits / (count * K);
}

async function searchIvfPq(context: BenchContext): Promise<BenchRow[]> {
  const { device } = context;
  const rows = context.size({ gpu: 1_000_000, cpu: 100_000, software: 8192 });
  const lists = context.size({ gpu: 1024, cpu: 256, software: 32 });
  const queryCount = context.size({ gpu: 10_000, cpu: 1000, software: 100 });
  const compared = Math.min(queryCount, 1000);
  const base = clusteredRows({ rows, dimensions: DIMENSIONS });
  const queries = clusteredRows({ rows: queryCount, dimensions: DIMENSIONS, draw: 1 });
  const sample = base.subarray(0, Math.min(rows, lists * 256) * DIMENSIONS);
  const options = { dimensions: DIMENSIONS, lists, subspaces: 16, iterations: 10, seed: 1 };
  const { result: index, wallMs: trainMs } = await wall(() => IvfPqIndex.train(device, sample, options));
  const { wallMs: addMs } = await wall(() => index.add(base));
  const search = () => index.search(queries, { k: K, probes: PROBES });
  const wallMs = await timeCalls(search);
  const deviceMs = await deviceMillis(device, search);
  using flat = FlatIndex.create(device, { dimensions: DIMENSIONS });
  await flat.add(base);
  const exact = await flat.search(queries.subarray(0, compared * DIMENSIONS), { k: K });
  const found = recall(await search(), exact, compared);
  const shape = `${rows} x ${DIMENSIONS}, IVF${lists} PQ16`;
  index.dispose();
  const note = `recall@${K} ${found.toFixed(3)} of ${compared}, ${Math.round((queryCount / wallMs) * 1000)} queries/s`;
  return [
    { name: 'IvfPqIndex.train', shape: `${shape}, ${sample.length / DIMENSIONS} rows`, wallMs: trainMs },
    { name: 'IvfPqIndex.add', shape, wallMs: addMs, note: `${Math.round(rows / addMs)}k rows/s` },
    { name: 'IvfPqIndex.search', shape: `${queryCount} queries, ${PROBES} probes`, wallMs, deviceMs, note },
  ];
}

const SMALL_SHAPES = [
  { rows: 200, dimensions: 128, subspaces: 8, codewords: 256 },
  { rows: 100, dimensions: 64, subspaces: 8, codewords: 16 },
  { rows: 50, dimensions: 128, subspaces: 16, codewords: 64 },
  { rows: 30, dimensions: 128, subspaces: 8, codewords: 256 },
] as const;

async function trainQuantizers({ device }: BenchContext): Promise<BenchRow[]> {
  const result: BenchRow[] = [];
  const { emitWarning } = process;
  // Fewer vectors than codewords are the point here.
  process.emitWarning = () => {};
  for (const { rows, dimensions, subspaces, codewords } of SMALL_SHAPES) {
    const vectors = clusteredRows({ rows, dimensions });
    const options = { dimensions, subspaces, codewords, iterations: 10, tolerance: 0, seed: 1 };
    const train = async () => (await ProductQuantizer.train(device, vectors, options)).dispose();
    const shape = `${rows} x ${dimensions}, M ${subspaces}, K ${codewords}, 10 iterations`;
    const wallMs = await timeCalls(train);
    result.push({ name: 'ProductQuantizer.train', shape, wallMs, deviceMs: await deviceMillis(device, train) });
  }
  process.emitWarning = emitWarning;
  return result;
}

export function run(context: BenchContext): Promise<BenchRow[]> {
  const rows = context.size({ gpu: 1_000_000, cpu: 100_000, software: 4096 });
  const clusters = context.size({ gpu: 1024, cpu: 1024, software: 256 });
  return context.collect(name, {
    'KMeans.train': () => trainKMeans(context, { rows, clusters }),
    'FlatIndex.search': () => searchFlat(context),
    'IvfPqIndex.search': () => searchIvfPq(context),
    'ProductQuantizer.train': () => trainQuantizers(context),
  });
}
