// `wavetile chat` by child process: the demonstration model with a template put into its file.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runCli, WRITER } from './run-cli.js';

vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'wavetile-chat-'));
const talker = join(folder, 'talker.gguf');
/** Messages one after the other, with nothing between them. */
const TEMPLATE = '{{ bos_token }}{% for message in messages %}{{ message.content }}{% endfor %}';
const HEADER_BYTES = 24;
const ENTRIES_AT = 16;
const STRING = 8;

function string(text: string): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, Buffer.from(text)]);
}

/** The file with one more entry at the front; a comment fills it up so that tensors stay aligned. */
function withTemplate(file: Buffer): Buffer {
  const entry = (filling: string) => {
    const type = Buffer.alloc(4);
    type.writeUInt32LE(STRING);
    return Buffer.concat([string('tokenizer.chat_template'), type, string(`${TEMPLATE}{#${filling}#}`)]);
  };
  const header = Buffer.from(file.subarray(0, HEADER_BYTES));
  header.writeBigUInt64LE(header.readBigUInt64LE(ENTRIES_AT) + 1n, ENTRIES_AT);
  const filling = ' '.repeat(32 - (entry('').length % 32));
  return Buffer.concat([header, entry(filling), file.subarray(HEADER_BYTES)]);
}

beforeAll(() => writeFileSync(talker, withTemplate(readFileSync(WRITER))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const options = ['--temperature', '0', '-n', '12'];

describe('wavetile chat', () => {
  it("answers one message by the model's template", async () => {
    const { stdout } = await runCli('main', ['generate', WRITER, 'In the beginning', ...options]);
    const { code, ...answered } = await runCli('main', ['chat', talker, '-m', 'In the beginning', ...options]);
    expect(code).toBe(0);
    expect(answered.stdout).toBe(stdout);
    expect(answered.stderr).toMatch(/^4 prompt tokens, 12 tokens at /);
  });

  it('tells the model what --system says, and answers what is piped in', async () => {
    const whole = await runCli('main', ['chat', talker, '-m', 'In the beginning', ...options]);
    const parts = await runCli('main', ['chat', talker, '--system', 'In the ', ...options], { input: 'beginning\n' });
    expect(parts.stdout).toBe(whole.stdout);
  });

  it('prints JSON', async () => {
    const { stdout, stderr } = await runCli('main', ['chat', talker, '-m', 'In the beginning', ...options, '--json']);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ finishReason: 'length', usage: { completionTokens: 12 } });
  });

  it('fails for a model without a template, and without a message', async () => {
    const without = await runCli('main', ['chat', WRITER, '-m', 'Hello']);
    expect(without).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/no chat template\n {2}try: /),
    });
    const silent = await runCli('main', ['chat', talker]);
    expect(silent).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/there is no message/) });
  });
});
