// sample_rows: the token that each row's options and draw lead to, from the blocks' winners of the reference.
import { COUNTER_WORD, encodeSampling, isPenalized, NO_TOKEN, type SamplingOptions } from '../../../src/nn/sampling.js';
import { cases, words } from '../../support/cases.js';
import { type DataKind, Random } from '../../support/random.js';
import { draw, keyOf, LOGIT_BLOCK, winnerOf } from '../../support/sampling.js';

interface Shape {
  readonly vocabulary: number;
  readonly options: SamplingOptions;
  readonly rows?: number;
  readonly kind?: DataKind;
  readonly factor?: number;
  /** Logits of the first row that are something else. */
  readonly spoilt?: Readonly<Record<number, number>>;
  readonly every?: number;
}

const FIRST_STEP = 2;
const POSITION = 100;

/** Draws so far such that neither the draw nor a bound is near a tie, which rounding could decide. */
function clearCounter(logits: ArrayLike<number>, options: SamplingOptions, from: number): number {
  for (let counter = from; counter < from + 100; counter++)
    if (draw(logits, options, counter).margin > 1e-4) return counter;
  throw new Error('every draw is near a tie: choose other logits');
}

/** Four words of each block. */
function winnersOf(logits: ArrayLike<number>, options: SamplingOptions, counter: number): number[] {
  return Array.from({ length: Math.ceil(logits.length / LOGIT_BLOCK) }, (_, block) => {
    const { key, id, score, mass } = winnerOf(logits, block * LOGIT_BLOCK, options, counter);
    return [key, id, key === 0 ? 0 : keyOf(Math.fround(score)), Math.round(mass)];
  }).flat();
}

function make(shape: Shape) {
  const { vocabulary, rows = 3, kind = 'normal', factor = 3, spoilt = {}, every } = shape;
  const random = new Random(vocabulary * 3 + factor);
  const stride = vocabulary + 3;
  const logits = random.rows(kind, rows, stride).map((value) => value * factor);
  if (every !== undefined) logits.fill(every, 0, stride);
  for (const [id, value] of Object.entries(spoilt)) logits[Number(id)] = value;
  const options: SamplingOptions = { seed: 77, ...shape.options };
  const initial = { steps: new Uint32Array((FIRST_STEP + rows + 2) * 4), sampling: new Uint32Array((rows + 2) * 16) };
  const counts = words((rows + 2) * vocabulary, { initial: new Uint32Array((rows + 2) * vocabulary).fill(5) });
  const chosen = words(rows + 2);
  const winners: number[] = [];
  const outcome: [row: number, slot: number, token: number][] = [];
  for (let row = 0; row < rows; row++) {
    const slot = rows - row;
    const own = logits.subarray(row * stride, row * stride + vocabulary);
    const counter = clearCounter(own, options, row * 1000);
    initial.sampling.set(encodeSampling(options, vocabulary, counter), slot * 16);
    initial.steps.set([1, POSITION + row, slot, 1], (FIRST_STEP + row) * 4);
    winners.push(...winnersOf(own, options, counter));
    outcome.push([row, slot, draw(own, options, counter).id]);
  }
  // A padding row, and one that has logits but does not choose.
  initial.steps.set([1, 2, 0, 0, 1, 2, 0, 2], (FIRST_STEP + rows) * 4);
  const steps = words(initial.steps.length, { initial: initial.steps });
  const sampling = words(initial.sampling.length, { initial: initial.sampling });
  for (const [row, slot, token] of outcome) {
    chosen.set(row, token);
    if (token === NO_TOKEN) continue;
    for (const [i, word] of [token, POSITION + row + 1, slot, 1].entries()) steps.set((FIRST_STEP + row) * 4 + i, word);
    sampling.set(slot * 16 + COUNTER_WORD, initial.sampling[slot * 16 + COUNTER_WORD] + 1);
    if (isPenalized(options)) counts.set(slot * vocabulary + token, 6);
  }
  return {
    buffers: { logits, winners: Uint32Array.from(winners), steps, sampling, counts, chosen },
    params: { vocabulary, stride, firstStep: FIRST_STEP, penalised: 1 },
    grid: [rows + 2] as const,
  };
}

const greedy = { temperature: 0 };
const usual = { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05 };
const shapes: Shape[] = [
  { vocabulary: 1, options: greedy },
  { vocabulary: 1, options: usual },
  { vocabulary: 1300, options: greedy, kind: 'integer', factor: 1 },
  { vocabulary: 5000, options: { ...greedy, topK: 5, frequencyPenalty: 0.5 } },
  { vocabulary: 5000, options: { temperature: 1.1 } },
  { vocabulary: 32000, options: usual, rows: 2 },
  { vocabulary: 513, options: { ...usual, repetitionPenalty: 1.1 } },
  // Fewer blocks than k, more than can be ranked one by one, more than can be listed.
  { vocabulary: 3000, options: { topK: 30 } },
  { vocabulary: 3000, options: { topK: 800 }, factor: 1 },
  { vocabulary: 9000, options: { topK: 3000, temperature: 2 }, factor: 1 },
  { vocabulary: 9000, options: { topK: 6000, topP: 0.8 }, factor: 0.5 },
  { vocabulary: 3000, options: { topK: 5000 }, factor: 1 },
  // More blocks than can be ranked one by one.
  { vocabulary: 300_001, options: { topK: 570 }, rows: 1 },
  // Ties at the bound.
  { vocabulary: 6000, options: { topK: 10 }, kind: 'integer', factor: 1 },
  { vocabulary: 6000, options: { topK: 2345 }, kind: 'integer', factor: 1 },
  { vocabulary: 6000, options: { topK: 4100, topP: 0.77 }, kind: 'integer', factor: 1 },
  { vocabulary: 6000, options: { topP: 0.30005 }, kind: 'integer', factor: 0 },
  { vocabulary: 4096, options: { topP: 0.9 } },
  { vocabulary: 4096, options: { topP: 0.3 }, factor: 1 },
  { vocabulary: 20000, options: { topP: 0.95 }, factor: 1, rows: 1 },
  { vocabulary: 20000, options: { topP: 0.02 }, factor: 1, rows: 1 },
  { vocabulary: 4096, options: { topP: 0 }, factor: 1 },
  { vocabulary: 8192, options: { topP: 0.9, minP: 0.02 }, factor: 2 },
  { vocabulary: 8192, options: { minP: 0.001 }, factor: 2 },
  { vocabulary: 8192, options: { minP: 0.1, topK: 7 }, factor: 5 },
  { vocabulary: 8192, options: { minP: 1 }, factor: 5 },
  { vocabulary: 2000, options: { ...usual, temperature: 0.01 }, factor: 10 },
  {
    vocabulary: 1100,
    options: { ...usual, seed: 2 ** 45 + 9 },
    spoilt: { 3: Number.NaN, 600: Infinity, 5: -Infinity },
  },
  { vocabulary: 1100, options: { topP: 0.9 }, spoilt: { 3: Number.NaN, 600: -3.4e38, 7: Infinity } },
  { vocabulary: 1100, options: greedy, every: Number.NaN },
  { vocabulary: 1100, options: usual, every: -Infinity },
  { vocabulary: 1100, options: { topP: 0.5 }, every: Number.NaN, spoilt: { 1099: -7 } },
  { vocabulary: 1100, options: { topK: 2 }, every: -Infinity, spoilt: { 1099: -7 } },
];

export default cases(
  'sample_rows',
  shapes.map((shape) => {
    const { vocabulary, options, kind = 'normal', factor = 3, spoilt, every } = shape;
    const spoiling = spoilt || every !== undefined ? `, ${every ?? ''} ${Object.values(spoilt ?? {})}` : '';
    const name = `${vocabulary} ${kind} times ${factor}, ${JSON.stringify(options)}${spoiling}`;
    return { name, make: () => make(shape) };
  }),
);
