// Compiles a kernel for an RDNA3 GPU that need not be there, by way of RADV's null device (Mesa before 26).
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const program = join(root, 'build/test/rdna3/rdna3_isa');

/** Radeon 780M (gfx1103) and Radeon RX 7900 XTX (gfx1100), by the names that RADV knows them by. */
export type Family = 'phoenix' | 'navi31';

export interface MachineCode {
  readonly device: string;
  readonly statistics: ReadonlyMap<string, number>;
  readonly assembly: string;
}

function findDriver(): string | undefined {
  for (const folder of ['/usr/share/vulkan/icd.d', join(root, '.toolchain/drivers/radeon')]) {
    const name = existsSync(folder) ? readdirSync(folder).find((file) => /^radeon_icd.*\.json$/.test(file)) : undefined;
    if (name) return join(folder, name);
  }
  return undefined;
}

export function compile(kernel: string, family: Family, constants: Readonly<Record<number, number>>): MachineCode {
  const flags = Object.entries(constants).flatMap(([id, value]) => ['--constant', `${id}=${value}`]);
  const driver = findDriver() ?? '';
  const output = execFileSync(program, ['--subgroup', '32', ...flags, join(root, `build/spirv/${kernel}.spv`)], {
    encoding: 'utf8',
    env: { ...process.env, RADV_FORCE_FAMILY: family, VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver },
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 26,
  });
  const [head, ...assembly] = output.split('\n\n') as [string, ...string[]];
  const lines = head.split('\n').map((line) => line.split(' = ') as [string, string]);
  return {
    device: lines[0]?.[1] ?? '',
    statistics: new Map(lines.slice(1).map(([name, value]) => [name, Number(value)])),
    assembly: assembly.join('\n\n'),
  };
}

/** Why nothing can be compiled here, or undefined. */
export function whyNot(): string | undefined {
  if (!existsSync(program)) return 'build/test/rdna3/rdna3_isa is not built (npm test builds it)';
  if (!findDriver()) return 'the radeon Vulkan driver is not installed (package mesa-vulkan-drivers)';
  try {
    const { device } = compile('math/scan_add', 'phoenix', {});
    return device.includes('PHOENIX') ? undefined : `RADV compiles for ${device} only; Mesa 25.0 is needed`;
  } catch (error) {
    return `RADV does not open a null device (Mesa 25.0 is needed): ${(error as Error).message}`;
  }
}
