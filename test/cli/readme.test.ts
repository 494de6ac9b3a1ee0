// The README's example runs as it stands.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const root = fileURLToPath(new URL('../..', import.meta.url));

it('runs the example of README.md', async () => {
  const example = /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1] as string;
  const folder = mkdtempSync(join(tmpdir(), 'wavetile-readme-'));
  const code = example.replace("'vectors.index'", JSON.stringify(join(folder, 'vectors.index')));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
      cwd: root,
      env: { ...process.env, WAVETILE_DEVICE: 'cpu', NO_COLOR: '1' },
    });
    const [device, exact] = stdout.split(/Uint32Array\(15\) /);
    expect(device).toMatch(/^cpu /);
    expect(Number(/\[\s*(\d+)/.exec(exact)?.[1])).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
