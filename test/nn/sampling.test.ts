// Sampling as a language model uses it: what is drawn has the right distribution, the same seed draws the same tokens.
import { describe, expect, test } from 'vitest';
import type { Device } from '../../src/index.js';
import {
  checkSampling,
  encodeSampling,
  isPenalized,
  LIVE,
  NO_TOKEN,
  promptCounts,
  recordSampling,
  type SamplingOptions,
  winnerWords,
} from '../../src/nn/sampling.js';
import { describeDevices } from '../support/devices.js';
import { Random } from '../support/random.js';
import { distribution, penalised, type Seen } from '../support/sampling.js';

const VOCABULARY = 1000;
const ROWS = 64;
/** Draws of each row in one run of a program. */
const TURNS = 16;
const LOGITS = new Random(5).rows('normal', VOCABULARY, 1).map((value) => value * 2.5);

interface Sampled {
  /** [draw][row] */
  readonly tokens: Uint32Array;
  readonly steps: Uint32Array;
}

/** Rows that all have the same logits, each a slot of its own with its own seed; `runs` times TURNS draws each. */
async function sample(device: Device, options: readonly SamplingOptions[], runs: number): Promise<Sampled> {
  const rows = options.length;
  const state = (slot: number) => encodeSampling(options[slot], VOCABULARY);
  using logits = await device.tensorFrom(LOGITS);
  using steps = await device.tensorFrom(
    Uint32Array.from({ length: rows * 4 }, (_, i) => [0, 10, i >> 2, LIVE.sampled][i & 3]),
  );
  using sampling = await device.tensorFrom(Uint32Array.from(options.flatMap((_, slot) => [...state(slot)])));
  using winners = device.tensor('u32', [winnerWords(rows, VOCABULARY)]);
  using chosen = device.tensor('u32', [TURNS * 64]);
  const call = { logits, steps, sampling, winners, rows, vocabulary: VOCABULARY, stride: 0 };
  using program = await device.record((recorder) => {
    for (let turn = 0; turn < TURNS; turn++)
      recordSampling(recorder, { ...call, chosen: chosen.slice(turn * 64, rows) });
  });
  const tokens = new Uint32Array(runs * TURNS * rows);
  for (let run = 0; run < runs; run++) {
    const { outputs } = await program.run({ read: [chosen] });
    for (let turn = 0; turn < TURNS; turn++)
      tokens.set((outputs[0] as Uint32Array).subarray(turn * 64, turn * 64 + rows), (run * TURNS + turn) * rows);
  }
  return { tokens, steps: (await steps.read()) as Uint32Array };
}

/** One draw of each row a run, from logits that are written anew and counts that are reset. */
async function samplePenalised(device: Device, options: SamplingOptions, counts: Uint32Array, runs: number) {
  const all = new Float32Array(ROWS * VOCABULARY);
  const allCounts = new Uint32Array(ROWS * VOCABULARY);
  const states = new Uint32Array(ROWS * 16);
  const rowSteps = Uint32Array.from({ length: ROWS * 4 }, (_, i) => [0, 10, i >> 2, LIVE.sampled][i & 3]);
  for (let row = 0; row < ROWS; row++) {
    all.set(LOGITS, row * VOCABULARY);
    allCounts.set(counts, row * VOCABULARY);
    states.set(encodeSampling({ ...options, seed: row }, VOCABULARY), row * 16);
  }
  using logits = await device.tensorFrom(all);
  using steps = await device.tensorFrom(rowSteps);
  using sampling = await device.tensorFrom(states);
  using counted = await device.tensorFrom(allCounts);
  using winners = device.tensor('u32', [winnerWords(ROWS, VOCABULARY)]);
  using chosen = device.tensor('u32', [ROWS]);
  const call = { logits, steps, sampling, counts: counted, winners, chosen, rows: ROWS, vocabulary: VOCABULARY };
  using program = await device.record((recorder) => recordSampling(recorder, call));
  const tokens = new Uint32Array(runs * ROWS);
  for (let run = 0; run < runs; run++) {
    const { outputs } = await program.run({
      write: [
        [logits, all],
        [counted, allCounts],
      ],
      read: [chosen],
    });
    tokens.set(outputs[0] as Uint32Array, run * ROWS);
  }
  return tokens;
}

/** Chi-square of the draws in standard deviations above what is expected; tokens that must not be drawn fail at once. */
function deviation(tokens: Uint32Array, probabilities: ReadonlyMap<number, number>): number {
  const drawn = new Map<number, number>();
  for (const token of tokens) drawn.set(token, (drawn.get(token) ?? 0) + 1);
  for (const token of drawn.keys()) expect(probabilities.has(token), `token ${token} may be drawn`).toBe(true);
  let [chi, bins, rest, restDrawn] = [0, 0, 0, 0];
  const add = (expected: number, got: number) => {
    chi += (got - expected) ** 2 / expected;
    bins++;
  };
  for (const [token, probability] of probabilities) {
    const expected = probability * tokens.length;
    if (expected >= 8) {
      add(expected, drawn.get(token) ?? 0);
    } else {
      rest += expected;
      restDrawn += drawn.get(token) ?? 0;
    }
  }
  if (rest > 0) add(Math.max(rest, 1), restDrawn);
  return bins < 2 ? 0 : (chi - (bins - 1)) / Math.sqrt(2 * (bins - 1));
}

const seeds = (options: SamplingOptions) =>
  Array.from({ length: ROWS }, (_, row) => ({ ...options, seed: 1000 * row + 2 ** 33 * (row % 3) }));

const settings: SamplingOptions[] = [
  { temperature: 1 },
  { temperature: 0.6 },
  { temperature: 1.2, topK: 25 },
  { temperature: 0.9, topP: 0.8 },
  { temperature: 1, minP: 0.1 },
  { temperature: 1.5, topK: 40, topP: 0.9, minP: 0.02 },
];
const penalties: SamplingOptions = {
  temperature: 1,
  repetitionPenalty: 1.4,
  presencePenalty: 0.5,
  frequencyPenalty: 0.3,
};
/** Of the first device that ran: the others must agree. */
const first = new Map<string, Uint32Array>();

describeDevices('sampling', (device, { backend }) => {
  const runs = backend === 'cpu' ? 18 : 3;

  test.each(settings)('draws from the distribution: %o', async (options) => {
    const { tokens } = await sample(device(), seeds(options), runs);
    const { probabilities } = distribution(LOGITS, options);
    expect(deviation(tokens, probabilities)).toBeLessThan(5);
    const name = JSON.stringify(options);
    const known = first.get(name) ?? tokens;
    const length = Math.min(known.length, tokens.length);
    expect(tokens.subarray(0, length), 'every device draws the same').toEqual(known.subarray(0, length));
    first.set(name, tokens);
  });

  test('penalties change the distribution', async () => {
    const prompt = [1, 2, 3, 4, 5, 6, 7];
    const generated = [5, 6, 6, 7, 7, 7, 8, 9, 9];
    const best = [...LOGITS.keys()].sort((a, b) => LOGITS[b] - LOGITS[a]);
    const idsOf = (list: number[]) => list.map((place) => best[place]);
    const counts = promptCounts(idsOf(prompt), VOCABULARY, idsOf(generated));
    const seen = new Map<number, Seen>();
    for (const place of new Set([...prompt, ...generated])) {
      const times = generated.filter((other) => other === place).length;
      seen.set(best[place], { inPrompt: prompt.includes(place), generated: times });
    }
    const tokens = await samplePenalised(device(), penalties, counts, runs);
    // Every run draws with other counters from the same counts.
    const { probabilities } = distribution(penalised(LOGITS, penalties, seen), penalties);
    expect(deviation(tokens, probabilities)).toBeLessThan(5);
    expect(deviation(tokens, distribution(LOGITS, penalties).probabilities)).toBeGreaterThan(10);
  });

  test('the same seed draws the same tokens, another one others, a later start the later ones', async () => {
    const options = { temperature: 1, topK: 200 };
    const { tokens } = await sample(
      device(),
      [
        { ...options, seed: 9 },
        { ...options, seed: 9n },
        { ...options, seed: 2 ** 32 + 9 },
      ],
      1,
    );
    const row = (number: number) => tokens.filter((_, i) => i % 3 === number);
    expect(row(1)).toEqual(row(0));
    expect(row(2)).not.toEqual(row(0));
    expect(new Set(row(0)).size).toBeGreaterThan(3);
    const { tokens: again } = await sample(device(), [{ ...options, seed: 9 }], 2);
    expect(again.subarray(0, TURNS)).toEqual(row(0));
    expect(again.subarray(TURNS)).not.toEqual(row(0));
  });

  test('temperature 0 takes the largest logit and moves on', async () => {
    const best = LOGITS.indexOf(Math.max(...LOGITS));
    const { tokens, steps } = await sample(
      device(),
      [{ temperature: 0, topK: 3 }, { temperature: 1e-6 }, { topK: 1 }],
      1,
    );
    expect(new Set(tokens)).toEqual(new Set([best]));
    expect([...steps]).toEqual([0, 1, 2].flatMap((slot) => [best, 10 + TURNS, slot, LIVE.sampled]));
  });

  test('counts what it generates, so that a penalty drives it on', async () => {
    const order = [...LOGITS.keys()].sort((a, b) => LOGITS[b] - LOGITS[a]);
    using logits = await device().tensorFrom(LOGITS);
    using steps = await device().tensorFrom(Uint32Array.of(0, 0, 0, LIVE.sampled));
    using sampling = await device().tensorFrom(encodeSampling({ temperature: 0, presencePenalty: 50 }, VOCABULARY));
    using counts = await device().tensorFrom(promptCounts([order[0]], VOCABULARY));
    using winners = device().tensor('u32', [winnerWords(1, VOCABULARY)]);
    using chosen = device().tensor('u32', [1]);
    const call = { logits, steps, sampling, counts, winners, chosen, rows: 1, vocabulary: VOCABULARY };
    using program = await device().record((recorder) => recordSampling(recorder, call));
    const tokens: number[] = [];
    for (let i = 0; i < 5; i++) {
      const { outputs } = await program.run({ write: [[logits, LOGITS]], read: [chosen] });
      tokens.push(outputs[0][0] as number);
    }
    expect(tokens).toEqual(order.slice(0, 5));
    expect([...((await counts.read()) as Uint32Array).entries()].filter(([, count]) => count !== 0)).toEqual(
      tokens.map((id): [number, number] => [id, id === order[0] ? 0x80000001 : 1]).sort((a, b) => a[0] - b[0]),
    );
  });

  test('chooses nothing for rows that ask for nothing or have no finite logit', async () => {
    const rows = Uint32Array.of(1, 7, 0, LIVE.padding, 1, 7, 1, LIVE.unsampled, 1, 7, 2, LIVE.sampled);
    using logits = await device().tensorFrom(new Float32Array(3 * VOCABULARY).fill(Number.NaN));
    using steps = await device().tensorFrom(rows);
    using sampling = await device().tensorFrom(
      Uint32Array.from([0, 1, 2].flatMap(() => [...encodeSampling({ topP: 0.9 }, VOCABULARY)])),
    );
    using winners = device().tensor('u32', [winnerWords(3, VOCABULARY)]);
    using chosen = await device().tensorFrom(Uint32Array.of(5, 6, 7));
    const call = { logits, steps, sampling, winners, chosen, rows: 3, vocabulary: VOCABULARY };
    using program = await device().record((recorder) => recordSampling(recorder, call));
    const { outputs } = await program.run({ read: [chosen, steps] });
    expect([...outputs[0]]).toEqual([5, 6, NO_TOKEN]);
    expect(outputs[1]).toEqual(rows);
  });
});

describe('sampling options', () => {
  test.each([
    [{ temperature: -1 }, 'temperature'],
    [{ topP: 1.5 }, 'topP'],
    [{ minP: Number.NaN }, 'minP'],
    [{ topK: 2.5 }, 'topK'],
    [{ repetitionPenalty: 0 }, 'repetitionPenalty'],
    [{ seed: -1 }, 'seed'],
    [{ seed: 2n ** 64n }, 'seed'],
    [{ topk: 3 } as SamplingOptions, "did you mean 'topK'"],
  ])('%o is refused', (options, named) => {
    expect(() => checkSampling('generate', options)).toThrow(named);
  });

  test('only penalties need counts', () => {
    expect(isPenalized({ temperature: 0.5, topK: 3 })).toBe(false);
    expect([{ repetitionPenalty: 1.1 }, { presencePenalty: 1 }, { frequencyPenalty: -1 }].every(isPenalized)).toBe(
      true,
    );
  });
});
