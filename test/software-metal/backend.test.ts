// The Metal backend in trouble, on software Metal, which is told by its environment what goes wrong.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

  describe('keeps compiled pipelines in an archive', () => {
    const folder = join(cache, 'wavetile');
    const archives = () => readdirSync(folder).map((name) => join(folder, name));

    test('that the next process reads', async () => {
      await run('open');
      const [archive] = archives();
      const { mtimeMs } = statSync(archive);
      expect(await run('open')).toEqual({ said: [sum], liveObjects: 0 });
      expect(archives()).toEqual([archive]);
      expect(statSync(archive).mtimeMs).toBe(mtimeMs);
    });

    test.each([
      ['is damaged', (bytes: Buffer) => bytes.subarray(3)],
      ['is empty', () => Buffer.alloc(0)],
      ['is something else', () => Buffer.from('no archive\n')],
    ])('and replaces one that %s', async (_, damage) => {
      await run('open');
      const [archive] = archives();
      const bytes = readFileSync(archive);
      writeFileSync(archive, damage(bytes));
      expect(await run('open')).toEqual({ said: [sum], liveObjects: 0 });
      expect(archives()).toEqual([archive]);
      expect(readFileSync(archive)).toEqual(bytes);
    });
  });
});
