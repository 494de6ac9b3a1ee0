// Tests that name their devices do not pass for want of one.
import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => void vi.unstubAllEnvs());

test('a device that WAVETILE_TEST_DEVICES names has to be there', async () => {
  const absent = process.platform === 'darwin' ? 'vulkan' : 'metal';
  vi.stubEnv('WAVETILE_TEST_DEVICES', `cpu,${absent}`);
  await expect(import('./devices.js')).rejects.toThrow(
    `WAVETILE_TEST_DEVICES names ${absent}, and there is no such device: `,
  );
});
