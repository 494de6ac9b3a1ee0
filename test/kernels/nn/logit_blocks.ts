// logit_blocks: the best token and the largest logit of each block of 512, with penalties and without.
import { encodeSampling, promptCounts, type SamplingOptions } from '../../../src/nn/sampling.js';
import { cases, floats, type Outputs, words } from '../../support/cases.js';
import { type DataKind, Random } from '../../support/random.js';
import { LOGIT_BLOCK, penalised, type Seen, type Winner, winnerOf } from '../../support/sampling.js';

interface Shape {
  readonly vocabulary: number;
  readonly options: SamplingOptions;
  readonly kind?: DataKind;
  readonly factor?: number;
  /** Logits of the second row that are something else. */
  readonly spoilt?: Readonly<Record<number, number>>;
  /** The whole second row. */
  readonly every?: number;
}

const [ROWS, SLOTS, FIRST_STEP] = [3, 4, 1];
/** The first is of no row, the last row chooses nothing. */
const STEPS = Uint32Array.of(9, 9, 9, 9, 7, 30, 2, 1, 8, 0, 1, 1, 9, 9, 0, 2);
const SLOT_OF = [2, 1];

function seenTokens(random: Random, vocabulary: number): Map<number, Seen> {
  const seen = new Map<number, Seen>();
  for (let i = 0; i < Math.min(vocabulary, 200); i++) {
    seen.set(random.below(vocabulary), { inPrompt: i % 3 > 0, generated: i % 3 === 2 ? 0 : 1 + (i % 5) });
  }
  return seen;
}

function countsOf(seen: ReadonlyMap<number, Seen>, vocabulary: number): Uint32Array {
  const ids = [...seen];
  const prompt = ids.filter(([, { inPrompt }]) => inPrompt).map(([id]) => id);
  const generated = ids.flatMap(([id, token]) => new Array<number>(token.generated ?? 0).fill(id));
  return promptCounts(prompt, vocabulary, generated);
}

function floatOf(key: number): number {
  return new Float32Array(Uint32Array.of(key >>> 31 ? key ^ 0x80000000 : ~key).buffer)[0];
}

/** What of a block's words is not as the reference says. */
function wrongWinner(got: Uint32Array, expected: Winner, { exact, summed }: { exact: boolean; summed: boolean }) {
  const [key, id, score, mass] = got;
  if (expected.key === 0) {
    return key === 0 && id === 0xffffffff && score === 0 && mass === 0 ? undefined : `must be empty, got ${got}`;
  }
  const [largest, wanted] = [floatOf(key), floatOf(expected.key)];
  if (exact ? key !== expected.key : !(Math.abs(largest - wanted) < 1e-5)) return `largest ${largest}, not ${wanted}`;
  if (expected.margin > 1e-4 && id !== expected.id) return `token ${id}, not ${expected.id}`;
  if (!(Math.abs(floatOf(score) - expected.score) < 1e-4 + 3e-7 * Math.abs(expected.score)))
    return `score ${floatOf(score)}, not ${expected.score}`;
  const sum = summed ? expected.mass : 0;
  return Math.abs(mass - sum) <= 1e-5 * sum + 300 ? undefined : `sum of weights ${mass}, not ${sum}`;
}

function make(shape: Shape) {
  const { vocabulary, kind = 'normal', factor = 3, spoilt = {}, every } = shape;
  const options: SamplingOptions = { seed: 2 ** 40 + 5, ...shape.options };
  const random = new Random(vocabulary * 7 + factor);
  const [stride, blocks] = [vocabulary + 5, Math.ceil(vocabulary / LOGIT_BLOCK)];
  const initial = random.rows(kind, ROWS, stride).map((value) => value * factor);
  if (every !== undefined) initial.fill(every, stride, 2 * stride);
  for (const [id, value] of Object.entries(spoilt)) initial[stride + Number(id)] = value;
  const isChanged = (options.repetitionPenalty ?? options.frequencyPenalty) !== undefined;
  const logits = floats(initial.length, { initial, nmse: 1e-13 });
  const [counts, sampling] = [new Uint32Array(SLOTS * vocabulary), new Uint32Array(SLOTS * 16)];
  const winners = words(ROWS * blocks * 4);
  const expected: Winner[] = [];
  for (const [row, slot] of SLOT_OF.entries()) {
    const seen = seenTokens(random, vocabulary);
    counts.set(countsOf(seen, vocabulary), slot * vocabulary);
    sampling.set(encodeSampling(options, vocabulary, 4 + row), slot * 16);
    const changed = penalised(initial.subarray(row * stride, row * stride + vocabulary), options, seen);
    for (const id of isChanged ? Array(vocabulary).keys() : []) {
      if (seen.has(id) && Number.isFinite(changed[id])) logits.set(row * stride + id, changed[id]);
      else logits.any(row * stride + id);
    }
    for (let b = 0; b < blocks; b++) expected.push(winnerOf(changed, b * LOGIT_BLOCK, options, 4 + row));
  }
  for (let i = 0; i < expected.length * 4; i++) winners.written(i);
  const judged = { exact: !isChanged, summed: options.topP !== undefined && options.topK === undefined };
  const check = (outputs: Outputs) => {
    const wrong = expected.map((winner, b) => [
      b,
      wrongWinner((outputs.winners as Uint32Array).subarray(b * 4, b * 4 + 4), winner, judged),
    ]);
    const first = wrong.find(([, what]) => what !== undefined);
    return first && `winners of block ${first[0]}: ${first[1]}`;
  };
  return {
    buffers: { logits, steps: STEPS, sampling, counts, winners },
    params: { vocabulary, stride, firstStep: FIRST_STEP, penalised: isChanged ? 1 : 0 },
    grid: [blocks, ROWS] as const,
    check,
  };
}

const greedy = { temperature: 0 };
const shapes: Shape[] = [
  { vocabulary: 1, options: greedy },
  { vocabulary: 511, options: greedy },
  { vocabulary: 1300, options: greedy, kind: 'integer', factor: 1 },
  { vocabulary: 1300, options: greedy, kind: 'integer', factor: 0 },
  { vocabulary: 1025, options: { temperature: 0.7 } },
  { vocabulary: 4096, options: { temperature: 1.3, topP: 0.9 } },
  { vocabulary: 700, options: { temperature: 0.01, topP: 0.5 }, factor: 10 },
  { vocabulary: 700, options: { temperature: 1, topP: 0.5, topK: 40 } },
  { vocabulary: 1537, options: { ...greedy, repetitionPenalty: 1.3 } },
  { vocabulary: 1537, options: { repetitionPenalty: 0.8, presencePenalty: 0.5, frequencyPenalty: -0.25 } },
  { vocabulary: 900, options: { temperature: 2, frequencyPenalty: 1.5 } },
  { vocabulary: 1100, options: greedy, spoilt: { 3: Number.NaN, 600: Infinity, 5: -Infinity, 1099: 3.4e38 } },
  { vocabulary: 1100, options: { temperature: 0.5 }, spoilt: { 3: Number.NaN, 600: Infinity, 1030: -3.4e38 } },
  { vocabulary: 1100, options: { topP: 0.9 }, every: Number.NaN },
  { vocabulary: 1100, options: { frequencyPenalty: 1 }, every: -Infinity, spoilt: { 1099: -5 } },
];

export default cases(
  'logit_blocks',
  shapes.map((shape) => {
    const { vocabulary, options, kind = 'normal', factor = 3, spoilt, every } = shape;
    const spoiling = spoilt || every !== undefined ? `, ${every ?? ''} ${Object.values(spoilt ?? {})}` : '';
    const name = `${vocabulary} ${kind} times ${factor}, ${JSON.stringify(options)}${spoiling}`;
    return { name, make: () => make(shape) };
  }),
);
