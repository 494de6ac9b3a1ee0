// Weights from disk to device, beside what the disk itself gives: dd with direct reads of the same file in the same run.
import { spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Device, FileSource } from '../../src/index.js';
import { type LoadPlan, loadWeights } from '../../src/llm/loader.js';
import { type BenchContext, type BenchRow, median } from './context.js';

export const name = 'load';

const ROWS = 4096;
const COLUMNS = 11008;
const MATRIX_BYTES = (ROWS * COLUMNS * 18) / 32;
const MATRICES = { gpu: 80, cpu: 80, software: 10 };
const ROUNDS = 3;
const CHUNK_BYTES = 64 * 2 ** 20;

async function writeRandom(path: string, bytes: number): Promise<void> {
  const chunk = randomFillSync(new Uint8Array(CHUNK_BYTES));
  const file = await open(path, 'w');
  for (let at = 0; at < bytes; at += chunk.length) await file.write(chunk, 0, Math.min(chunk.length, bytes - at), at);
  await file.sync();
  await file.close();
}

const dd = (...operands: string[]) => spawnSync('dd', operands);
export const dropFromCache = (path: string) => dd(`of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0');

const planOf = (path: string, matrices: number): LoadPlan => ({
  vectors: [],
  matrices: Array.from({ length: matrices }, (_, i) => {
    const name = `matrix ${i}`;
    const source = { name, path, type: 'Q4_0', rows: ROWS, columns: COLUMNS, offset: i * MATRIX_BYTES } as const;
    return {
      name,
      shape: { kind: 'int4', scaling: 'symmetric', rows: ROWS, columns: COLUMNS },
      parts: [{ source: { ...source, bytes: MATRIX_BYTES } }],
    };
  }),
});

/** Raw bytes, four tensors in turns. */
async function loadRaw(device: Device, path: string): Promise<void> {
  using file = await FileSource.open(path);
  const tensors = Array.from({ length: 4 }, () => device.tensor('u8', [CHUNK_BYTES]));
  const offsets = Array.from({ length: Math.ceil(file.bytes / CHUNK_BYTES) }, (_, i) => i * CHUNK_BYTES).values();
  const lane = async (tensor: (typeof tensors)[0]) => {
    for (const offset of offsets)
      await file.load(tensor, { offset, bytes: Math.min(CHUNK_BYTES, file.bytes - offset) });
  };
  await Promise.all(tensors.map(lane));
  for (const tensor of tensors) tensor.dispose();
}

async function measure(device: Device, path: string, matrices: number): Promise<BenchRow[]> {
  const plan = planOf(path, matrices);
  const works: Record<string, () => Promise<unknown>> = {
    'dd, direct': async () => dd(`if=${path}`, 'iflag=direct', 'bs=4M', 'of=/dev/null'),
    'FileSource, not in the cache': () => loadRaw(device, path),
    'loadWeights Q4_0, not in the cache': async () => (await loadWeights(device, plan)).dispose(),
  };
  const rates = Object.keys(works).map((): number[] => []);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, work] of Object.values(works).entries()) {
      dropFromCache(path);
      const begin = performance.now();
      await work();
      if (round > 0) rates[i].push((matrices * MATRIX_BYTES) / (performance.now() - begin) / 1e6);
    }
  }
  const disk = median(rates[0]);
  return Object.keys(works).map((name, i) => {
    const value = median(rates[i]);
    return { name, value, unit: 'GB/s', note: `${Math.round((value / disk) * 100)} % of dd` };
  });
}

export function run(context: BenchContext): Promise<BenchRow[]> {
  const matrices = context.size(MATRICES);
  const weights = async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wavetile-load-'));
    try {
      const path = join(folder, 'weights');
      await writeRandom(path, matrices * MATRIX_BYTES);
      return await measure(context.device, path, matrices);
    } finally {
      await rm(folder, { recursive: true });
    }
  };
  return context.collect(name, { weights });
}
