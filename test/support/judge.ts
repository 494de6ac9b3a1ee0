// Compares a written buffer with what its reference says; returns what is wrong, or undefined.
import { Mark, type Output, type Words } from './cases.js';

const hex = (word: number): string => `0x${(word >>> 0).toString(16).padStart(8, '0')}`;

export function bitsOf(words: Words): Uint32Array {
  return new Uint32Array(words.buffer, words.byteOffset, words.length);
}

/** `got` may be longer than the output: the rest are guard words holding `guard`. */
export function judge(output: Output, got: Words, guard: number): string | undefined {
  return judgeUntouched(output, bitsOf(got), guard) ?? judgeValues(output, got);
}

function judgeUntouched(output: Output, bits: Uint32Array, guard: number): string | undefined {
  for (let i = output.length; i < bits.length; i++) {
    if (bits[i] !== guard) return `wrote ${hex(bits[i])} past the end, at [${i}] of ${output.length}`;
  }
  for (let i = 0; i < output.length; i++) {
    const same = bits[i] === output.initial[i];
    if (output.marks[i] === Mark.untouched && !same) return `[${i}] must stay untouched, got ${hex(bits[i])}`;
    if (output.marks[i] === Mark.written && same) return `[${i}] was not written`;
  }
  return undefined;
}

function judgeValues(output: Output, got: Words): string | undefined {
  if (output.type === 'u32' || output.nmse === 0) return judgeEqual(output, got);
  let count = 0;
  let power = 0;
  for (let i = 0; i < output.length; i++) {
    if (output.marks[i] !== Mark.expected) continue;
    count++;
    power += output.values[i] * output.values[i];
  }
  return count === 0 ? undefined : judgeError(output, got, Math.sqrt(power / count));
}

function judgeEqual(output: Output, got: Words): string | undefined {
  for (let i = 0; i < output.length; i++) {
    if (output.marks[i] !== Mark.expected || got[i] === output.values[i]) continue;
    return `[${i}] must be ${output.values[i]}, got ${got[i]} (${hex(bitsOf(got)[i])})`;
  }
  return undefined;
}

/** One element may be off by 100 times the root of what the mean may be, so no small element hides behind large ones. */
function judgeError(output: Output, got: Words, rms: number): string | undefined {
  const scale = rms === 0 ? 1 : rms;
  const limit = 100 * Math.sqrt(output.nmse) * scale;
  let squares = 0;
  let count = 0;
  for (let i = 0; i < output.length; i++) {
    if (output.marks[i] !== Mark.expected) continue;
    const error = Math.abs(got[i] - output.values[i]);
    if (!(error <= limit))
      return `[${i}] must be ${output.values[i]} within ${limit}, got ${got[i]} (${hex(bitsOf(got)[i])})`;
    squares += error * error;
    count++;
  }
  const nmse = squares / count / (scale * scale);
  return nmse <= output.nmse ? undefined : `normalised mean squared error ${nmse} exceeds ${output.nmse}`;
}
