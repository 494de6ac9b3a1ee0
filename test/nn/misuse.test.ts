// What layers are recorded with says which argument is wrong, before anything of its inside does.
import { expect, test } from 'vitest';
import * as nn from '../../src/nn/index.js';
import { describeDevices } from '../support/devices.js';

test('functions of the host name the argument that they lack', () => {
  const wrong: [() => unknown, string][] = [
    [() => nn.ropeTable(undefined as never), 'ropeTable: options must be an object, got undefined'],
    [() => nn.encodeSampling(undefined as never, 5), 'encodeSampling: options must be an object, got undefined'],
    [() => nn.encodeSampling({}, 0), 'encodeSampling: vocabulary must be an integer from 1 to'],
    [() => nn.sourceRowBytes('Q9' as never, 32), 'sourceRowBytes: sourceType must be one of'],
    [() => nn.readWeights(5 as never), 'readWeights: weights must be of class Weights, got 5'],
    [() => nn.weightsFrom(5 as never, new Float32Array(1), {} as never), 'weightsFrom: device must be a Device, got 5'],
    [() => nn.Weights.allocate({} as never, {} as never), 'Weights.allocate: device must be a Device, got an object'],
    [() => new (nn.Weights as unknown as new () => unknown)(), 'Weights has no public constructor'],
    [() => new (nn.Activation as unknown as new () => unknown)(), 'Activation has no public constructor'],
  ];
  for (const [call, message] of wrong) expect(call, message).toThrow(message);
});

describeDevices('functions that record', (device) => {
  type Record = (recorder: unknown, call?: unknown) => void;
  const functions = Object.entries(nn).filter(([name]) => name.startsWith('record')) as unknown as [string, Record][];

  test.each(functions)('%s names a recorder that is none, and a call that is none', (name, record) => {
    expect(() => record(5)).toThrow(`${name}: recorder must be a Recorder, got 5`);
    const build = () => device().record((recorder) => record(recorder));
    expect(build).toThrow(`${name}: call must be an object, got undefined`);
  });

  test('a projection names weights and input that are none', () => {
    const build = (call: object) => () =>
      device().record((recorder) => nn.recordProjection(recorder, call as nn.ProjectionCall));
    expect(build({})).toThrow('recordProjection: weights must be of class Weights, got undefined');
    const shape = { kind: 'f32', scaling: 'none', rows: 32, columns: 32 } as const;
    using weights = nn.Weights.allocate(device(), shape);
    expect(build({ weights })).toThrow('recordProjection: input must be of class Activation, got undefined');
  });

  test('weights and activations name a shape that is none', () => {
    expect(() => nn.Weights.allocate(device(), undefined as never)).toThrow('shape must be an object, got undefined');
    expect(() => nn.Activation.allocate(device(), { rows: 1, columns: 1, form: 'q9' as never })).toThrow(
      /form must be one of 'f32', 'f16', 'q8', got 'q9'/,
    );
  });
});
