// `wavetile doctor` and `wavetile bench` by child process.
import { describe, expect, it } from 'vitest';
import { runCli } from './run-cli.js';

describe('wavetile doctor', () => {
  it('lists the CPU device and finds that it computes', async () => {
    const { code, stdout } = await runCli('main', ['doctor']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^cpu /m);
    expect(stdout).toMatch(/state +opens and computes/);
    expect(stdout).not.toContain('\u001b');
  });

  it('prints JSON', async () => {
    const { devices, diagnostics } = JSON.parse((await runCli('main', ['doctor', '--json'])).stdout);
    expect(devices.find(({ info }: { info: { backend: string } }) => info.backend === 'cpu')).toMatchObject({
      works: true,
    });
    expect(Array.isArray(diagnostics)).toBe(true);
  });
});

describe('wavetile bench', () => {
  it('measures copies, k-means, exact search and IVF-PQ search', async () => {
    const { code, stdout, stderr } = await runCli('main', [
      'bench',
      '--rows',
      '3000',
      '--dimensions',
      '32',
      '--queries',
      '64',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^copy of .*GB\/s/m);
    expect(stdout).toMatch(/^k-means, 375 clusters .*GFLOP\/s/m);
    expect(stdout).toMatch(/^exact search, 1 query/m);
    expect(stdout).toMatch(/^IVF64,PQ16 search, 32 probes .*recall@10 0\.\d/m);
  });
});

describe('wavetile', () => {
  it('prints its version, its commands, and what --device takes', async () => {
    expect((await runCli('main', ['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const { stdout } = await runCli('main', ['--help']);
    for (const command of ['generate', 'chat', 'embed', 'perplexity', 'search', 'bench', 'doctor'])
      expect(stdout).toContain(command);
    expect((await runCli('main', ['bench', '--help'])).stdout).toMatch(/--device <device> +cpu, vulkan, metal, or/);
  });
});
