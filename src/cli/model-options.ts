// What the commands for language models have in common: their options, and loading under a progress bar.
import { type Command, Option } from 'commander';
import type { GenerateOptions } from '../llm/generate-options.js';
import { LanguageModel } from '../llm/language-model.js';
import type { ModelLoadOptions } from '../llm/load-model.js';
import type { Device } from '../runtime/device.js';
import { INTERRUPTED, Interrupted, interruptible } from './interrupt.js';
import { DEVICE_HELP, openDevice } from './open-device.js';
import { parseCount, parseNumber, parsePositive } from './parse-count.js';
import { runCommand } from './report-error.js';
import { withProgress } from './terminal.js';

export interface ModelOptions {
  readonly device?: string;
  readonly context?: number;
  readonly quantize?: ModelLoadOptions['quantize'];
  readonly json?: boolean;
  readonly debug?: boolean;
}

/** As commander names them. */
export interface SamplingFlags {
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly seed?: number;
  readonly stop?: string[];
}

export const MODEL_HELP = 'GGUF file, or folder with a Hugging Face model';

export function withModelOptions(command: Command): Command {
  return command
    .option('-c, --context <tokens>', "tokens of a text at most; default: the model's, 4096 at most", parsePositive)
    .addOption(
      new Option('--quantize <kind>', 'what plain numbers of the file become').choices(['none', 'int8', 'int4']),
    )
    .option('-d, --device <device>', DEVICE_HELP)
    .option('--debug', 'show the stack of an error');
}

export function withSamplingOptions(command: Command): Command {
  return command
    .option('-n, --max-tokens <count>', 'tokens at most; default: 256', parsePositive)
    .option('-t, --temperature <number>', '0 takes the most probable token; default: 0.8', parseNumber)
    .option('--top-k <count>', 'only the k most probable tokens, 0: all; default: 40', parseCount)
    .option('--top-p <share>', 'only the best with this probability together; default: 0.95', parseNumber)
    .option('--min-p <share>', "only those with this share of the best one's probability; default: 0.05", parseNumber)
    .option('--repetition-penalty <factor>', 'against what the text has already; default: 1, none', parseNumber)
    .option('-s, --seed <number>', 'the same seed gives the same text; default: another each time', parseCount)
    .option('--stop <text...>', 'end before any of these');
}

/** Only what was given: the rest is the model's to choose. */
export function samplingOf(flags: SamplingFlags): GenerateOptions {
  const { maxTokens, temperature, topK, topP, minP, repetitionPenalty, seed, stop } = flags;
  const given = Object.entries({ maxTokens, temperature, topK, topP, minP, repetitionPenalty, seed, stop });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

export function loadModel(path: string, options: ModelOptions, device: Device, signal: AbortSignal) {
  const { context, quantize } = options;
  return withProgress('model', (onProgress) =>
    LanguageModel.load(path, {
      device,
      ...(context !== undefined && { context }),
      ...(quantize !== undefined && { quantize }),
      signal,
      onProgress,
    }),
  );
}

/** Opens the device, loads the model and runs `work`. Ctrl-C aborts either. */
export function runWithModel(
  path: string,
  options: ModelOptions,
  work: (model: LanguageModel, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const run = async (signal: AbortSignal) => {
    using device = await openDevice(options.device);
    using model = await loadModel(path, options, device, signal);
    await work(model, signal);
  };
  return runCommand(async () => {
    try {
      await interruptible(run);
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      process.exitCode = INTERRUPTED;
    }
  }, options.debug);
}
