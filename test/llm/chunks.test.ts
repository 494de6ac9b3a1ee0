// How many tokens of a prompt a device reads at a time.
import { expect, test } from 'vitest';
import { chunkRowsOf } from '../../src/llm/transformer.js';
import type { DeviceInfo } from '../../src/runtime/native.js';

test.each([
  ['metal', 'integrated', 512, 'a Mac, whose programs are cut into short command buffers'],
  ['metal', 'virtual', 128, 'a Mac in a virtual machine'],
  ['vulkan', 'integrated', 128, 'a GPU that a driver takes for lost after a long submission'],
  ['vulkan', 'discrete', 512, 'a GPU of its own'],
  ['vulkan', 'software', 128, 'software Vulkan'],
  ['cpu', 'cpu', 128, 'the CPU device'],
] as const)('on %s, %s, a prompt is read in chunks of %i: %s', (backend, kind, rows, _machine) => {
  expect(chunkRowsOf({ info: { backend, kind } as DeviceInfo })).toBe(rows);
});
