// What the commands print with: colours only on a terminal, progress bars only on a terminal, numbers for people.
import { styleText } from 'node:util';
import cliProgress from 'cli-progress';
import type { Progress } from '../runtime/progress.js';

type Style = Parameters<typeof styleText>[0];

/** Colours `text` where `stream` is a terminal and NO_COLOR is not set. */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return stream.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb' ? styleText(style, text) : text;
}

export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** A row of a listing: a short name, then what it is. */
export function printField(name: string, value: string): void {
  print(`${paint('dim', name.padEnd(11))} ${value}`);
}

/** Runs `work` under a progress bar on standard error, where that is a terminal; it is taken away whatever happens. */
export async function withProgress<T>(
  name: string,
  work: (onProgress: (progress: Progress) => void) => Promise<T>,
): Promise<T> {
  const format = `${name.padEnd(11)} {bar} {percentage}%`;
  const bar = new cliProgress.SingleBar(
    { format, stream: process.stderr, clearOnComplete: true, hideCursor: null, barsize: 32 },
    cliProgress.Presets.shades_classic,
  );
  bar.start(1, 0);
  try {
    return await work(({ done, total }) => bar.update(done / total));
  } finally {
    bar.stop();
  }
}

export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Three significant digits, never in exponential form. */
export function formatNumber(value: number): string {
  if (value >= 1000) return formatCount(value);
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(Math.floor(Math.log2(bytes) / 10), units.length);
  return `${formatNumber(bytes / 1024 ** step)} ${units[step - 1]}`;
}

export function formatMillis(millis: number): string {
  return millis < 1000 ? `${formatNumber(millis)} ms` : `${formatNumber(millis / 1000)} s`;
}

/** Breaks `text` into lines of at most `width` characters, each after `indent`. */
export function wrap(text: string, indent: string, width = 100): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width - indent.length) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each) => indent + each).join('\n');
}

/** Breaks text that comes in pieces into lines, word by word, as `wrap` does; the text's own line ends stay. */
export class WrappedStream {
  readonly #indent: string;
  readonly #width: number;
  #word = '';
  #column = 0;

  constructor(indent: string, width = 100) {
    this.#indent = indent;
    this.#width = width;
  }

  /** What can be printed by now; a word is held back until it is whole. */
  push(text: string): string {
    let ready = '';
    for (const character of text) {
      if (!/\s/.test(character)) this.#word += character;
      else {
        ready += this.#flush();
        if (character === '\n' && this.#column > 0) {
          ready += '\n';
          this.#column = 0;
        }
      }
    }
    return ready;
  }

  end(): string {
    const ready = this.#flush();
    if (this.#column === 0) return ready;
    this.#column = 0;
    return `${ready}\n`;
  }

  #flush(): string {
    const word = this.#word;
    if (word === '') return '';
    this.#word = '';
    const fits = this.#column > 0 && this.#column + 1 + word.length <= this.#width;
    const before = fits ? ' ' : `${this.#column > 0 ? '\n' : ''}${this.#indent}`;
    this.#column = (fits ? this.#column + 1 : this.#indent.length) + word.length;
    return before + word;
  }
}

/** Columns padded to their widest cell. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]))).join('  '),
    )
    .join('\n');
}
