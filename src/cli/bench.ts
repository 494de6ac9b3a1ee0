// `wavetile bench`: a short measurement of what this device does: memory, k-means, exact and IVF-PQ search.
import { Command } from 'commander';
import type { Device } from '../runtime/device.js';
import { FlatIndex } from '../vector/flat-index.js';
import { IvfPqIndex } from '../vector/ivf-pq-index.js';
import { KMeans } from '../vector/kmeans.js';
import { copyBandwidth, type Measurement, recallAt, timed } from './measure.js';
import { DEVICE_HELP, deviceLine, openDevice } from './open-device.js';
import { parsePositive } from './parse-count.js';
import { runCommand } from './report-error.js';
import { syntheticVectors } from './synthetic-vectors.js';
import {
  formatCount,
  formatMillis,
  formatNumber,
  formatTable,
  paint,
  print,
  printField,
  withProgress,
} from './terminal.js';

interface BenchOptions {
  readonly rows?: number;
  readonly dimensions: number;
  readonly queries: number;
  readonly json?: boolean;
  readonly device?: string;
  readonly debug?: boolean;
}

interface Data {
  readonly base: Float32Array;
  readonly queries: Float32Array;
  readonly rows: number;
  readonly dimensions: number;
  readonly queryCount: number;
}

const ITERATIONS = 5;
const K = 10;

async function measureKMeans(device: Device, { base, rows, dimensions }: Data): Promise<Measurement> {
  const clusters = Math.min(1024, Math.max(1, rows >> 3));
  const options = { dimensions, clusters, iterations: ITERATIONS + 1, tolerance: 0, seed: 1 };
  using kmeans = await KMeans.train(device, base, options);
  // The first iteration also compiles what the device has not compiled yet.
  const times = kmeans.history.slice(1).map(({ milliseconds }) => milliseconds);
  const millis = times.reduce((sum, time) => sum + time, 0) / times.length;
  const gflops = (2 * rows * clusters * dimensions) / millis / 1e6;
  const what = `k-means, ${formatCount(clusters)} clusters`;
  return { what, millis, each: 'an iteration', note: `${formatNumber(gflops)} GFLOP/s`, values: { clusters, gflops } };
}

async function measureFlat(
  device: Device,
  data: Data,
  bandwidth: number,
): Promise<[Measurement[], ArrayLike<number | bigint>]> {
  const { base, queries, dimensions, queryCount } = data;
  using index = FlatIndex.create(device, { dimensions });
  await index.add(base);
  const one = await timed(() => index.search(queries.subarray(0, dimensions), { k: K }));
  const all = await timed(() => index.search(queries, { k: K }));
  const { ids } = await index.search(queries, { k: K });
  const read = base.byteLength / one / 1e6;
  const rate = (queryCount * 1000) / all;
  const note = `reads ${formatNumber(read)} GB/s, ${Math.round((100 * read) / bandwidth)}% of the copy's rate`;
  const measurements = [
    { what: 'exact search, 1 query', millis: one, each: 'a search', note, values: { gigabytesPerSecond: read } },
    batch(`exact search, ${formatCount(queryCount)} queries`, all, rate, {}),
  ];
  return [measurements, ids];
}

function batch(what: string, millis: number, rate: number, values: Record<string, number>): Measurement {
  const recall = values.recall === undefined ? '' : `, recall@${K} ${values.recall.toFixed(3)}`;
  const note = `${formatCount(rate)} queries/s${recall}`;
  return { what, millis, each: 'a search', note, values: { ...values, queriesPerSecond: rate } };
}

async function measureIvfPq(device: Device, data: Data, truth: ArrayLike<number | bigint>): Promise<Measurement[]> {
  const { base, queries, rows, dimensions, queryCount } = data;
  const lists = Math.max(1, Math.min(1024, 2 ** Math.round(Math.log2(Math.sqrt(rows)))));
  const subspaces = [16, 8, 4, 2, 1].find((count) => dimensions % count === 0) as number;
  const begin = performance.now();
  const options = { dimensions, metric: 'l2', lists, subspaces, bits: 8, iterations: 10, seed: 1 } as const;
  using index = await IvfPqIndex.train(device, base, options);
  await index.add(base);
  const shape = `IVF${lists},PQ${subspaces}`;
  const build = performance.now() - begin;
  const note = `${formatCount((rows * 1000) / build)} vectors/s`;
  const measurements: Measurement[] = [
    { what: `${shape} train and add`, millis: build, each: 'once', note, values: { lists, subspaces } },
  ];
  for (const probes of [8, 32].filter((count) => count <= lists)) {
    const millis = await timed(() => index.search(queries, { k: K, probes }));
    const recall = recallAt(K, (await index.search(queries, { k: K, probes })).ids, truth);
    measurements.push(
      batch(`${shape} search, ${probes} probes`, millis, (queryCount * 1000) / millis, { probes, recall }),
    );
  }
  return measurements;
}

/** Vectors that make a measurement of about ten seconds. */
function defaultRows(device: Device): number {
  const { kind } = device.info;
  if (kind === 'software') return 20_000;
  return kind === 'cpu' ? 100_000 : 1_000_000;
}

async function prepare(device: Device, options: BenchOptions): Promise<Data> {
  const { dimensions, queries: queryCount } = options;
  const rows = options.rows ?? defaultRows(device);
  const base = await syntheticVectors({ rows, dimensions, seed: 2 });
  const queries = await syntheticVectors({ rows: queryCount, dimensions, seed: 3 });
  return { base, queries, rows, dimensions, queryCount };
}

async function measureAll(device: Device, data: Data): Promise<Measurement[]> {
  return withProgress('measuring', async (onProgress) => {
    const total = 4;
    const copy = await copyBandwidth(device);
    onProgress({ done: 1, total });
    const kmeans = await measureKMeans(device, data);
    onProgress({ done: 2, total });
    const [flat, truth] = await measureFlat(device, data, copy.values.gigabytesPerSecond);
    onProgress({ done: 3, total });
    return [copy, kmeans, ...flat, ...(await measureIvfPq(device, data, truth))];
  });
}

async function bench(options: BenchOptions): Promise<void> {
  using device = await openDevice(options.device);
  const data = await withProgress('vectors', () => prepare(device, options));
  const { rows, dimensions } = data;
  if (!options.json) {
    printField('device', deviceLine(device));
    printField('data', `${formatCount(rows)} vectors of ${dimensions} float32, clustered, made from a fixed seed`);
    printField('batches', `${formatCount(data.queryCount)} queries, ${K} nearest\n`);
  }
  const measurements = await measureAll(device, data);
  if (options.json) return print(JSON.stringify({ device: device.info, rows, dimensions, measurements }, null, 2));
  print(formatTable(measurements.map(({ what, millis, each, note }) => [what, formatMillis(millis), each, note])));
  print(paint('dim', '\nTimes are from the call to the result in JavaScript; of repeated runs, the median.'));
}

export function benchCommand(): Command {
  return new Command('bench')
    .description('measure k-means, exact search and IVF-PQ search on this device')
    .option('-r, --rows <count>', 'vectors; default: what suits the device', parsePositive)
    .option('--dimensions <count>', 'numbers in a vector', parsePositive, 128)
    .option('--queries <count>', 'queries in a batch', parsePositive, 1000)
    .option('--json', 'print JSON')
    .option('-d, --device <device>', DEVICE_HELP)
    .option('--debug', 'show the stack of an error')
    .action((options: BenchOptions) => runCommand(() => bench(options), options.debug));
}
