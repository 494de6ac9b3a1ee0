// Language models of real shapes and random weights: loading, steps, prompts, and what the public interface adds.
// Without a preset's name small ones are measured; 'llm:llama2-7b' asks for one, 'llm:llama2-7b prefill' for a part of it.
import type { BenchContext, BenchRow, DeviceClass } from './context.js';
import { type BenchFile, benchFile, openModel, TYPE } from './llm-model.js';
import { measureFirstPrompt, measureGenerate, measureLoad } from './llm-public.js';
import { measureDecoding, measurePrefill, measureSteps } from './llm-steps.js';
import { MODEL_SHAPES } from './model-shapes.js';

export const name = 'llm';

const SMALL: Readonly<Record<DeviceClass, readonly string[]>> = {
  gpu: ['demo-lm', 'smollm-135m', 'llama-1b'],
  cpu: ['demo-lm', 'smollm-135m'],
  software: ['demo-lm'],
};
const PRESETS = ['demo-lm', ...Object.keys(MODEL_SHAPES)];

type Wants = (part: string) => boolean;

async function measureModel(context: BenchContext, { path }: BenchFile, wants: Wants) {
  const rows: BenchRow[] = [];
  using model = await openModel(context.device, path);
  if (wants('decode')) rows.push(...(await measureDecoding(context, model)));
  if (wants('step')) rows.push(...(await measureSteps(context, model)));
  if (wants('prefill')) rows.push(...(await measurePrefill(context, model)));
  return rows;
}

async function measurePreset(context: BenchContext, preset: string, wants: Wants): Promise<BenchRow[]> {
  await using file = await benchFile(preset);
  if (!file) return [];
  const rows: BenchRow[] = [];
  if (wants('load')) rows.push(...(await measureLoad(context, file)));
  rows.push(...(await measureModel(context, file, wants)));
  if (wants('generate')) rows.push(...(await measureGenerate(context, file)));
  if (wants('first')) rows.push(...(await measureFirstPrompt(context, file)));
  return rows.map((row) => ({ ...row, name: `${preset} ${row.name}` }));
}

export async function run(context: BenchContext): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const preset of PRESETS) {
    const isSmall = SMALL[context.deviceClass].includes(preset);
    const wants: Wants = (part) => (isSmall || !context.wants(name)) && context.wants(`${name}:${preset}`, part);
    if (['load', 'decode', 'step', 'prefill', 'generate', 'first'].some(wants))
      rows.push(...(await measurePreset(context, preset, wants)));
  }
  return rows.map((row) => ({ ...row, shape: row.shape ?? TYPE }));
}
