// Variants: <kernel>_coop does what <kernel> does on matrix units, with the same buffers, params and constants.
import { isDeepStrictEqual } from 'node:util';
import { spirvContract } from './spirv-contract.mjs';

const SUFFIX = '_coop';

const inWords = (value) => JSON.stringify(value ?? 'nothing');

function firstDifference(part, own, wanted) {
  const longest = Math.max(own.length, wanted.length);
  for (let i = 0; i < longest; i++) {
    if (isDeepStrictEqual(own[i], wanted[i])) continue;
    return `${part} ${i} is ${inWords(own[i])}, and ${inWords(wanted[i])} in the kernel that it is a variant of`;
  }
  return undefined;
}

/** The variant's contract; `report` gets what differs from its kernel's. */
export function readVariant({ name, spirv }, kernels, report) {
  const kernel = kernels.find((other) => other.name === name.slice(0, -SUFFIX.length));
  if (!kernel) report(`there is no kernel ${name.slice(0, -SUFFIX.length)} that it could be a variant of`);
  const contract = spirvContract(spirv);
  for (const part of kernel ? ['buffers', 'params', 'constants'] : []) {
    const difference = firstDifference(part, contract[part], kernel[part]);
    if (difference) report(difference);
  }
  return contract;
}
