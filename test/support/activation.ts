// The activations of the dense and codec kernels, in float64.
const gelu = (x: number) => Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));

export function activate(kind: number, x: number): number {
  if (kind === 1) return Math.max(x, 0);
  return kind === 2 ? 0.5 * x * (1 + gelu(x)) : x;
}

export function slope(kind: number, x: number): number {
  if (kind === 1) return x > 0 ? 1 : 0;
  if (kind !== 2) return 1;
  const t = gelu(x);
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
}

/** Row-major [rows × words] of four signed bytes each; rows need not be whole words. */
export function packCodes(codes: Int8Array, latent: number): Uint32Array {
  const words = Math.ceil(latent / 4);
  const rows = codes.length / latent;
  const bytes = new Int8Array(rows * words * 4);
  for (let r = 0; r < rows; r++) bytes.set(codes.subarray(r * latent, (r + 1) * latent), r * words * 4);
  return new Uint32Array(bytes.buffer);
}
