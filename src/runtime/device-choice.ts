// Which device is opened: what the options insist on, else WAVETILE_DEVICE, else the best one.
import { ComputeError } from './errors.js';
import { type Backend, type DeviceInfo, type Diagnosis, native } from './native.js';
import { hint } from './validate.js';

export const BACKENDS: readonly Backend[] = ['vulkan', 'metal', 'cpu'];

export interface DeviceWish {
  backend?: Backend;
  index?: number;
  software?: boolean;
}

/** What `WAVETILE_DEVICE` asks for; `undefined` where it is not set. */
export function wishOfEnvironment(value = process.env.WAVETILE_DEVICE): DeviceWish | undefined {
  if (value === undefined || value === '') return undefined;
  const [name, index, ...rest] = value.trim().toLowerCase().split(':');
  const known = BACKENDS.find((backend) => backend === name);
  if (!known || rest.length > 0 || (index !== undefined && !/^\d{1,4}$/.test(index))) {
    const expectation = 'cpu, vulkan, metal or one of these with an index such as vulkan:1';
    throw new RangeError(`WAVETILE_DEVICE must be ${expectation}, got '${value}'${known ? '' : hint(name, BACKENDS)}`);
  }
  return index === undefined ? { backend: known } : { backend: known, index: Number(index) };
}

function rank({ backend, kind }: DeviceInfo): number {
  if (backend === 'metal') return 3;
  return { discrete: 0, integrated: 1, virtual: 2, software: 4, cpu: 5 }[kind] ?? 6;
}

/** The best device among `devices` for the wish, or undefined. Software Vulkan must be asked for. */
export function choose(devices: readonly DeviceInfo[], wish: DeviceWish): DeviceInfo | undefined {
  const { backend, index } = wish;
  const software = wish.software ?? backend !== undefined;
  return devices
    .filter((device) => backend === undefined || device.backend === backend)
    .filter((device) => index === undefined || device.index === index)
    .filter((device) => software || index !== undefined || device.kind !== 'software')
    .sort((a, b) => rank(a) - rank(b))[0];
}

function wishText({ backend, index, software }: DeviceWish): string {
  if (backend === undefined) return 'no device';
  const which = index === undefined ? '' : ` with index ${index}`;
  return `no ${backend} device${which}${software === false ? ' other than software' : ''}`;
}

/** A NO_DEVICE error that says what was looked for and what is there. */
export function noDevice(wish: DeviceWish, devices: readonly DeviceInfo[]): ComputeError {
  const found = devices.map(({ backend, index, name, kind }) => `  found ${backend}:${index}: ${name} (${kind})`);
  const diagnoses = native().diagnose();
  const lines = diagnoses
    .filter(({ backend }) => wish.backend === undefined || backend === wish.backend)
    .flatMap(({ backend, lines }) => lines.map((line) => `  ${backend}: ${line}`));
  const absent = wish.backend !== undefined && !diagnoses.some(({ backend }) => backend === wish.backend);
  if (absent) lines.push(`  ${wish.backend}: this build of wavetile has no such backend`);
  const suggestion = '`npx wavetile doctor` shows every device and what is missing';
  return new ComputeError('NO_DEVICE', [`${wishText(wish)} was found`, ...found, ...lines].join('\n'), { suggestion });
}

/** What each backend looked for and found, for people: the lines of `wavetile doctor`. */
export function listDiagnostics(): Diagnosis[] {
  return native().diagnose();
}
