// Conversations as the text that a model was trained on: the template of its file, in Jinja.
import { Template } from '@huggingface/jinja';
import { checkToken, TOKEN, type Token } from '../runtime/construction.js';
import { ComputeError } from '../runtime/errors.js';
import { checkBoolean, checkObject, checkOptions, describe } from '../runtime/validate.js';

export interface ChatMessage {
  role: string;
  content: unknown;
  [key: string]: unknown;
}

export interface ChatTemplateTokens {
  bosToken?: string | undefined;
  eosToken?: string | undefined;
}

export interface RenderOptions {
  /** Ends with the beginning of the assistant's answer; true unless told. */
  addGenerationPrompt?: boolean | undefined;
  /** Functions that the model may call, as JSON schemas. */
  tools?: readonly unknown[] | undefined;
  /** Further variables of the template, such as `enable_thinking`. */
  variables?: Readonly<Record<string, unknown>> | undefined;
}

/** One template, or several with names; `default` is then the one for conversations. */
export type ChatTemplateSource = string | readonly { readonly name: string; readonly template: string }[];

/** Stands for `raise_exception`, whose errors the library does not tell from its own. */
const REFUSE = 'refuse_messages';

class Refused extends Error {}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/**
 * A model's chat template.
 *
 * @example
 * const source = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}";
 * const template = ChatTemplate.from(source, { bosToken: '<s>', eosToken: '</s>' });
 * const prompt = template.render([{ role: 'user', content: 'Who was Prince Andrew?' }]);
 */
export class ChatTemplate {
  readonly source: string;
  readonly #template: Template;
  readonly #tokens: ChatTemplateTokens;

  private constructor(token: Token, source: string, template: Template, tokens: ChatTemplateTokens) {
    checkToken(token, 'ChatTemplate', 'ChatTemplate.from');
    this.source = source;
    this.#template = template;
    this.#tokens = tokens;
  }

  /** @throws ComputeError `UNSUPPORTED` where there is no template or it cannot be understood. */
  static from(source: ChatTemplateSource | undefined, tokens: ChatTemplateTokens = {}): ChatTemplate {
    checkOptions('ChatTemplate.from', tokens, ['bosToken', 'eosToken']);
    const text = typeof source === 'string' || !source ? source : pick(source);
    if (!text) {
      throw new ComputeError('UNSUPPORTED', 'the model has no chat template', {
        suggestion: 'complete a text instead of a conversation, or use a model that was trained for chat',
      });
    }
    try {
      return new ChatTemplate(TOKEN, text, new Template(text.replace(/\braise_exception\b/g, REFUSE)), tokens);
    } catch (cause) {
      throw new ComputeError('UNSUPPORTED', `the model's chat template cannot be read: ${messageOf(cause)}`, { cause });
    }
  }

  /**
   * The conversation as text; control tokens are spelled out in it.
   *
   * @throws TypeError where the template refuses the messages; ComputeError `UNSUPPORTED` where it fails otherwise.
   */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    const where = 'chatTemplate.render';
    checkMessages(where, messages);
    checkOptions(where, options, ['addGenerationPrompt', 'tools', 'variables']);
    const addGenerationPrompt = checkBoolean(where, 'addGenerationPrompt', options.addGenerationPrompt ?? true);
    if (options.variables !== undefined) checkObject(where, 'variables', options.variables);
    if (options.tools !== undefined && !Array.isArray(options.tools))
      throw new TypeError(`${where}: tools must be an array, got ${describe(options.tools)}`);
    try {
      return this.#template.render({
        ...options.variables,
        messages,
        add_generation_prompt: addGenerationPrompt,
        bos_token: this.#tokens.bosToken ?? '',
        eos_token: this.#tokens.eosToken ?? '',
        ...(options.tools ? { tools: options.tools } : {}),
        [REFUSE]: refuse,
      });
    } catch (cause) {
      if (cause instanceof Refused)
        throw new TypeError(`${where}: the model's template refuses the messages: ${cause.message}`);
      throw new ComputeError('UNSUPPORTED', `${where}: the model's chat template fails: ${messageOf(cause)}`, {
        cause,
      });
    }
  }
}

function refuse(message: unknown): never {
  throw new Refused(String(message));
}

function pick(sources: readonly { readonly name: string; readonly template: string }[]): string | undefined {
  return (sources.find(({ name }) => name === 'default') ?? sources[0])?.template;
}

function checkMessages(where: string, messages: unknown): void {
  if (!Array.isArray(messages)) throw new TypeError(`${where}: messages must be an array, got ${describe(messages)}`);
  messages.forEach((message: unknown, index) => {
    const name = `messages[${index}]`;
    if (typeof message !== 'object' || message === null)
      throw new TypeError(`${where}: ${name} must be an object of role and content, got ${describe(message)}`);
    const { role } = message as ChatMessage;
    if (typeof role !== 'string' || role === '')
      throw new TypeError(`${where}: ${name}.role must be a non-empty string, got ${describe(role)}`);
    if (!('content' in message)) throw new TypeError(`${where}: ${name} has no content`);
  });
}
