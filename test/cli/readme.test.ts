// The README's examples run as they stand.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'wavetile-readme-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const examples = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map(
  ([, code]) => code,
);

async function run(marker: string): Promise<string> {
  const code = examples
    .find((example) => example.includes(marker))
    ?.replace("'vectors.index'", JSON.stringify(join(folder, 'vectors.index'))) as string;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
    cwd: root,
    env: { ...process.env, WAVETILE_DEVICE: 'cpu', NO_COLOR: '1' },
  });
  return stdout;
}

describe('examples of README.md', () => {
  it('go on with a text', async () => {
    expect(await run('story.summary()')).toMatch(/\n\d+ tokens, \d+ a second, ended by (length|stop)\n$/);
  });

  it('find a text by its vector', async () => {
    expect(await run('embedTensor')).toMatch(/^She danced with a young officer\. 0\.\d+\n$/);
  });

  it('find vectors', async () => {
    const [device, exact] = (await run('IvfPqIndex.train')).split(/Uint32Array\(15\) /);
    expect(device).toMatch(/^cpu /);
    expect(Number(/\[\s*(\d+)/.exec(exact)?.[1])).toBe(0);
  });

  it('are all but one run here: that one is for a larger model', () => expect(examples).toHaveLength(4));
});
