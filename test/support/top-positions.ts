// The greatest values' places in order, ties to the lower place, and the order of floats as unsigned integers.

export function topPositions(values: ArrayLike<number>, count: number): number[] {
  return Array.from(values, (_, i) => i)
    .sort((a, b) => values[b] - values[a] || a - b)
    .slice(0, count)
    .sort((a, b) => a - b);
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Keys compare as their floats do. */
export function orderedKey(value: number): number {
  float[0] = value + 0;
  return (bits[0] & 0x80000000 ? ~bits[0] : bits[0] | 0x80000000) >>> 0;
}

orderedKey.inverse = (key: number): number => {
  bits[0] = key & 0x80000000 ? key & 0x7fffffff : ~key;
  return float[0];
};
