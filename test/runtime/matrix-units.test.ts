// The test of matrix units: what it says of wrong devices, and of units that do not work.
import { expect, test, vi } from 'vitest';
import { Device, hasMatrixUnits, testMatrixUnits } from '../../src/index.js';
import { unrolledOn } from '../../src/kernels/choices.js';

test('testing the matrix units of what is no device, or of a disposed one, is refused at once', async () => {
  for (const wrong of [undefined, null, {}]) {
    expect(() => testMatrixUnits(wrong as never)).toThrow(/^testMatrixUnits: device must be a Device, got /);
  }
  const device = await Device.open({ backend: 'cpu' });
  device.dispose();
  expect(() => testMatrixUnits(device)).toThrow(
    expect.objectContaining({ code: 'DISPOSED', message: 'testMatrixUnits: the device was disposed of' }),
  );
});

test('matrix units that fail are not used, and the listener of warnings is told', async () => {
  const onWarning = vi.fn();
  using device = await Device.open({ backend: 'cpu', onWarning });
  // The CPU device has no such kernels, whatever it says of itself.
  const pretended = { backend: 'metal', matrixUnits: ['8x8x8 f16 f16 f32 f32'], features: ['simdgroupMatrix'] };
  const sizes = { subgroupSize: 32, minSubgroupSize: 32, maxSubgroupSize: 32, maxSharedBytes: 32 << 10 };
  Object.defineProperty(device, 'info', { value: { ...device.info, ...pretended, ...sizes } });
  expect(await testMatrixUnits(device)).toBe(false);
  expect(hasMatrixUnits(device)).toBe(false);
  const message = expect.stringContaining(`the matrix units of ${device.info.name} are not used: `);
  expect(onWarning.mock.calls).toEqual([[message, 'WAVETILE_MATRIX_UNITS']]);
});

test('a GPU of Metal without SIMD-group matrices gets the forms of kernels that need none', () => {
  const gpu = (features: string[]) => ({ info: { kind: 'virtual', backend: 'metal', features } }) as unknown as Device;
  expect(unrolledOn(gpu(['simdgroupMatrix']))).toBe(1);
  expect(unrolledOn(gpu([]))).toBe(0);
});
