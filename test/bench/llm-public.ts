// The public interface of a model: loading, generation and what it costs the host, the first prompt of a process.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { env, execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { LanguageModel } from '../../src/llm/language-model.js';
import type { BenchContext, BenchRow } from './context.js';
import { median } from './context.js';
import { type BenchFile, CONTEXT, PROMPT, promptOf } from './llm-model.js';
import { percent } from './llm-steps.js';
import { dropFromCache } from './load.bench.js';

const TOKENS = 128;
const ROUNDS = 4;

async function timeLoad({ device }: BenchContext, path: string): Promise<number> {
  const begin = performance.now();
  using _ = await LanguageModel.load(path, { device, context: CONTEXT });
  return performance.now() - begin;
}

/** From the path to a model that can be asked. */
export async function measureLoad(context: BenchContext, { path, bytes }: BenchFile): Promise<BenchRow[]> {
  dropFromCache(path);
  const cold = await timeLoad(context, path);
  const warm = await timeLoad(context, path);
  return [
    { name: 'load, page cache dropped', wallMs: cold, bytes },
    { name: 'load, page cache warm', wallMs: warm, bytes },
  ];
}

interface Generated {
  readonly perSecond: number;
  readonly firstTokenMs: number;
  readonly stepMs: number;
  readonly hostMs: number;
  readonly allocations: number;
}

async function generateOnce(model: LanguageModel, seed: number): Promise<Generated> {
  const generation = model.generate(promptOf(model.info.vocabulary, PROMPT, seed), {
    maxTokens: TOKENS,
    temperature: 0,
    ignoreEnd: true,
  });
  let first = 0;
  let before = performance.eventLoopUtilization();
  let allocations = 0;
  for await (const _ of generation) {
    if (first > 0) continue;
    first = performance.now();
    before = performance.eventLoopUtilization();
    allocations = model.device.memory().allocations;
  }
  const wall = performance.now() - first;
  const { active } = performance.eventLoopUtilization(before);
  const { timing } = await generation.summary();
  return {
    perSecond: timing.tokensPerSecond,
    firstTokenMs: timing.firstTokenMs,
    stepMs: wall / (TOKENS - 1),
    hostMs: active / (TOKENS - 1),
    allocations: model.device.memory().allocations - allocations,
  };
}

/** Time inside of commands, by the device's clock, as a share of a generation's wall time; both of the same run. */
async function busyShare(model: LanguageModel): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'wavetile-busy-'));
  try {
    const path = join(folder, 'trace.json');
    let wallMs = 0;
    await model.device.profile(path, async () => {
      const begin = performance.now();
      await generateOnce(model, ROUNDS + 2);
      wallMs = performance.now() - begin;
    });
    const { traceEvents } = JSON.parse(await readFile(path, 'utf8')) as { traceEvents: { dur?: number }[] };
    return traceEvents.reduce((sum, { dur = 0 }) => sum + dur, 0) / 1000 / wallMs;
  } finally {
    await rm(folder, { recursive: true });
  }
}

export async function measureGenerate({ device }: BenchContext, { path }: BenchFile): Promise<BenchRow[]> {
  using model = await LanguageModel.load(path, { device, context: CONTEXT });
  const all: Generated[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const generated = await generateOnce(model, round + 1);
    if (round > 0) all.push(generated);
  }
  const busy = await busyShare(model);
  const of = (part: keyof Generated) => median(all.map((one) => one[part]));
  const shape = `${TOKENS} tokens behind ${PROMPT}`;
  return [
    { name: 'generate', shape, wallMs: of('stepMs'), value: of('perSecond'), unit: 'tokens/s' },
    { name: 'generate, first token', wallMs: of('firstTokenMs') },
    { name: 'generate, host per step', value: of('hostMs') * 1000, unit: 'µs', note: 'event loop not idle' },
    { name: 'generate, allocations', value: of('allocations'), unit: `in ${TOKENS - 1} steps` },
    { name: 'generate, device busy', note: `${percent(busy)} of the wall time inside of commands` },
  ];
}

interface FirstPrompt {
  readonly openMs: number;
  readonly loadMs: number;
  readonly firstTokenMs: number;
  readonly secondPromptMs: number;
  readonly totalMs: number;
}

const CHILD = join(dirname(fileURLToPath(import.meta.url)), 'first-prompt.js');

/** A new process, with and without compiled pipelines of an earlier one. The driver's own cache is in the same folder. */
export async function measureFirstPrompt({ device }: BenchContext, { path }: BenchFile): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'wavetile-first-'));
  const caches = { __GL_SHADER_DISK_CACHE_PATH: folder, MESA_SHADER_CACHE_DIR: folder };
  try {
    return ['no pipelines kept', 'pipelines kept'].map((state) => {
      const { stdout, stderr, status } = spawnSync(execPath, [CHILD, path, device.info.backend, folder], {
        env: { ...env, ...caches },
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`first-prompt ended with ${status}: ${stderr}`);
      const { openMs, loadMs, firstTokenMs, secondPromptMs, totalMs } = JSON.parse(stdout) as FirstPrompt;
      const parts = `open ${openMs.toFixed(0)}, load ${loadMs.toFixed(0)}, then first token ${firstTokenMs.toFixed(0)} ms`;
      const note = `${parts}; a second prompt ${secondPromptMs.toFixed(0)} ms`;
      return { name: `first prompt of 512, ${state}`, wallMs: totalMs, note };
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}
