// Steps and chunks of a model: how long they take, and which kernels take it.
import { chunkProgram, pageWrites } from '../../src/llm/prefill.js';
import { LIVE } from '../../src/nn/sampling.js';
import type { CommandTime, Program, ProgramRunOptions } from '../../src/runtime/program.js';
import { type BenchContext, type BenchRow, median, timeCalls } from './context.js';
import { type BenchModel, GREEDY, PROMPT, promptOf } from './llm-model.js';

const DECODED = 128;
const CHUNK = 512;
const STEP_ROWS = [1, 2, 4, 8, 16];
const TIMED_RUNS = { gpu: 20, cpu: 10, software: 3 };
const UNTIMED_RUNS = 50;

/** Device time of one run, and of each kernel in it. */
export interface Profile {
  readonly spanMs: number;
  readonly kernels: ReadonlyMap<string, { micros: number; count: number }>;
}

function kernelTimes(times: readonly CommandTime[]): Map<string, { micros: number; count: number }> {
  const kernels = new Map<string, { micros: number; count: number }>();
  for (const { name, beginMicros, endMicros } of times) {
    const { micros, count } = kernels.get(name) ?? { micros: 0, count: 0 };
    kernels.set(name, { micros: micros + endMicros - beginMicros, count: count + 1 });
  }
  return kernels;
}

/** Medians of some runs by the device's clock. */
async function profileProgram(program: Program, options: ProgramRunOptions, runs: number): Promise<Profile> {
  const spans: number[] = [];
  const all: Map<string, { micros: number; count: number }>[] = [];
  for (let i = 0; i < runs + 2; i++) {
    const { times = [] } = await program.run({ ...options, timed: true });
    if (i < 2 || times.length === 0) continue;
    spans.push(Math.max(...times.map(({ endMicros }) => endMicros)) - Math.min(...times.map((one) => one.beginMicros)));
    all.push(kernelTimes(times));
  }
  const names = [...(all[0]?.keys() ?? [])];
  const kernels = new Map(
    names.map((name) => {
      const micros = median(all.map((one) => one.get(name)?.micros ?? 0));
      return [name, { micros, count: all[0].get(name)?.count ?? 0 }];
    }),
  );
  return { spanMs: median(spans) / 1000, kernels };
}

/** Where the time goes: a row for each kernel, the longest first. */
function profileRows(label: string, { spanMs, kernels }: Profile): BenchRow[] {
  const sorted = [...kernels].sort(([, a], [, b]) => b.micros - a.micros);
  const sum = sorted.reduce((all, [, { micros }]) => all + micros, 0);
  const count = sorted.reduce((all, [, kernel]) => all + kernel.count, 0);
  const rows = sorted.map(([name, { micros, count }]) => ({
    name: `${label}: ${name}`,
    value: micros,
    unit: 'µs',
    note: `${count} commands, ${(micros / count).toFixed(1)} µs each, ${((micros / spanMs) * 0.1).toFixed(1)} %`,
  }));
  const note = `${count} commands; the span is ${(spanMs * 1000).toFixed(0)} µs`;
  return [...rows, { name: `${label}: all`, value: sum, unit: 'µs', note }];
}

/** Puts a prompt of PROMPT tokens into the first sequences. */
async function fill(model: BenchModel, count: number): Promise<void> {
  const { transformer, decoder, sequences } = model;
  for (const [slot, sequence] of sequences.slice(0, count).entries()) {
    sequence.truncate(0);
    const prompt = promptOf(transformer.config.vocabulary, PROMPT, slot + 1);
    for await (const _ of decoder.tokens(sequence, prompt, { sampling: GREEDY, limit: 1 }));
  }
}

interface StepRun {
  readonly program: Program;
  /** What a run has to write to be the step behind the prompt. */
  readonly options: ProgramRunOptions;
}

/** The program of a step of some sequences, the same step each time. */
async function stepRun(model: BenchModel, rows: number): Promise<StepRun> {
  const { transformer, decoder, sequences } = model;
  await fill(model, rows);
  const group = decoder.group(Array.from({ length: rows }, (_, slot) => slot));
  const program = await decoder.stepProgram(group);
  const pages = sequences.slice(0, rows).flatMap((sequence) => pageWrites(transformer, sequence, PROMPT + 1));
  const write = Array.from({ length: rows }, (_, row) => group.step(row, 301 + row, PROMPT));
  await program.run({ write: [...pages, ...write] });
  return { program, options: { write, read: [group.chosen] } };
}

/** Runs on their way two at a time, as in a generation; milliseconds of each. */
async function pipelinedMillis({ program, options }: StepRun, runs: number): Promise<number> {
  let before = program.run(options);
  const begin = performance.now();
  for (let i = 0; i < runs; i++) {
    const next = program.run(options);
    await before;
    before = next;
  }
  await before;
  return (performance.now() - begin) / (runs + 1);
}

/** Steps of 1 to 16 rows; the profile of the first. */
export async function measureSteps(context: BenchContext, model: BenchModel): Promise<BenchRow[]> {
  const measured: BenchRow[] = [];
  let first: { step: Profile; millis: number } | undefined;
  const { readBytesPerSecond, stageSeconds } = context.ceilings;
  const floor = 1e3 * (model.stepBytes / readBytesPerSecond + model.stages * stageSeconds);
  for (const count of STEP_ROWS) {
    const run = await stepRun(model, count);
    await timeCalls(() => run.program.run(run.options), { repeats: 3 });
    const millis = await pipelinedMillis(run, UNTIMED_RUNS);
    const profile = await profileProgram(run.program, run.options, context.size(TIMED_RUNS));
    first ??= { step: profile, millis };
    const times = `${(millis / first.millis).toFixed(2)} x one row, device ${(profile.spanMs / first.step.spanMs).toFixed(2)} x`;
    const share = `floor ${floor.toFixed(3)} ms: wall ${percent(floor / millis)}, device ${percent(floor / profile.spanMs)}`;
    measured.push({
      name: `step of ${count} rows`,
      wallMs: millis,
      deviceMs: profile.spanMs,
      bytes: model.stepBytes,
      value: (count * 1000) / millis,
      unit: 'tokens/s',
      note: count === 1 ? share : times,
    });
    if (count === 1 || count === 8) measured.push(...profileRows(`step of ${count}`, profile));
  }
  return measured;
}

export const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

/** Tokens one after the other behind a short prompt. */
export async function measureDecoding(context: BenchContext, model: BenchModel): Promise<BenchRow[]> {
  const { transformer, decoder, sequences } = model;
  const prompt = promptOf(transformer.config.vocabulary, PROMPT);
  const rates: number[] = [];
  for (let round = 0; round < 4; round++) {
    sequences[0].truncate(0);
    let begin = 0;
    for await (const _ of decoder.tokens(sequences[0], prompt, { sampling: GREEDY, limit: DECODED }))
      if (begin === 0) begin = performance.now();
    if (round > 0) rates.push((DECODED - 1) / (performance.now() - begin));
  }
  const wallMs = 1 / median(rates);
  const floor = model.stepBytes / context.ceilings.readBytesPerSecond;
  return [
    {
      name: 'decode',
      shape: `${DECODED} tokens behind ${PROMPT}`,
      wallMs,
      bytes: model.stepBytes,
      value: 1000 * median(rates),
      unit: 'tokens/s',
      note: `weights alone ${(1 / floor).toFixed(0)} tokens/s`,
    },
  ];
}

/** A prompt of 512 tokens: chunks and the first token. */
export async function measurePrefill(context: BenchContext, model: BenchModel): Promise<BenchRow[]> {
  const { transformer, decoder, sequences } = model;
  const [sequence] = sequences;
  const prompt = promptOf(transformer.config.vocabulary, CHUNK);
  const prefill = async () => {
    sequence.truncate(0);
    for await (const _ of decoder.tokens(sequence, prompt, { sampling: GREEDY, limit: 1 }));
  };
  const wallMs = await timeCalls(prefill, { repeats: context.size({ gpu: 10, cpu: 3, software: 1 }), warmUp: 1 });
  const rows = transformer.chunkRows;
  const group = decoder.group([0]);
  const program = await chunkProgram(transformer, rows, group.choosing(rows, false));
  const steps = new Uint32Array(prompt.slice(0, rows).flatMap((id, position) => [id, position, 0, LIVE.sampled]));
  const options = { write: [[transformer.chunkSteps, steps] as const, group.step(0, prompt[rows - 1], rows - 1)] };
  const profile = await profileProgram(program, options, context.size({ gpu: 10, cpu: 3, software: 1 }));
  return [
    {
      name: 'prefill',
      shape: `${CHUNK} tokens`,
      wallMs,
      deviceMs: (profile.spanMs * CHUNK) / rows,
      value: (CHUNK * 1000) / wallMs,
      unit: 'tokens/s',
      note: `device ${((rows * 1000) / profile.spanMs).toFixed(0)} tokens/s in a chunk of ${rows}`,
    },
    ...profileRows('chunk', profile),
  ];
}
