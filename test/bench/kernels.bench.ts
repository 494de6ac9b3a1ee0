// The kernels that vector search spends its time in, alone and with data already on the device.
import type { Tensor } from '../../src/index.js';
import { layoutOf, roundUp } from '../support/packed.js';
import { Random } from '../support/random.js';
import { countingSort } from '../support/reference.js';
import { type BenchContext, type BenchRow, timeProgram } from './context.js';
import { noise } from './data.js';
import { scanCodes } from './scan-codes.js';

export const name = 'kernels';

const DIMENSIONS = 128;
const CLUSTERS = 1024;
const { chunks } = layoutOf(DIMENSIONS);

const count = (value: number) => (value >= 1e6 ? `${value / 1e6}M` : value >= 1e3 ? `${value / 1e3}k` : `${value}`);
const tiles = (rows: number) => Math.ceil(rows / 128);

/** Rows that fit one binding. */
function fitting({ device }: BenchContext, rows: number): number {
  return Math.min(rows, Math.floor(device.info.maxBindingBytes / (DIMENSIONS * 4) / 128) * 128);
}

/** Packed rows: in random data any order of the words will do. */
function packedRows({ device }: BenchContext, rows: number, seed: number): Promise<Tensor> {
  return device.tensorFrom(noise(roundUp(rows, 128) * DIMENSIONS, seed));
}

async function assignNearest(context: BenchContext, rows: number): Promise<BenchRow[]> {
  const { device } = context;
  using points = await packedRows(context, rows, 1);
  using centroids = await packedRows(context, CLUSTERS, 2);
  using pointNorms = await device.tensorFrom(noise(rows, 3).map((value) => DIMENSIONS + value));
  using centroidNorms = await device.tensorFrom(noise(CLUSTERS, 4).map((value) => DIMENSIONS + value));
  using labels = device.tensor('u32', [rows]);
  using distances = device.tensor('f32', [rows]);
  using program = await device.record((recorder) => {
    const buffers = { points, centroids, pointNorms, centroidNorms, labels, distances };
    recorder.dispatch('assign_nearest', {
      buffers,
      params: { rows, clusters: CLUSTERS, chunks, subspaceChunks: chunks },
      grid: [tiles(rows), 1],
    });
  });
  const shape = `${count(rows)} x ${DIMENSIONS}, K ${CLUSTERS}`;
  return [{ name: 'assign_nearest', shape, flops: 2 * rows * CLUSTERS * DIMENSIONS, ...(await timeProgram(program)) }];
}

async function minima(
  context: BenchContext,
  kernel: 'tile_minima' | 'scan_minima',
  shape: { queryCount: number; rows: number },
): Promise<BenchRow[]> {
  const { device } = context;
  const { queryCount, rows } = shape;
  const stride = tiles(rows);
  using queries = await packedRows(context, queryCount, 5);
  using storage = await packedRows(context, rows, 6);
  using output = device.tensor('f32', [queryCount * stride]);
  using program = await device.record((recorder) => {
    const buffers = { queries, storage, minima: output };
    const grid = [stride, Math.ceil(queryCount / (kernel === 'tile_minima' ? 128 : 8))] as const;
    recorder.dispatch(kernel, { buffers, params: { queryCount, rows, chunks, firstTile: 0, stride }, grid });
  });
  const flops = 3 * queryCount * rows * DIMENSIONS;
  const bytes = rows * DIMENSIONS * 4;
  return [
    {
      name: kernel,
      shape: `${queryCount} x ${count(rows)} x ${DIMENSIONS}`,
      bytes,
      flops,
      ...(await timeProgram(program)),
    },
  ];
}

async function selectSmallest(
  { device }: BenchContext,
  shape: { rows: number; stride: number; k: number },
): Promise<BenchRow[]> {
  const { rows, stride, k } = shape;
  using values = await device.tensorFrom(noise(rows * stride, 7));
  using lengths = await device.tensorFrom(new Uint32Array(rows).fill(stride));
  using indices = device.tensor('u32', [rows * k]);
  using best = device.tensor('f32', [rows * k]);
  using program = await device.record((recorder) => {
    recorder.dispatch('select_smallest', {
      buffers: { values, lengths, indices, best },
      params: { rows, stride, k },
      grid: [rows],
    });
  });
  const bytes = rows * stride * 4;
  return [{ name: 'select_smallest', shape: `${k} of ${rows} x ${stride}`, bytes, ...(await timeProgram(program)) }];
}

/** The update step: labels to sorted rows, then sums. */
async function clusterUpdate(context: BenchContext, rows: number): Promise<BenchRow[]> {
  const { device } = context;
  const block = 4096;
  const values = new Random(8).words(rows, CLUSTERS);
  const sorted = countingSort(values, { rows, clusters: CLUSTERS, block });
  const { blocks } = sorted;
  using labels = await device.tensorFrom(values);
  using begins = await device.tensorFrom(sorted.begins);
  using offsets = device.tensor('u32', [sorted.begins.length]);
  using counts = device.tensor('u32', [sorted.begins.length]);
  using order = device.tensor('u32', [rows]);
  using points = await packedRows(context, rows, 9);
  const splits = 32;
  using sums = await packedRows(context, CLUSTERS * splits, 10);
  using sizes = await device.tensorFrom(new Uint32Array(CLUSTERS));
  const params = { rows, clusters: CLUSTERS, block, blocks };
  const layout = { chunks, subspaceChunks: chunks, paddedClusters: CLUSTERS, accumulate: 0 };
  using program = await device.record((recorder) => {
    recorder.fill(counts, 0).copy(begins, offsets);
    recorder.dispatch('count_labels', { buffers: { labels, counts }, params, grid: [blocks, 1] });
    recorder.dispatch('sort_labels', { buffers: { labels, offsets, order }, params, grid: [blocks, 1] });
    const buffers = { points, order, offsets, sums, sizes };
    recorder.dispatch('cluster_sums', {
      buffers,
      params: { rows, clusters: CLUSTERS, blocks, ...layout },
      grid: [CLUSTERS, 1, splits],
    });
  });
  const shape = `${count(rows)}, K ${CLUSTERS}`;
  const row = async (kernel: string, bytes: number): Promise<BenchRow> => {
    // The program holds all three: only the device's own time tells them apart.
    const { deviceMs } = await timeProgram(program, { kernel });
    return { name: kernel, shape, bytes, ...(deviceMs === undefined ? {} : { deviceMs }) };
  };
  return [
    await row('count_labels', rows * 4),
    await row('sort_labels', rows * 8),
    {
      ...(await row('cluster_sums', rows * DIMENSIONS * 4)),
      shape: `${count(rows)} x ${DIMENSIONS}, K ${CLUSTERS}, ${splits} splits`,
    },
  ];
}

export function run(context: BenchContext): Promise<BenchRow[]> {
  const rows = fitting(context, context.size({ gpu: 1_000_000, cpu: 100_000, software: 8192 }));
  const scanned = fitting(context, context.size({ gpu: 1_000_000, cpu: 1_000_000, software: 65_536 }));
  const queryCount = context.size({ gpu: 1000, cpu: 1000, software: 128 });
  return context.collect(name, {
    assign_nearest: async () => [
      ...(context.deviceClass === 'gpu' ? await assignNearest(context, 100_000) : []),
      ...(await assignNearest(context, rows)),
    ],
    tile_minima: () => minima(context, 'tile_minima', { queryCount, rows }),
    scan_minima: () => minima(context, 'scan_minima', { queryCount: 1, rows: scanned }),
    select_smallest: async () => [
      ...(await selectSmallest(context, { rows: queryCount, stride: 7813, k: 10 })),
      ...(await selectSmallest(context, { rows: queryCount / 8, stride: 16_384, k: 1000 })),
    ],
    'count_labels sort_labels cluster_sums': () => clusterUpdate(context, rows),
    scan_codes: () => scanCodes(context),
  });
}
