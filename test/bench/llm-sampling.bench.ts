// Choosing tokens: the largest logit, and top-k, top-p and min-p together, for one row and for sixteen.
import {
  encodeSampling,
  LIVE,
  recordSampling,
  SAMPLING_WORDS,
  type SamplingOptions,
  winnerWords,
} from '../../src/nn/sampling.js';
import { type BenchContext, type BenchRow, timeProgram } from './context.js';
import { noise } from './data.js';

export const name = 'llm-sampling';

const METHODS: Readonly<Record<string, SamplingOptions>> = {
  greedy: { temperature: 0 },
  temperature: { temperature: 0.8 },
  'top-k 40, top-p 0.95, min-p 0.05': { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05 },
  'top-p 0.95': { temperature: 0.8, topP: 0.95 },
};

/** Most tokens are far from the few that a language model thinks of. */
function languageLogits(rows: number, vocabulary: number): Float32Array {
  const logits = noise(rows * vocabulary, 7).map((value) => value * 2.5);
  for (let i = 0; i < rows * 200; i++) logits[(i * 7919) % logits.length] += 8 + (i % 9);
  return logits;
}

async function measure({ device }: BenchContext, method: string, [rows, vocabulary]: readonly [number, number]) {
  const options = METHODS[method];
  const state = new Uint32Array(rows * SAMPLING_WORDS);
  for (let slot = 0; slot < rows; slot++)
    state.set(encodeSampling({ ...options, seed: slot }, vocabulary), slot * SAMPLING_WORDS);
  using logits = await device.tensorFrom(languageLogits(rows, vocabulary));
  using steps = await device.tensorFrom(
    Uint32Array.from({ length: rows * 4 }, (_, i) => [0, 0, i >> 2, LIVE.sampled][i & 3]),
  );
  using sampling = await device.tensorFrom(state);
  using winners = device.tensor('u32', [winnerWords(rows, vocabulary)]);
  using chosen = device.tensor('u32', [rows]);
  const call = { logits, steps, sampling, winners, chosen, rows, vocabulary };
  using program = await device.record((recorder) => recordSampling(recorder, call));
  const timing = await timeProgram(program, { repeats: 30 });
  const micros = timing.deviceMs === undefined ? '' : `${(timing.deviceMs * 1000).toFixed(1)} µs`;
  return { name: method, shape: `${rows} x ${vocabulary}`, bytes: rows * vocabulary * 4, note: micros, ...timing };
}

async function measureAll(context: BenchContext, method: string): Promise<BenchRow[]> {
  const shapes: (readonly [number, number])[] = context.deviceClass === 'software' ? [[1, 4096]] : SHAPES;
  const rows: BenchRow[] = [];
  for (const shape of shapes) rows.push(await measure(context, method, shape));
  return rows;
}

const SHAPES: (readonly [number, number])[] = [
  [1, 32_000],
  [1, 128_256],
  [16, 128_256],
];

export function run(context: BenchContext): Promise<BenchRow[]> {
  const parts = Object.keys(METHODS).map((method) => [method, () => measureAll(context, method)] as const);
  return context.collect(name, Object.fromEntries(parts));
}
