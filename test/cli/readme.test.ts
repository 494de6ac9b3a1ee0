// The README's examples run as they stand, but for the names of files that they read or write.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTalker } from './talker.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'wavetile-readme-'));
const talker = join(folder, 'chat-model.gguf');
beforeAll(() => writeTalker(talker));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const examples = Array.from(
  readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```js\n([\s\S]*?)```/g),
  ([, code]) => code,
);

/** Runs the example, and what follows it, and returns what they print. */
async function run(example: number, then = ''): Promise<string> {
  const code = examples[example]
    .replace("'vectors.index'", JSON.stringify(join(folder, 'vectors.index')))
    .replace("'chat-model.gguf'", JSON.stringify(talker));
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code + then], {
    cwd: root,
    env: { ...process.env, WAVETILE_DEVICE: 'cpu', NO_COLOR: '1' },
  });
  return stdout;
}

describe("README.md's example", () => {
  it('at the top goes on with a text', async () => {
    expect(await run(0, 'model.dispose();')).toMatch(/^ \w+ \w+/);
  });

  it('of a language model goes on with a text and says how fast', async () => {
    expect(await run(1)).toMatch(/\n\d+ tokens, \d+ a second, ended by (length|stop)\n$/);
  });

  it('of a conversation appends the answer', async () => {
    const printed = JSON.parse(await run(2, 'console.log(JSON.stringify(messages)); model.dispose();'));
    expect(printed.map(({ role }: { role: string }) => role)).toEqual(['system', 'user', 'assistant']);
    expect(printed[2].content).not.toBe('');
  });

  it('of embeddings finds a text by its vector', async () => {
    expect(await run(3)).toMatch(/^She danced with a young officer\. 0\.\d+\n$/);
  });

  it('of vectors finds the queries themselves', async () => {
    const [device, exact] = (await run(4)).split(/Uint32Array\(15\) /);
    expect(device).toMatch(/^cpu /);
    expect(Number(/\[\s*(\d+)/.exec(exact)?.[1])).toBe(0);
  });
});

it('Every example of README.md is run here', () => expect(examples).toHaveLength(5));
