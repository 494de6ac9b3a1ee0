// `wavetile embed`: vectors of texts, as JSON lines or as a vector file.
import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { writeVectors } from '../vector/formats/index.js';
import { MODEL_HELP, type ModelOptions, runWithModel, withModelOptions } from './model-options.js';
import { parseInput, parseOutput } from './parse-path.js';
import { readPiped } from './read-stdin.js';
import { writeOut } from './stream-text.js';
import { formatCount, formatMillis, paint, withProgress } from './terminal.js';

interface EmbedFlags extends Omit<ModelOptions, 'json'> {
  readonly file?: string;
  readonly output?: string;
  readonly pooling?: 'mean' | 'last';
  readonly normalize: boolean;
  readonly truncate?: boolean;
}

const FLOAT_EXTENSIONS = ['.fvecs', '.npy'];

const linesOf = (text: string): string[] => text.split(/\r?\n/).filter((line) => line.trim() !== '');

async function textsOf(given: readonly string[], file: string | undefined): Promise<string[]> {
  if (given.length > 0 && file !== undefined) throw new RangeError('texts and --file do not go together');
  if (given.length > 0) return [...given];
  const texts = linesOf(file === undefined ? ((await readPiped()) ?? '') : await readFile(file, 'utf8'));
  if (texts.length === 0) throw new RangeError('there is no text: give some, name a --file, or pipe lines in');
  return texts;
}

async function printVectors(texts: readonly string[], vectors: Float32Array): Promise<void> {
  const dimensions = vectors.length / texts.length;
  for (const [i, text] of texts.entries()) {
    const vector = Array.from(vectors.subarray(i * dimensions, (i + 1) * dimensions));
    await writeOut(`${JSON.stringify({ text, vector })}\n`);
  }
}

async function embed(path: string, given: string[], flags: EmbedFlags): Promise<void> {
  await runWithModel(path, flags, async (model, signal) => {
    const texts = await textsOf(given, flags.file);
    const ids = texts.map((text) => model.tokenize(text));
    const { pooling, normalize, truncate = false } = flags;
    const begin = performance.now();
    const vectors = await withProgress('texts', (onProgress) =>
      model.embed(ids, {
        ...(pooling && { pooling }),
        normalize,
        truncate,
        signal,
        onProgress,
      }),
    );
    const elapsed = performance.now() - begin;
    const { dimensions } = model.info;
    if (flags.output === undefined) await printVectors(texts, vectors);
    else await writeVectors(flags.output, { dimensions, data: vectors });
    const tokens = ids.reduce((sum, { length }) => sum + length, 0);
    const size = `${formatCount(texts.length)} texts, ${formatCount(tokens)} tokens, ${dimensions} dimensions`;
    const line = `${size}, in ${formatMillis(elapsed)} (${formatCount((tokens * 1000) / elapsed)} tokens/s)`;
    process.stderr.write(`${paint('dim', line, process.stderr)}\n`);
  });
}

export function embedCommand(): Command {
  const command = new Command('embed')
    .description('make vectors of texts')
    .argument('<model>', MODEL_HELP)
    .argument('[texts...]', 'default: lines that are piped in')
    .option('-f, --file <file>', 'take the lines of a file', parseInput)
    .option(
      '-o, --output <file>',
      `write a vector file (${FLOAT_EXTENSIONS.join(', ')}) instead of JSON lines`,
      parseOutput(FLOAT_EXTENSIONS),
    )
    .addOption(new Option('--json', 'print JSON lines, as without --output').conflicts('output'))
    .addOption(
      new Option('--pooling <kind>', "how tokens become a text; default: the model's").choices(['mean', 'last']),
    )
    .option('--no-normalize', 'leave the vectors as long as they are')
    .option('--truncate', 'cut texts that are longer than the context');
  return withModelOptions(command).action(embed);
}
