// Classes that only the package makes say what makes them.
import { expect, test } from 'vitest';
import { Device, FileSource, Program, Recorder, Tensor } from '../../src/index.js';

test.each([
  ['Device', Device, 'Device.open'],
  ['Tensor', Tensor, 'device.tensor or device.tensorFrom'],
  ['Program', Program, 'device.record'],
  ['Recorder', Recorder, 'device.record'],
  ['FileSource', FileSource, 'FileSource.open'],
])('new %s says what to use instead', (name, made, way) => {
  const Made = made as unknown as new (...parts: unknown[]) => unknown;
  const message = `${name} has no public constructor: use ${way}`;
  for (const parts of [[], [{}], [Symbol('wavetile'), {}, {}]]) {
    expect(() => new Made(...parts)).toThrow(new TypeError(message));
  }
});
