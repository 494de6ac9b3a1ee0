// A generation as it is printed: its text on standard output as it comes, its speed on standard error at the end.
import { once } from 'node:events';
import type { Generation, GenerationSummary } from '../llm/generation.js';
import { INTERRUPTED, Interrupted } from './interrupt.js';
import { formatCount, formatMillis, formatNumber, paint } from './terminal.js';

/** What was written; `summary` is undefined where the generation was interrupted. */
export interface Streamed {
  readonly text: string;
  readonly ids: readonly number[];
  readonly summary: GenerationSummary | undefined;
}

export type Write = (text: string) => Promise<void>;

export const writeOut: Write = async (text) => {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
};

/** Passes the text on as it comes. An interruption ends it and keeps what there is. */
export async function streamText(generation: Generation, write: Write = writeOut): Promise<Streamed> {
  let text = '';
  const ids: number[] = [];
  try {
    for await (const chunk of generation) {
      text += chunk.text;
      ids.push(...chunk.ids);
      if (chunk.text !== '') await write(chunk.text);
    }
  } catch (error) {
    if (error instanceof Interrupted) return { text, ids, summary: undefined };
    throw error;
  }
  return { text, ids, summary: await generation.summary() };
}

const ENDS = { stop: '', length: ', cut at --max-tokens', context: ', the context is full', cancelled: ', stopped' };

/** One line: lengths, speeds, and why it ended where that is not plain. */
export function statsLine({ usage, timing, finishReason }: GenerationSummary): string {
  const { promptTokens, cachedTokens, completionTokens } = usage;
  const cached = cachedTokens > 0 ? ` (${formatCount(cachedTokens)} cached)` : '';
  const rate = timing.tokensPerSecond > 0 ? ` at ${formatNumber(timing.tokensPerSecond)} tokens/s` : '';
  const tokens = `${formatCount(promptTokens)} prompt tokens${cached}, ${formatCount(completionTokens)} tokens${rate}`;
  return `${tokens}, the first after ${formatMillis(timing.firstTokenMs)}${ENDS[finishReason]}`;
}

export function printStats({ ids, summary }: Streamed): void {
  const line = summary ? statsLine(summary) : `interrupted after ${formatCount(ids.length)} tokens`;
  process.stderr.write(`${paint('dim', line, process.stderr)}\n`);
}

/** For `--json`. */
export function jsonOf({ text, ids, summary }: Streamed): string {
  const { finishReason = 'interrupted', usage, timing } = summary ?? {};
  return JSON.stringify({ text, ids: summary?.ids ?? ids, finishReason, usage, timing });
}

/** Prints a generation as the options say and sets the exit code. */
export async function printGeneration(generation: Generation, { json }: { json?: boolean }): Promise<Streamed> {
  const streamed = await streamText(generation, json ? async () => undefined : writeOut);
  if (json) await writeOut(`${jsonOf(streamed)}\n`);
  else {
    await writeOut('\n');
    printStats(streamed);
  }
  if (!streamed.summary) process.exitCode = INTERRUPTED;
  return streamed;
}
