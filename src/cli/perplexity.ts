// `wavetile perplexity`: how well a model foresees a text.
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { MODEL_HELP, type ModelOptions, runWithModel, withModelOptions } from './model-options.js';
import { parsePositive } from './parse-count.js';
import { parseInput } from './parse-path.js';
import { formatCount, formatMillis, paint, print, withProgress } from './terminal.js';

interface PerplexityFlags extends ModelOptions {
  readonly window?: number;
}

async function perplexity(path: string, file: string, flags: PerplexityFlags): Promise<void> {
  await runWithModel(path, flags, async (model, signal) => {
    const ids = model.tokenize(await readFile(file, 'utf8'));
    const { window = Math.min(512, model.info.context) } = flags;
    const begin = performance.now();
    const result = await withProgress('tokens', (onProgress) => model.perplexity(ids, { window, signal, onProgress }));
    const elapsed = performance.now() - begin;
    const tokensPerSecond = (result.tokens * 1000) / elapsed;
    if (flags.json) return print(JSON.stringify({ ...result, window, tokensPerSecond }));
    print(`perplexity ${result.perplexity.toFixed(3)} (${result.loss.toFixed(4)} nats a token)`);
    const tokens = `${formatCount(result.tokens)} tokens in windows of ${formatCount(window)}`;
    const line = `${tokens}, in ${formatMillis(elapsed)} (${formatCount(tokensPerSecond)} tokens/s)`;
    process.stderr.write(`${paint('dim', line, process.stderr)}\n`);
  });
}

export function perplexityCommand(): Command {
  const command = new Command('perplexity')
    .description('measure how well a model foresees a text')
    .argument('<model>', MODEL_HELP)
    .argument('<file>', 'text file', parseInput)
    .option('-w, --window <tokens>', 'tokens that are read together; default: 512, or the context', parsePositive)
    .option('--json', 'print JSON');
  return withModelOptions(command).action(perplexity);
}
