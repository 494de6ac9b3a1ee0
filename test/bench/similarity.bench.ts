// Multi-head similarity: 100 queries against 1,000 keys, and with keys that are kept on the device.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Device } from '../../src/index.js';
import { MultiHeadSimilarity } from '../../src/vector/multi-head-similarity.js';
import { type BenchContext, type BenchRow, median, timeCalls } from './context.js';
import { noise } from './data.js';

export const name = 'similarity';

const DIMENSIONS = 768;
const HEADS = 12;
const HEAD_DIMENSIONS = 64;
const OUTPUTS = HEADS * HEAD_DIMENSIONS;

/** From the first command's begin to the last one's end, median of five calls: the two projections overlap. */
async function deviceSpan(device: Device, work: () => Promise<unknown>): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'wavetile-bench-'));
  try {
    const spans: number[] = [];
    for (let i = 0; i < 5; i++) {
      const path = join(folder, `${i}.json`);
      await device.profile(path, work);
      const { traceEvents } = JSON.parse(await readFile(path, 'utf8')) as {
        traceEvents: { ts: number; dur?: number }[];
      };
      const timed = traceEvents.filter(({ dur }) => dur !== undefined);
      const end = Math.max(...timed.map(({ ts, dur = 0 }) => ts + dur));
      spans.push((end - Math.min(...timed.map(({ ts }) => ts))) / 1000);
    }
    return median(spans);
  } finally {
    await rm(folder, { recursive: true });
  }
}

export async function run(context: BenchContext): Promise<BenchRow[]> {
  return context.collect(name, { 'multi-head': () => multiHead(context) });
}

async function multiHead({ device, deviceClass }: BenchContext): Promise<BenchRow[]> {
  const [queryCount, keyCount] = deviceClass === 'software' ? [20, 100] : [100, 1000];
  const queries = noise(queryCount * DIMENSIONS, 1);
  const keys = noise(keyCount * DIMENSIONS, 2);
  const weights = (seed: number) => noise(OUTPUTS * DIMENSIONS, seed).map((w) => w / Math.sqrt(DIMENSIONS));
  const shape = `${queryCount} x ${keyCount}, ${HEADS} x ${HEAD_DIMENSIONS}, D ${DIMENSIONS}`;
  const scoring = 2 * queryCount * keyCount * OUTPUTS + 2 * queryCount * OUTPUTS * DIMENSIONS;
  const rows: BenchRow[] = [];
  for (const normalize of [false, true]) {
    const model = { dimensions: DIMENSIONS, heads: HEADS, queryWeights: weights(3), keyWeights: weights(4), normalize };
    using similarity = await MultiHeadSimilarity.create(device, model);
    const note = normalize ? 'normalised' : '';
    const measure = async (title: string, flops: number, work: () => Promise<unknown>) => {
      const wallMs = await timeCalls(work, { repeats: 20 });
      rows.push({ name: title, shape, flops, wallMs, deviceMs: await deviceSpan(device, work), note });
    };
    // Without normalisation the queries are projected twice instead of the keys.
    const projected = normalize ? keyCount : queryCount;
    const all = scoring + 2 * projected * OUTPUTS * DIMENSIONS;
    await measure('multi-head, score', all, () => similarity.score(queries, { keys }));
    await measure('multi-head, top 10', all, () => similarity.topK(queries, { keys }));
    await similarity.setKeys(keys);
    await measure('multi-head, kept keys', scoring, () => similarity.score(queries));
  }
  return rows;
}
