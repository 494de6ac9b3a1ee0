// The devices that tests run on: the CPU always, Vulkan where there is a driver, with validation, whose every message
// fails the test; Metal on a Mac, and where it is asked for (npm run test:metal). One device of each kind is shared by the tests of a file.
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { Device, type DeviceInfo, type DeviceOpenOptions, listDiagnostics, type WarningCode } from '../../src/index.js';

const KINDS = ['cpu', 'vulkan', 'metal'] as const;
type Kind = (typeof KINDS)[number];

export interface TestDevice {
  readonly backend: Kind;
  /** Why there is none, when there is none. */
  readonly missing?: string;
  /** Opens one more such device; what the validation layer says goes to `messages`. */
  open(options?: DeviceOpenOptions): Promise<Device>;
  readonly messages: string[];
}

async function openValidated(options: DeviceOpenOptions, validation: boolean): Promise<Device> {
  try {
    return await Device.open({ ...options, validation });
  } catch (error) {
    // A machine with a driver and without the layer still runs the tests.
    if (!validation || (error as { code?: string }).code !== 'UNSUPPORTED') throw error;
    console.warn(`Vulkan tests run without the validation layer: ${(error as Error).message}`);
    return Device.open(options);
  }
}

function testDevice(backend: Kind, present: readonly DeviceInfo[]): TestDevice {
  const messages: string[] = [];
  const open = (options: DeviceOpenOptions = {}) => {
    const onWarning = (message: string, code: WarningCode) => {
      // Tests train with few vectors on purpose; nothing else may be warned of.
      if (code !== 'WAVETILE_FEW_VECTORS') messages.push(message);
    };
    return openValidated({ backend, onWarning, ...options }, backend === 'vulkan');
  };
  if (present.some((info) => info.backend === backend)) return { backend, open, messages };
  const lines = listDiagnostics().find((diagnosis) => diagnosis.backend === backend)?.lines ?? ['not in this build'];
  const missing = lines.join('; ');
  if (named) throw new Error(`WAVETILE_TEST_DEVICES names ${backend}, and there is no such device: ${missing}`);
  return { backend, open, messages, missing };
}

/** `WAVETILE_TEST_DEVICES=cpu` (or `vulkan`, or several with commas) says on which, and that they have to be there. */
const named = process.env.WAVETILE_TEST_DEVICES?.split(',');
const wanted = named ?? ['cpu', process.platform === 'darwin' ? 'metal' : 'vulkan'];
const present = Device.list();

export const testDevices: readonly TestDevice[] = KINDS.filter((backend) => wanted.includes(backend)).map((backend) =>
  testDevice(backend, present),
);

export const validationMessages = (messages: string[]): string[] => messages.splice(0);

/** Describes a behaviour once for each device present; `body` gets the open device when a test runs. */
export function describeDevices(title: string, body: (device: () => Device, kind: TestDevice) => void): void {
  for (const kind of testDevices) {
    const why = kind.missing === undefined ? '' : ` (skipped: ${kind.missing})`;
    describe.skipIf(kind.missing !== undefined)(`${title} on ${kind.backend}${why}`, () => {
      let device: Device;
      beforeAll(async () => {
        device = await kind.open();
      });
      afterEach(() => {
        expect(validationMessages(kind.messages), 'validation messages').toEqual([]);
      });
      afterAll(() => device?.dispose());
      body(() => device, kind);
    });
  }
}
