// Options that every long call takes are checked in one place.
import { expect, test } from 'vitest';
import { checkRunOptions } from '../../src/runtime/validate.js';

const KEYS = ['window', 'signal', 'onProgress'];
const checking =
  (options: unknown, required = false) =>
  () =>
    checkRunOptions('embed', options, KEYS, { required });

test('options may be left out unless they are required', () => {
  expect(checking(undefined)).not.toThrow();
  expect(checking(undefined, true)).toThrow(new TypeError('embed: options must be an object, got undefined'));
});

test.each([
  [null, 'null'],
  [7, '7'],
  ['x', "'x'"],
  [[1], 'an array of 1'],
  [new Uint8Array(3), 'a Uint8Array of 3'],
])('options that are no object are refused: %j', (options, got) => {
  expect(checking(options)).toThrow(new TypeError(`embed: options must be an object, got ${got}`));
});

test('an unknown key is refused with the name that was meant', () => {
  expect(checking({ windw: 1 })).toThrow(new TypeError("embed: unknown option 'windw', did you mean 'window'?"));
  const unlisted = () => checkRunOptions('embed', { signal: undefined }, ['window']);
  expect(unlisted).toThrow(new TypeError("embed: unknown option 'signal'; known are window"));
});

test('a signal must be an AbortSignal and onProgress a function, where they are given', () => {
  expect(checking({ signal: AbortSignal.abort(), onProgress: () => undefined })).not.toThrow();
  expect(checking({ signal: undefined, onProgress: undefined })).not.toThrow();
  expect(checking({ signal: {} })).toThrow(new TypeError('embed: signal must be an AbortSignal, got an object'));
  expect(checking({ onProgress: 1 })).toThrow(new TypeError('embed: onProgress must be a function, got 1'));
});
