// Chat templates: what the model of a file was trained on comes out, and failures can be read.
import { describe, expect, test } from 'vitest';
import { readGguf } from '../../src/formats/gguf.js';
import { ChatTemplate } from '../../src/llm/chat-template.js';
import { ComputeError } from '../../src/runtime/errors.js';
import { skipped } from '../support/skipped.js';
import { DATA_MISSING, shared, vocabulary } from './tokenizer-data.js';

const CHAT_ML =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
const conversation = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hello' },
];

function thrown(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('ChatTemplate', () => {
  test('ends with the beginning of an answer unless told', () => {
    const template = ChatTemplate.from(CHAT_ML);
    const text = '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n';
    expect(template.render(conversation, { addGenerationPrompt: false })).toBe(text);
    expect(template.render(conversation)).toBe(`${text}<|im_start|>assistant\n`);
  });

  test('gets tokens, tools and variables', () => {
    const template = ChatTemplate.from(
      '{{ bos_token }}{% if tools %}{{ tools | length }}{% endif %}{% if thinking is defined %}T{% endif %}{{ eos_token }}',
      { bosToken: '<s>', eosToken: '</s>' },
    );
    expect(template.render(conversation)).toBe('<s></s>');
    expect(template.render(conversation, { tools: [{ type: 'function' }], variables: { thinking: true } })).toBe(
      '<s>1T</s>',
    );
  });

  test('is the default one of several', () => {
    const sources = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template: 'plain' },
    ];
    expect(ChatTemplate.from(sources).render(conversation)).toBe('plain');
  });

  test('that is missing is an error with a way out', () => {
    for (const source of [undefined, '', []]) {
      const error = thrown(() => ChatTemplate.from(source)) as ComputeError;
      expect(error).toBeInstanceOf(ComputeError);
      expect(error.code).toBe('UNSUPPORTED');
      expect(error.suggestion).toMatch(/complete a text/);
    }
  });

  test('that cannot be read, or fails, is unsupported', () => {
    const unread = thrown(() => ChatTemplate.from('{% for %}')) as ComputeError;
    expect(unread.code).toBe('UNSUPPORTED');
    expect(unread.message).toMatch(/chat template cannot be read/);
    const failed = thrown(() => ChatTemplate.from('{{ nothing(1) }}').render(conversation)) as ComputeError;
    expect(failed.code).toBe('UNSUPPORTED');
    expect(failed.message).toMatch(/chat template fails/);
  });

  test('that refuses the messages says why', () => {
    const template = ChatTemplate.from(
      "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}",
    );
    const refused = thrown(() => template.render(conversation)) as Error;
    expect(refused).toBeInstanceOf(TypeError);
    expect(refused.message).toBe(
      "chatTemplate.render: the model's template refuses the messages: System role not supported",
    );
  });

  test('misuse names the argument', () => {
    const template = ChatTemplate.from(CHAT_ML);
    expect(() => template.render('Hello' as never)).toThrow(/messages must be an array/);
    expect(() => template.render([{ content: 'x' }] as never)).toThrow(/messages\[0\].role/);
    expect(() => template.render([{ role: 'user' }] as never)).toThrow(/messages\[0\] has no content/);
    expect(() => template.render(conversation, { addGenerationPromt: true } as never)).toThrow(
      /did you mean 'addGenerationPrompt'/,
    );
  });

  test.skipIf(DATA_MISSING)(`the template of a file, and its text as tokens${skipped(DATA_MISSING)}`, async () => {
    const path = 'data/tokenizers/ggml-vocab-phi-3.gguf';
    const { metadata } = await readGguf(`${shared}${path}`);
    const template = ChatTemplate.from(metadata.string('tokenizer.chat_template'), { bosToken: '<s>' });
    const text = template.render([{ role: 'user', content: 'Hello <|end|>' }]);
    expect(text).toBe('<s><|user|>\nHello <|end|><|end|>\n<|assistant|>\n');
    const tokenizer = await vocabulary('phi-3');
    const ids = [...tokenizer.encode(text, { addSpecial: false, special: true })];
    expect(ids.slice(0, 2)).toEqual([1, 32010]);
    expect(ids.filter((id) => id === 32007)).toHaveLength(2);
  });
});
