// `wavetile generate`: goes on with a text.
import { Command } from 'commander';
import {
  MODEL_HELP,
  type ModelOptions,
  runWithModel,
  type SamplingFlags,
  samplingOf,
  withModelOptions,
  withSamplingOptions,
} from './model-options.js';
import { readPiped } from './read-stdin.js';
import { printGeneration, writeOut } from './stream-text.js';
import { paint } from './terminal.js';

async function promptOf(given: string | undefined): Promise<string> {
  const prompt = given ?? (await readPiped());
  if (prompt === undefined || prompt === '') throw new RangeError('there is no prompt: give one, or pipe a text in');
  return prompt;
}

async function generate(path: string, given: string | undefined, options: ModelOptions & SamplingFlags): Promise<void> {
  await runWithModel(path, options, async (model, signal) => {
    const prompt = await promptOf(given);
    const generation = model.generate(prompt, { ...samplingOf(options), signal });
    // At a terminal the text reads on from its beginning; a pipe gets what is new.
    if (process.stdout.isTTY && !options.json) await writeOut(paint('dim', prompt));
    await printGeneration(generation, options);
  });
}

export function generateCommand(): Command {
  const command = new Command('generate')
    .description('go on with a text')
    .argument('<model>', MODEL_HELP)
    .argument('[prompt]', 'beginning of the text; default: what is piped in')
    .option('--json', 'print JSON at the end');
  return withModelOptions(withSamplingOptions(command)).action(generate);
}
