// The Metal backend in trouble, on software Metal, which is told by its environment what goes wrong.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { softwareMetalEnvironment, whyNoSoftwareMetal } from '../../scripts/setup/software-metal.mjs';
import { end } from './run.js';

const reason = whyNoSoftwareMetal();
const child = join(import.meta.dirname, 'children/backend.mjs');
const cache = mkdtempSync(join(tmpdir(), 'software-metal-'));
afterAll(() => rmSync(cache, { recursive: true }));

interface Outcome {
  /** What the job printed: codes of errors and results. */
  readonly said: readonly unknown[];
  readonly liveObjects: number;
}

async function run(job: string, environment: Record<string, string> = {}): Promise<Outcome> {
  const { status, stdout, stderr } = await end(process.execPath, [child, 'metal', job], {
    ...softwareMetalEnvironment(),
    SOFTWARE_METAL_ZOMBIES: '1',
    SOFTWARE_METAL_REPORT: '1',
    XDG_CACHE_HOME: cache,
    ...environment,
  });
  const live = /^live objects: (\d+)$/m.exec(stderr);
  if (status !== 0 || !live) throw new Error(`${job} ended with ${status}: ${stdout}${stderr}`);
  return { said: JSON.parse(stdout), liveObjects: Number(live[1]) };
}

/** The run of that number, from 0 on, ends with this code of MTLCommandBufferError. The job's first two are its tensors. */
const failure = (code: number, number: number) => ({ SOFTWARE_METAL_FAIL: `${code}@${number}` });
const sum = 4096;

describe.skipIf(reason)(`the Metal backend${reason ? ` (skipped: ${reason})` : ''}`, () => {
  test('leaves no object of Metal alive', async () => {
    expect(await run('run')).toEqual({ said: [sum, sum, 'done'], liveObjects: 0 });
  });

  test('does more runs at once than Metal has command buffers, and times more commands', async () => {
    expect(await run('many')).toEqual({ said: [130, 70], liveObjects: 0 });
  });

  test.each([
    ['beyond the working set that Metal recommends', { SOFTWARE_METAL_MEMORY: `${64 << 20}` }],
    ['where Metal has no buffer to give', { SOFTWARE_METAL_MOST_BYTES: `${64 << 20}` }],
  ])('is out of memory %s, and works on', async (_, environment) => {
    expect(await run('memory', environment)).toEqual({ said: ['OUT_OF_MEMORY', 'done', sum], liveObjects: 0 });
  });

  test.each([
    ['that needs more memory than there is', 8, 'OUT_OF_MEMORY'],
    ['that Metal stopped for taking too long', 2, 'DEVICE_LOST'],
    ['with a page fault', 3, 'DEVICE_LOST'],
  ])('rejects a run %s, and does the next', async (_, code, expected) => {
    expect(await run('run', failure(code, 1))).toEqual({ said: [expected, sum, 'done'], liveObjects: 0 });
  });

  test.each([
    ['was taken from the process', 4],
    ['was removed', 11],
  ])('is lost for good when the device %s', async (_, code) => {
    const lost = 'DEVICE_LOST';
    expect(await run('run', failure(code, 1))).toEqual({ said: [lost, lost, lost], liveObjects: 0 });
  });

  test('says what the compiler said of a kernel', async () => {
    const environment = {
      SOFTWARE_METAL_COMPILER: `sh -c 'echo no such type >&2; false'`,
      SOFTWARE_METAL_CACHE: '',
      PRINT_MESSAGES: '1',
    };
    const { said } = await run('open', environment);
    expect(said).toEqual(['UNSUPPORTED', expect.stringContaining('does not compile: no such type')]);
  });

  test.each([
    ['on macOS 14, with what that has', { SOFTWARE_METAL_MACOS: '14.0' }],
    ["on a virtual machine's GPU", { SOFTWARE_METAL_NAME: 'Apple Paravirtual device', SOFTWARE_METAL_MACOS: '15.0' }],
  ])('works %s', async (_, environment) => {
    expect(await run('run', environment)).toEqual({ said: [sum, sum, 'done'], liveObjects: 0 });
  });

  test.each([
    ['Impacting Interactivity (0000000e:kIOGPUCommandBufferCallbackErrorImpactingInteractivity)', 1, /smaller batches/],
    ['Caused GPU Timeout Error', 2, /AGX_RELAX_CDM_CTXSTORE_TIMEOUT/],
    ['Ignored (for causing prior/excessive GPU errors)', 4, /refuses its work after an earlier failure: Ignored/],
  ])('explains "%s"', async (text, code, explained) => {
    const { said } = await run('run', { SOFTWARE_METAL_FAIL: `${code}@1 ${text}`, PRINT_MESSAGES: '1' });
    expect(said.slice(0, 2)).toEqual(['DEVICE_LOST', expect.stringMatching(explained)]);
    expect(said[1]).toContain(text);
  });

  test('writes what a run takes straight into memory that no other run uses', async () => {
    const newBlocks = 0;
    const said = [sum, 2 * sum, newBlocks, [3 * sum, 4 * sum, 5 * sum].join()];
    expect(await run('write')).toEqual({ said, liveObjects: 0 });
  });

  test('compiles the kernels of a program side by side', async () => {
    // Each compiler but that of the copies waits until there are two.
    const script = join(cache, 'compiler.sh');
    const begun = join(cache, 'begun');
    const { SOFTWARE_METAL_COMPILER: compiler } = softwareMetalEnvironment();
    const lines = [
      'for source; do case $source in *.metal) break;; esac; done',
      `if ! grep -q copy_words $source; then mkdir -p ${begun}/$$`,
      `while [ $(ls ${begun} | wc -l) -lt 2 ]; do sleep 0.01; done; fi`,
      `exec ${compiler} "$@"`,
    ];
    writeFileSync(script, lines.join('\n'));
    const environment = { SOFTWARE_METAL_COMPILER: `sh ${script}`, SOFTWARE_METAL_CACHE: '' };
    expect(await run('kernels', environment)).toEqual({ said: ['done'], liveObjects: 0 });
  });

  describe('keeps compiled pipelines in archives', () => {
    const folder = join(cache, 'wavetile/metal-pipelines/Software-Metal');
    const systems = () => readdirSync(folder);
    const archives = () => {
      const found = systems().flatMap((system) => readdirSync(join(folder, system)).map((name) => join(system, name)));
      return found.map((path) => join(folder, path)).sort();
    };
    const archiveOf = (kernel: string) => archives().find((path) => basename(path).startsWith(`${kernel}-`)) as string;

    test('that the next process reads', async () => {
      await run('open');
      const before = archives().map((path) => [path, statSync(path).mtimeMs]);
      expect(archiveOf('sum_blocks')).toBeDefined();
      expect(await run('open')).toEqual({ said: [sum], liveObjects: 0 });
      expect(archives().map((path) => [path, statSync(path).mtimeMs])).toEqual(before);
    });

    test.each([
      ['is damaged', (bytes: Buffer) => bytes.subarray(3)],
      ['is empty', () => Buffer.alloc(0)],
      ['is something else', () => Buffer.from('no archive\n')],
      ['has other kernels', () => readFileSync(archiveOf('copy_words'))],
    ])('and replaces one that %s', async (_, damage) => {
      await run('open');
      const before = archives();
      const archive = archiveOf('sum_blocks');
      const bytes = readFileSync(archive);
      writeFileSync(archive, damage(bytes));
      expect(await run('open')).toEqual({ said: [sum], liveObjects: 0 });
      expect(archives()).toEqual(before);
      expect(readFileSync(archive)).toEqual(bytes);
    });

    test('and keeps none of an earlier system', async () => {
      await run('open', { SOFTWARE_METAL_MACOS: '15.4' });
      expect(systems()).toEqual([expect.stringContaining('15-4')]);
      await run('open', { SOFTWARE_METAL_MACOS: '26.1' });
      expect(systems()).toEqual([expect.stringContaining('26-1')]);
    });

    test.each([
      ['before macOS 15.4', { SOFTWARE_METAL_MACOS: '15.3' }],
      ['with shader validation', { MTL_SHADER_VALIDATION: '1' }],
      ["on a virtual machine's GPU", { SOFTWARE_METAL_NAME: 'Apple Paravirtual device' }],
    ])('but not %s', async (_, environment) => {
      const none = join(cache, 'none');
      expect(await run('open', { ...environment, XDG_CACHE_HOME: none })).toEqual({ said: [sum], liveObjects: 0 });
      expect(existsSync(join(none, 'wavetile/metal-pipelines'))).toBe(false);
    });
  });
});
