// `npm start`: indexes the passages of a book, or of a text file or folder given, and answers questions from it.
import { basename } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { DEVICE_HELP, deviceLine, openDevice } from './open-device.js';
import { PassageIndex } from './passage-index.js';
import { longestSentence, type Passage, readPassages } from './passages.js';
import { runCommand } from './report-error.js';
import { formatBytes, formatCount, formatMillis, paint, print, printField, wrap } from './terminal.js';

const BOOK = fileURLToPath(new URL('../../books/war-and-peace.txt', import.meta.url));
const BOOK_QUESTIONS = [
  'What does Prince Andrew see when he lies wounded under the lofty sky?',
  'Who is the old oak that Prince Andrew sees in the forest?',
  'What is the comet of 1812?',
  'How does Platon Karataev talk?',
  'How did the Rostovs hunt the wolf?',
];
const ANSWERS = 2;

interface StartOptions {
  readonly device?: string;
  readonly question?: string[];
  readonly debug?: boolean;
}

function answer(passage: Passage, similarity: number): void {
  const place = [passage.heading, `${basename(passage.file)}:${passage.line}`].filter(Boolean).join(', ');
  print(`  ${paint('green', similarity.toFixed(3))}  ${paint('dim', place)}`);
  print(`${wrap(passage.text, '         ')}\n`);
}

async function ask(index: PassageIndex, question: string): Promise<void> {
  const begin = performance.now();
  const found = await index.ask(question, ANSWERS);
  const elapsed = performance.now() - begin;
  if (found.length === 0) print('  No passage shares a word with this question.\n');
  for (const { passage, similarity } of found) answer(passage, similarity);
  print(paint('dim', `  answered in ${formatMillis(elapsed)}\n`));
}

/** Two sentences of a text that nobody wrote questions for. */
function sampleQuestions(passages: readonly Passage[]): string[] {
  return [1 / 3, 2 / 3].map((share) => longestSentence(passages[Math.floor(passages.length * share)]).slice(0, 200));
}

async function askAtPrompt(index: PassageIndex): Promise<void> {
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  print(paint('dim', 'Ask about the text; an empty line ends.'));
  prompt.setPrompt('> ');
  prompt.prompt();
  for await (const line of prompt) {
    if (line.trim() === '') break;
    await ask(index, line.trim());
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
  const { passages, files, characters } = await readPassages(path ?? BOOK);
  const source = path ?? 'War and Peace (books/war-and-peace.txt)';
  const counts = `${formatCount(passages.length)} passages, ${formatCount(characters)} characters`;
  printField('text', `${source}: ${counts}${files > 1 ? `, ${files} files` : ''}`);
  using index = await PassageIndex.build(device, passages);
  printField(
    'vectors',
    `${index.dimensions} dimensions from words and the company they keep, made in ${formatMillis(index.embedMillis)}`,
  );
  await report(index);
  const questions = options.question ?? (path === undefined ? BOOK_QUESTIONS : sampleQuestions(passages));
  for (const question of questions) {
    print(paint('bold', question));
    await ask(index, question);
  }
  if (process.stdin.isTTY && process.stdout.isTTY && !options.question) await askAtPrompt(index);
}

await new Command('npm start --')
  .description('Index a book, or a text file or folder, and answer questions from it.')
  .argument('[path]', 'text file or folder; default: the book that comes with Wavetile')
  .option('-q, --question <text...>', 'ask this instead of the built-in questions, then end')
  .option('-d, --device <device>', DEVICE_HELP)
  .option('--debug', 'show the stack of an error')
  .action((path: string | undefined, options: StartOptions) => runCommand(() => start(path, options), options.debug))
  .parseAsync();
