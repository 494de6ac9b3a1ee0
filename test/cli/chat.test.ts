// `wavetile chat` by child process, with a model that has a template.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli, WRITER } from './run-cli.js';
import { writeTalker } from './talker.js';

const folder = mkdtempSync(join(tmpdir(), 'wavetile-chat-'));
const talker = join(folder, 'talker.gguf');

beforeAll(() => writeTalker(talker));
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

  it('fails for a model without a template before it asks for a message, and without a message', async () => {
    const without = await runCli('main', ['chat', WRITER, '-m', 'Hello']);
    expect(without).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/no chat template\n {2}try: /),
    });
    const unasked = await runCli('main', ['chat', WRITER]);
    expect(unasked.stderr).toBe(without.stderr);
    const silent = await runCli('main', ['chat', talker]);
    expect(silent).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/there is no message/) });
  });
});
