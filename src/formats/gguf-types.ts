// The tensor types of GGUF: the number in the file, the name, and how many bytes a block of how many weights takes.

/** Types that can be loaded. */
export const LOADABLE_TYPES = [
  'F32',
  'F16',
  'BF16',
  'Q8_0',
  'Q4_0',
  'Q4_1',
  'Q5_0',
  'Q5_1',
  'Q4_K',
  'Q5_K',
  'Q6_K',
] as const;
export type LoadableType = (typeof LOADABLE_TYPES)[number];

export interface GgufType {
  readonly name: string;
  /** Weights of a row that are stored together. */
  readonly blockSize: number;
  readonly blockBytes: number;
}

/** [number in the file, name, weights of a block, bytes of a block] */
const TYPES: readonly (readonly [number, string, number, number])[] = [
  [0, 'F32', 1, 4],
  [1, 'F16', 1, 2],
  [2, 'Q4_0', 32, 18],
  [3, 'Q4_1', 32, 20],
  [6, 'Q5_0', 32, 22],
  [7, 'Q5_1', 32, 24],
  [8, 'Q8_0', 32, 34],
  [10, 'Q2_K', 256, 84],
  [11, 'Q3_K', 256, 110],
  [12, 'Q4_K', 256, 144],
  [13, 'Q5_K', 256, 176],
  [14, 'Q6_K', 256, 210],
  [15, 'Q8_K', 256, 292],
  [16, 'IQ2_XXS', 256, 66],
  [17, 'IQ2_XS', 256, 74],
  [18, 'IQ3_XXS', 256, 98],
  [19, 'IQ1_S', 256, 50],
  [20, 'IQ4_NL', 32, 18],
  [21, 'IQ3_S', 256, 110],
  [22, 'IQ2_S', 256, 82],
  [23, 'IQ4_XS', 256, 136],
  [24, 'I8', 1, 1],
  [25, 'I16', 1, 2],
  [26, 'I32', 1, 4],
  [27, 'I64', 1, 8],
  [28, 'F64', 1, 8],
  [29, 'IQ1_M', 256, 56],
  [30, 'BF16', 1, 2],
  [34, 'TQ1_0', 256, 54],
  [35, 'TQ2_0', 256, 66],
  [39, 'MXFP4', 32, 17],
];

/** By the number in the file. */
export const GGUF_TYPES: ReadonlyMap<number, GgufType> = new Map(
  TYPES.map(([number, name, blockSize, blockBytes]) => [number, { name, blockSize, blockBytes }]),
);

/** By name. */
export const GGUF_TYPE_NUMBERS: ReadonlyMap<string, number> = new Map(TYPES.map(([number, name]) => [name, number]));

export const isLoadable = (name: string): name is LoadableType => (LOADABLE_TYPES as readonly string[]).includes(name);
