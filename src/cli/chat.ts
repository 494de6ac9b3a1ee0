// `wavetile chat`: a conversation with a model that has a chat template, or one answer.
import { createInterface, type Interface } from 'node:readline/promises';
import { Command } from 'commander';
import type { ChatMessage } from '../llm/chat-template.js';
import type { GenerateOptions } from '../llm/generate-options.js';
import type { Generation } from '../llm/generation.js';
import type { LanguageModel } from '../llm/language-model.js';
import { Interrupted } from './interrupt.js';
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
import { printGeneration, printStats, streamText, writeOut } from './stream-text.js';
import { paint, print } from './terminal.js';

interface ChatFlags extends ModelOptions, SamplingFlags {
  readonly system?: string;
  readonly message?: string;
}

/** The answer; where the conversation has outgrown the context, its oldest turns are forgotten first. */
function answer(model: LanguageModel, messages: ChatMessage[], options: GenerateOptions): Generation {
  const first = messages[0]?.role === 'system' ? 1 : 0;
  for (;;) {
    try {
      return model.chat(messages, options);
    } catch (error) {
      if (!(error instanceof RangeError) || messages.length - first < 3) throw error;
      messages.splice(first, 2);
    }
  }
}

/** Aborts what is being answered; at the prompt, ends the conversation. */
class Turn {
  #controller: AbortController | undefined;

  constructor(prompt: Interface) {
    prompt.on('SIGINT', () => (this.#controller ? this.#controller.abort(new Interrupted()) : prompt.close()));
  }

  async run(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#controller = new AbortController();
    await work(this.#controller.signal);
    this.#controller = undefined;
  }
}

async function converse(
  model: LanguageModel,
  messages: ChatMessage[],
  options: GenerateOptions & { signal: AbortSignal },
): Promise<void> {
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const turn = new Turn(prompt);
  print(paint('dim', `${model.info.name}: an empty line ends, Ctrl-C interrupts an answer.`));
  prompt.prompt();
  for await (const line of prompt) {
    if (line.trim() === '') break;
    messages.push({ role: 'user', content: line });
    await turn.run(async (interrupted) => {
      const signal = AbortSignal.any([interrupted, options.signal]);
      const streamed = await streamText(answer(model, messages, { ...options, signal }));
      await writeOut('\n');
      printStats(streamed);
      messages.push({ role: 'assistant', content: streamed.text });
    });
    prompt.prompt();
  }
  prompt.close();
}

async function chat(path: string, flags: ChatFlags): Promise<void> {
  await runWithModel(path, flags, async (model, signal) => {
    const messages: ChatMessage[] = flags.system === undefined ? [] : [{ role: 'system', content: flags.system }];
    const options = samplingOf(flags);
    // What a template or the options refuse is said before a message is asked for.
    model.chat([...messages, { role: 'user', content: 'Hello' }], options);
    const message = flags.message ?? (await readPiped());
    if (message === undefined) return converse(model, messages, { ...options, signal });
    if (message === '') throw new RangeError('there is no message: give one with --message, or pipe one in');
    messages.push({ role: 'user', content: message });
    await printGeneration(answer(model, messages, { ...options, signal }), flags);
  });
}

export function chatCommand(): Command {
  const command = new Command('chat')
    .description('talk with a model that was made for it')
    .argument('<model>', MODEL_HELP)
    .option('--system <text>', 'what the model is told before the conversation')
    .option('-m, --message <text>', 'answer this and end; default: what is piped in, else a conversation')
    .option('--json', 'print JSON at the end, for one answer');
  return withModelOptions(withSamplingOptions(command)).action(chat);
}
