// Text files as passages: paragraphs that remember where they stand, short ones joined to the next.
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';

/** A piece of text and its place. */
export interface Passage {
  readonly text: string;
  readonly file: string;
  /** Line of the file that the passage begins on, from 1. */
  readonly line: number;
  /** Headings above it, such as 'BOOK TWO: 1805, CHAPTER I'. */
  readonly heading: string;
}

const TEXT_EXTENSIONS = ['.txt', '.md', '.markdown', '.rst', '.text', '.adoc', '.org'];
const MAX_FILE_BYTES = 256 << 20;
/** Below this a paragraph says too little to be found. */
const MIN_CHARACTERS = 80;
/** Nearly always within the tokens that the embedding model reads. */
const MAX_CHARACTERS = 700;
const MAJOR = /^(?:(?:BOOK|PART|VOLUME|ACT)\b.{0,60}|(?:FIRST|SECOND) EPILOGUE.{0,40}|# .{1,80})$/;
const MINOR = /^(?:(?:CHAPTER|SCENE)\b.{0,60}|#{2,6} .{1,80})$/;

interface Paragraph {
  readonly lines: string[];
  readonly line: number;
}

function* paragraphsOf(text: string): Generator<Paragraph> {
  let lines: string[] = [];
  let first = 1;
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '') {
      if (lines.length > 0) yield { lines, line: first };
      lines = [];
      continue;
    }
    if (lines.length === 0) first = i + 1;
    lines.push(line);
  }
  if (lines.length > 0) yield { lines, line: first };
}

/** Cuts a long paragraph after the sentences that end nearest to the limit. */
function splitLong(text: string): string[] {
  if (text.length <= MAX_CHARACTERS) return [text];
  const parts: string[] = [];
  let part = '';
  for (const sentence of sentencesOf(text)) {
    if (part !== '' && part.length + sentence.length > MAX_CHARACTERS) {
      parts.push(part.trim());
      part = '';
    }
    part += `${sentence} `;
  }
  return [...parts, part.trim()];
}

/** The sentences of a passage, in order. */
export function sentencesOf(text: string): string[] {
  return text.split(/(?<=[.!?]["')\]]?)\s+(?=["'([]?\p{Lu})/u);
}

export function longestSentence({ text }: Passage): string {
  return sentencesOf(text).reduce((a, b) => (b.length > a.length ? b : a));
}

/** Some words to go on from: up to so many characters, and at most half of the passage. */
export function beginningOf({ text }: Passage, characters = 160): string {
  const words = text.slice(0, Math.min(characters, Math.ceil(text.length / 2))).split(' ');
  return words.length > 1 ? words.slice(0, -1).join(' ') : text;
}

/** The passages of one text, in order. */
export function passagesOf(text: string, file: string): Passage[] {
  const passages: Passage[] = [];
  let major = '';
  let minor = '';
  let pending: { text: string; line: number } | undefined;
  const flush = () => {
    if (!pending) return;
    const { line } = pending;
    const heading = [major, minor].filter(Boolean).join(', ');
    for (const part of splitLong(pending.text)) passages.push({ text: part, file, line, heading });
    pending = undefined;
  };
  for (const { lines, line } of paragraphsOf(text)) {
    const joined = lines.join(' ');
    if (lines.length === 1 && (MAJOR.test(joined) || MINOR.test(joined))) {
      flush();
      if (MAJOR.test(joined)) [major, minor] = [joined.replace(/^#+ /, ''), ''];
      else minor = joined.replace(/^#+ /, '');
      continue;
    }
    pending = pending ? { text: `${pending.text} ${joined}`, line: pending.line } : { text: joined, line };
    if (pending.text.length >= MIN_CHARACTERS) flush();
  }
  flush();
  return passages;
}

async function readText(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > MAX_FILE_BYTES)
    throw new RangeError(`${path} has ${size} bytes, at most ${MAX_FILE_BYTES} can be indexed`);
  const text = await readFile(path, 'utf8');
  if (text.includes('\0')) throw new RangeError(`${path} is not a text file: it holds zero bytes`);
  return text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
}

async function textFilesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && TEXT_EXTENSIONS.includes(extname(entry.name).toLowerCase()))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => !/(^|[\\/])(\.[^\\/.]|node_modules[\\/])/.test(relative(folder, path)))
    .sort();
}

/** Reads a text file, or all text files of a folder, and cuts them into passages. */
export async function readPassages(path: string): Promise<{ passages: Passage[]; files: number; characters: number }> {
  const folder = (await stat(path)).isDirectory();
  const files = folder ? await textFilesOf(path) : [path];
  const passages: Passage[] = [];
  let characters = 0;
  for (const file of files) {
    const text = await readText(file);
    characters += text.length;
    for (const passage of passagesOf(text, folder ? relative(path, file) : file)) passages.push(passage);
  }
  if (passages.length === 0)
    throw new RangeError(`${path} holds no text${folder ? ` (looked for ${TEXT_EXTENSIONS.join(', ')})` : ''}`);
  return { passages, files: files.length, characters };
}
