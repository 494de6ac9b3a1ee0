// Opening: options, WAVETILE_DEVICE, which device is chosen, and what an absent one says.
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ComputeError, Device, type DeviceInfo } from '../../src/index.js';
import { choose, wishOfEnvironment } from '../../src/runtime/device-choice.js';
import { testDevices } from '../support/devices.js';

const info = (backend: DeviceInfo['backend'], index: number, kind: DeviceInfo['kind']) =>
  ({ backend, index, kind, name: `${backend} ${index}` }) as DeviceInfo;
const DISCRETE = info('vulkan', 2, 'discrete');
const INTEGRATED = info('vulkan', 1, 'integrated');
const SOFTWARE = info('vulkan', 0, 'software');
const METAL = info('metal', 0, 'integrated');
const CPU = info('cpu', 0, 'cpu');

afterEach(() => vi.unstubAllEnvs());

describe('the chosen device', () => {
  test('is the discrete GPU, then the integrated one, then Metal, then the CPU', () => {
    const all = [CPU, METAL, SOFTWARE, INTEGRATED, DISCRETE];
    expect(choose(all, {})).toBe(DISCRETE);
    expect(choose(all.slice(0, 4), {})).toBe(INTEGRATED);
    expect(choose(all.slice(0, 3), {})).toBe(METAL);
    expect(choose([CPU, SOFTWARE], {})).toBe(CPU);
  });

  test('is software Vulkan only when asked for', () => {
    expect(choose([CPU, SOFTWARE], { software: true })).toBe(SOFTWARE);
    expect(choose([SOFTWARE], { backend: 'vulkan' })).toBe(SOFTWARE);
    expect(choose([SOFTWARE, INTEGRATED], { backend: 'vulkan' })).toBe(INTEGRATED);
    expect(choose([SOFTWARE, INTEGRATED], { backend: 'vulkan', index: 0 })).toBe(SOFTWARE);
    expect(choose([SOFTWARE], { backend: 'vulkan', software: false })).toBeUndefined();
  });
});

describe('WAVETILE_DEVICE', () => {
  test('names a backend and perhaps an index', () => {
    expect(wishOfEnvironment('')).toBeUndefined();
    expect(wishOfEnvironment('cpu')).toEqual({ backend: 'cpu' });
    expect(wishOfEnvironment('Vulkan:1')).toEqual({ backend: 'vulkan', index: 1 });
  });

  test.each(['gpu', 'vulkan:x', 'vulkan:', 'cpu:0:1'])("'%s' is refused", (value) => {
    vi.stubEnv('WAVETILE_DEVICE', value);
    expect(() => Device.open()).toThrow(
      `WAVETILE_DEVICE must be cpu, vulkan, metal or one of these with an index such as vulkan:1, got '${value}'`,
    );
  });

  test('insists, and options win over it', async () => {
    vi.stubEnv('WAVETILE_DEVICE', 'cpu');
    using chosen = await Device.open();
    expect(chosen.info.backend).toBe('cpu');
    vi.stubEnv('WAVETILE_DEVICE', 'vulkan:77');
    await expect(Device.open()).rejects.toThrow('no vulkan device with index 77 was found');
    using asked = await Device.open({ backend: 'cpu' });
    expect(asked.info.backend).toBe('cpu');
  });
});

describe('Device.open', () => {
  test('says what is wrong with its options', () => {
    const misuse: [object, string][] = [
      [{ bakend: 'cpu' }, "Device.open: unknown option 'bakend', did you mean 'backend'?"],
      [{ backend: 'cuda' }, "Device.open: backend must be one of 'vulkan', 'metal', 'cpu', got 'cuda'"],
      [{ index: 1 }, 'Device.open: index must come with a backend'],
      [{ backend: 'cpu', index: -1 }, 'index must be an integer from 0 to 9999, got -1'],
      [{ threads: 0 }, 'threads must be an integer from 1 to 1024, got 0'],
      [{ memoryLimitBytes: '1G' }, "memoryLimitBytes must be an integer from 1 to 9007199254740991, got '1G'"],
      [{ validation: 'yes' }, "validation must be true or false, got 'yes'"],
      [{ cacheFolder: 5 }, 'cacheFolder must be a non-empty string, got 5'],
      [{ onWarning: {} }, 'onWarning must be a function, got an object'],
    ];
    for (const [options, message] of misuse) expect(() => Device.open(options)).toThrow(message);
  });

  test('rejects with what was looked for when there is no such device', async () => {
    const error: ComputeError = await Device.open({ backend: 'cpu', index: 7 }).catch((reason) => reason);
    expect(error).toBeInstanceOf(ComputeError);
    expect(error.code).toBe('NO_DEVICE');
    expect(error.message).toMatch(/no cpu device with index 7 was found\n {2}found cpu:0: .*\n {2}cpu: /);
    expect(error.suggestion).toContain('wavetile doctor');
    await expect(Device.open({ backend: 'metal', index: 7 })).rejects.toMatchObject({ code: 'NO_DEVICE' });
  });

  describe('warns when the cache folder that was asked for cannot be written to', () => {
    const cacheFolder = '/dev/null/cache';
    const message = `cacheFolder ${cacheFolder} cannot be written to: compiled pipelines are not kept`;
    const code = 'WAVETILE_CACHE_FOLDER';

    test('through onWarning, which gets message and code', async () => {
      const onWarning = vi.fn();
      using device = await Device.open({ backend: 'cpu', cacheFolder, onWarning });
      expect(device.disposed).toBe(false);
      expect(onWarning.mock.calls).toEqual([[message, code]]);
    });

    test('or else through the process', async () => {
      const emitted = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
      using device = await Device.open({ backend: 'cpu', cacheFolder });
      const calls = [...emitted.mock.calls];
      emitted.mockRestore();
      expect(device.disposed).toBe(false);
      expect(calls).toEqual([[message, { type: 'WavetileWarning', code }]]);
    });
  });
});

describe('Device.list', () => {
  test('has the CPU and says what each device can do', () => {
    const devices = Device.list();
    expect(devices.filter(({ backend }) => backend === 'cpu')).toHaveLength(1);
    for (const { maxBindingBytes, maxGrid, bindingAlignment, name, subgroupSize } of devices) {
      expect(maxBindingBytes).toBeGreaterThanOrEqual(128 * 1024 * 1024);
      expect(maxGrid.every((side) => side >= 65535)).toBe(true);
      expect(bindingAlignment).toBeGreaterThanOrEqual(4);
      expect(name).not.toBe('');
      expect(subgroupSize).toBeGreaterThanOrEqual(1);
    }
  });
});

describe.each(
  testDevices.filter(({ missing }) => missing === undefined).map(({ backend, open }) => [backend, open] as const),
)('a device on %s', (_, open) => {
  test('can be opened several times at once', async () => {
    const devices = await Promise.all([open(), open(), open()]);
    const tensors = await Promise.all(devices.map((device, i) => device.tensorFrom(new Uint32Array([i]))));
    const values = await Promise.all(tensors.map((tensor) => tensor.read()));
    expect(values.map((value) => value[0])).toEqual([0, 1, 2]);
    for (const device of devices) device.dispose();
    devices[0].dispose();
    expect(devices[0].disposed).toBe(true);
  });
});
