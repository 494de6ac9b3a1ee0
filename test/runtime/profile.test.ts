// device.profile writes a trace with one event for each command.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeDevices } from '../support/devices.js';

interface TraceEvent {
  name: string;
  ph: string;
  ts: number;
  dur: number;
  args: { grid?: string; bytes?: number; name?: string };
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wavetile-profile-'));
});
afterAll(() => rm(folder, { recursive: true }));

describeDevices('a profile', (device, { backend }) => {
  test('has an event for each command that ran during the work', async () => {
    using values = device().tensor('f32', [8192]);
    using sums = device().tensor('f32', [2]);
    using program = await device().record((recorder) => {
      const params = { count: 8192, rows: 1 };
      for (let i = 0; i < 3; i++) recorder.dispatch('sum_blocks', { buffers: { values, sums }, params, grid: [2] });
    });
    await program.run();
    const path = join(folder, `${backend}.json`);
    const result = await device().profile(path, async () => {
      await Promise.all([program.run(), program.run()]);
      return 'done';
    });
    await program.run();
    expect(result).toBe('done');

    const { traceEvents } = JSON.parse(await readFile(path, 'utf8')) as { traceEvents: TraceEvent[] };
    const commands = traceEvents.filter(({ ph }) => ph === 'X');
    expect(commands.map(({ name }) => name)).toEqual(Array(6).fill('sum_blocks'));
    expect(commands[0].args).toEqual({ grid: '2 x 1 x 1', bytes: 8192 * 4 + 8 });
    for (let i = 1; i < commands.length; i++) {
      expect(commands[i].ts).toBeGreaterThanOrEqual(commands[i - 1].ts);
      expect(commands[i].dur).toBeGreaterThanOrEqual(0);
    }
    const track = traceEvents.find(({ name }) => name === 'thread_name');
    expect(track?.args.name).toContain(device().info.name);
  });

  test('is written when the work fails, whose error comes through', async () => {
    const path = join(folder, `${backend}-failed.json`);
    const error = new Error('work failed');
    await expect(device().profile(path, () => Promise.reject(error))).rejects.toBe(error);
    expect(JSON.parse(await readFile(path, 'utf8')).traceEvents).toHaveLength(2);
  });

  test('of a path that cannot be written to is refused before any work', async () => {
    const path = join(folder, 'missing', `${backend}.json`);
    let worked = false;
    const profile = device().profile(path, async () => {
      worked = true;
    });
    await expect(profile).rejects.toMatchObject({ code: 'ENOENT', path });
    expect(worked).toBe(false);
  });

  test("that can no longer be written does not hide the work's own error", async () => {
    const own = await mkdtemp(join(folder, 'gone-'));
    const error = new Error('work failed');
    const profile = device().profile(join(own, 'trace.json'), async () => {
      expect(await readdir(own)).toHaveLength(1);
      await rm(own, { recursive: true });
      throw error;
    });
    await expect(profile).rejects.toBe(error);
  });
});
