// `wavetile doctor`: which devices there are, whether they compute, and what is missing for those that are not there.
import { Command } from 'commander';
import { testMatrixUnits } from '../kernels/matrix-units.js';
import { Device } from '../runtime/device.js';
import { listDiagnostics } from '../runtime/device-choice.js';
import type { DeviceInfo } from '../runtime/native.js';
import { runCommand } from './report-error.js';
import { formatBytes, formatMillis, paint, print, printField } from './terminal.js';

interface DoctorOptions {
  readonly json?: boolean;
  readonly debug?: boolean;
}

interface DeviceReport {
  readonly info: DeviceInfo;
  readonly works: boolean;
  readonly result: string;
  /** Kernels run on its matrix units: a product on them came out right. */
  readonly usesMatrixUnits: boolean;
}

/** Opens a device, fills memory there and reads it back. */
async function tryDevice(info: DeviceInfo): Promise<DeviceReport> {
  const begin = performance.now();
  try {
    using device = await Device.open({ backend: info.backend, index: info.index });
    using tensor = device.tensor('u32', [1024]);
    using program = await device.record((recorder) => recorder.fill(tensor, 0x5eed));
    const { outputs } = await program.run({ read: [tensor] });
    if (!(outputs[0] as Uint32Array).every((word) => word === 0x5eed)) throw new Error('it computes wrong results');
    const result = `opens and computes (${formatMillis(performance.now() - begin)})`;
    return { info, works: true, result, usesMatrixUnits: await testMatrixUnits(device) };
  } catch (error) {
    const result = error instanceof Error ? error.message : String(error);
    return { info, works: false, result, usesMatrixUnits: false };
  }
}

/** Which variants of the kernels the device gets. */
function variants({ backend, driver, subgroupSize }: DeviceInfo): string {
  if (backend === 'cpu') return `compiled for ${driver.replace('wavetile ', '')}`;
  return subgroupSize === 32 ? 'subgroups of 32' : `portable, at subgroups of ${subgroupSize}`;
}

function subgroups({ minSubgroupSize, maxSubgroupSize, subgroupSize }: DeviceInfo): string {
  return minSubgroupSize === maxSubgroupSize
    ? `${subgroupSize}`
    : `${subgroupSize} (can be set from ${minSubgroupSize} to ${maxSubgroupSize})`;
}

function matrices({ matrixUnits }: DeviceInfo, used: boolean): string {
  return matrixUnits.length > 0 ? `${matrixUnits.join('; ')} (${used ? 'used' : 'not used'})` : 'no matrix units';
}

function printDevice({ info, works, result, usesMatrixUnits }: DeviceReport): void {
  const id = info.backend === 'cpu' ? 'cpu' : `${info.backend}:${info.index}`;
  print(`${paint('bold', id)}  ${info.name}  ${paint('dim', info.kind)}`);
  printField('  state', works ? paint('green', result) : paint('red', result));
  printField('  driver', [info.vendor, info.driver, info.apiVersion].filter(Boolean).join(', '));
  if (info.backend === 'cpu') printField('  threads', `${info.computeThreads}`);
  else printField('  subgroups', subgroups(info));
  printField('  kernels', variants(info));
  printField('  memory', `${formatBytes(info.memoryBytes)}, one binding at most ${formatBytes(info.maxBindingBytes)}`);
  if (info.backend !== 'cpu') {
    printField('  features', info.features.join(', ') || 'none of the optional ones');
    printField('  matrices', matrices(info, usesMatrixUnits));
  }
  print();
}

async function doctor(options: DoctorOptions): Promise<void> {
  const devices: DeviceReport[] = [];
  for (const info of Device.list()) devices.push(await tryDevice(info));
  const diagnostics = await listDiagnostics();
  if (options.json) {
    print(
      JSON.stringify(
        { node: process.version, platform: `${process.platform}-${process.arch}`, devices, diagnostics },
        null,
        2,
      ),
    );
  } else {
    print(`Node.js ${process.version}, ${process.platform}-${process.arch}\n`);
    for (const device of devices) printDevice(device);
    for (const { backend, lines } of diagnostics)
      if (lines.length > 0) printField(backend, lines.join(`\n${' '.repeat(12)}`));
  }
  if (!devices.some(({ works }) => works)) process.exitCode = 1;
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('list the devices, try each of them and say what is missing')
    .option('--json', 'print JSON')
    .option('--debug', 'show the stack of an error')
    .action((options: DoctorOptions) => runCommand(() => doctor(options), options.debug));
}
