// `npm start`: embeds and indexes the passages of a book, or of a text file or folder given, finds what comes nearest to
// questions, and lets a language model go on from there.
import { basename } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { LanguageModel } from '../llm/language-model.js';
import { DEVICE_HELP, deviceLine, openDevice } from './open-device.js';
import { parsePositive } from './parse-count.js';
import { type Answer, choosePassages, PassageIndex } from './passage-index.js';
import { beginningOf, longestSentence, type Passage, readPassages } from './passages.js';
import { runCommand } from './report-error.js';
import { streamText, writeOut } from './stream-text.js';
import {
  formatBytes,
  formatCount,
  formatMillis,
  formatNumber,
  paint,
  print,
  printField,
  WrappedStream,
  wrap,
} from './terminal.js';

const inRepository = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const BOOK = inRepository('books/war-and-peace.txt');
const WRITER = inRepository('models/demo-lm-7m-q4_0.gguf');
const EMBEDDER = inRepository('models/demo-embed-7m-q8_0.gguf');
/** Sentences, as the embedding model was trained with them; all of their scenes are near the beginning. */
const BOOK_QUESTIONS = [
  "Who came to Anna Pavlovna's reception?",
  'Dolokhov drinks a bottle of rum sitting on the window sill.',
  'Natasha dances with Pierre.',
  'The regiment marches past in review before the commander in chief.',
  'The hussars ride across the bridge under fire from the French guns.',
];
const ANSWERS = 2;
const INDENT = '         ';
const CONTINUATION = { maxTokens: 60, temperature: 0.7, seed: 1 };

interface StartOptions {
  readonly device?: string;
  readonly question?: string[];
  readonly passages?: number;
  readonly debug?: boolean;
}

interface Demonstration {
  readonly index: PassageIndex;
  readonly writer: LanguageModel;
}

function printAnswer({ passage, similarity }: Answer): void {
  const place = [passage.heading, `${basename(passage.file)}:${passage.line}`].filter(Boolean).join(', ');
  print(`  ${paint('green', similarity.toFixed(3))}  ${paint('dim', place)}`);
  print(`${wrap(passage.text, INDENT)}\n`);
}

/** The beginning of a passage, and how the model goes on from there. */
async function goOn(writer: LanguageModel, passage: Passage): Promise<void> {
  const beginning = beginningOf(passage);
  const wrapped = new WrappedStream(INDENT);
  print(
    `  ${paint('green', 'story')}  ${paint('dim', `${writer.info.name} goes on from the beginning of the first:`)}`,
  );
  await writeOut(paint('dim', wrapped.push(beginning)));
  const { summary } = await streamText(writer.generate(beginning, CONTINUATION), (text) =>
    writeOut(wrapped.push(text)),
  );
  await writeOut(wrapped.end());
  if (!summary) return;
  const { timing, usage } = summary;
  const rate = `${formatNumber(timing.tokensPerSecond)} tokens/s`;
  const first = `the first after ${formatMillis(timing.firstTokenMs)}`;
  print(paint('dim', `\n  ${usage.completionTokens} tokens at ${rate}, ${first}\n`));
}

async function ask({ index, writer }: Demonstration, question: string): Promise<void> {
  const begin = performance.now();
  const found = await index.ask(question, ANSWERS);
  const elapsed = performance.now() - begin;
  for (const answer of found) printAnswer(answer);
  print(paint('dim', `  found in ${formatMillis(elapsed)}\n`));
  if (found.length > 0) await goOn(writer, found[0].passage);
}

/** Two sentences of a text that nobody wrote questions for. */
function sampleQuestions(passages: readonly Passage[]): string[] {
  return [1 / 3, 2 / 3].map((share) => longestSentence(passages[Math.floor(passages.length * share)]).slice(0, 200));
}

async function askAtPrompt(demonstration: Demonstration): Promise<void> {
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  print(paint('dim', 'Ask about the text; an empty line ends.'));
  prompt.setPrompt('> ');
  prompt.prompt();
  for await (const line of prompt) {
    if (line.trim() === '') break;
    await ask(demonstration, line.trim());
    prompt.prompt();
  }
  prompt.close();
}

async function report(index: PassageIndex): Promise<void> {
  const built = `built in ${formatMillis(index.buildMillis)}`;
  const { ivfPq } = index;
  if (ivfPq) {
    printField('index', `IVF-PQ, ${ivfPq.lists} lists, ${ivfPq.codeBytes} bytes a passage, ${built}`);
    printField(
      'memory',
      `${formatBytes(ivfPq.bytes)} on the device; the exact index, ${formatBytes(index.exactBytes)}`,
    );
  } else {
    printField('index', `exact, as there are few passages, ${built}`);
    printField('memory', `${formatBytes(index.exactBytes)} on the device`);
  }
  const { queries, exactRate, approximate } = await index.measure();
  const what = `${formatCount(queries)} sentences of the text`;
  if (ivfPq && approximate) {
    const probes = `${ivfPq.probes} of ${ivfPq.lists} lists probed`;
    printField('recall@10', `${approximate.recall.toFixed(3)} of exact search (${what}, ${probes})`);
    printField('speed', `${formatCount(approximate.rate)} queries a second, exact search ${formatCount(exactRate)}\n`);
  } else printField('speed', `${formatCount(exactRate)} queries a second (${what} at once)\n`);
}

async function start(path: string | undefined, options: StartOptions): Promise<void> {
  using device = await openDevice(options.device);
  printField('device', deviceLine(device));
  using embedder = await LanguageModel.load(EMBEDDER, { device });
  using writer = await LanguageModel.load(WRITER, { device });
  const names = `${embedder.info.name} (${formatBytes(embedder.info.weightBytes)}) for search`;
  printField('models', `${names}, ${writer.info.name} (${formatBytes(writer.info.weightBytes)}) for text`);
  const { passages: all, files, characters } = await readPassages(path ?? BOOK);
  const source = path ?? 'War and Peace (books/war-and-peace.txt)';
  const counts = `${formatCount(all.length)} passages, ${formatCount(characters)} characters`;
  printField('text', `${source}: ${counts}${files > 1 ? `, ${files} files` : ''}`);
  const passages = choosePassages(embedder, all, options.passages);
  if (passages.length < all.length) {
    const why = options.passages === undefined ? ', to be quick on this device; more: --passages <count>' : '';
    printField('', `the first ${formatCount(passages.length)} of them${why}`);
  }
  using index = await PassageIndex.build(embedder, passages);
  const rate = `${formatCount((index.tokens * 1000) / index.embedMillis)} tokens/s`;
  const made = `made from ${formatCount(index.tokens)} tokens in ${formatMillis(index.embedMillis)} (${rate})`;
  printField('vectors', `${embedder.info.dimensions} dimensions, ${made}`);
  await report(index);
  const demonstration = { index, writer };
  const questions = options.question ?? (path === undefined ? BOOK_QUESTIONS : sampleQuestions(passages));
  for (const question of questions) {
    print(paint('bold', question));
    await ask(demonstration, question);
  }
  if (process.stdin.isTTY && process.stdout.isTTY && !options.question) await askAtPrompt(demonstration);
}

await new Command('npm start --')
  .description('Index a book, or a text file or folder, find the passages nearest to questions, and go on from them.')
  .argument('[path]', 'text file or folder; default: the book that comes with Wavetile')
  .option('-q, --question <text...>', 'ask this instead of the built-in questions, then end')
  .option('-p, --passages <count>', 'index the first so many; default: what the device does soon', parsePositive)
  .option('-d, --device <device>', DEVICE_HELP)
  .option('--debug', 'show the stack of an error')
  .action((path: string | undefined, options: StartOptions) => runCommand(() => start(path, options), options.debug))
  .parseAsync();
