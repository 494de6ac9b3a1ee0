// What the hot kernels may cost on RDNA3 in wave32. A SIMD has 1536 vector registers of 32 lanes on the 7900 XTX and 1024
// on the 780M, so 96 and 64 of them leave room for 16 waves, the most there are.
import type { Family } from './compile.js';

export interface Budget {
  readonly kernel: string;
  readonly constants: Readonly<Record<number, number>>;
  readonly registers: Readonly<Record<Family, number>>;
  readonly sharedBytes: number;
  /** Most vector instructions for 32 weights, 8 dot products included, between the first and the last dot product. */
  readonly vectorInstructions?: number;
  /** Instructions that have to be there, and ones that must not. */
  readonly must: readonly RegExp[];
  readonly mustNot?: readonly RegExp[];
}

const l2 = { 0: 0 };
const innerProduct = { 0: 1 };
const wideLoads = /buffer_load_b128/;

// 8 x 8 results a thread: two multiply-adds an instruction (VOPD), operands by 16-byte loads of shared memory.
const tiled = { sharedBytes: 16384, must: [/v_dual_fmac_f32/, /ds_load_b128/, wideLoads], mustNot: [/ds_load_b32/] };
const assignNearest = { ...tiled, kernel: 'vector/assign_nearest', registers: { phoenix: 128, navi31: 144 } };
const tileMinima = { ...tiled, kernel: 'vector/tile_minima', registers: { phoenix: 128, navi31: 120 } };
// 4 x 4 results a thread, the next step's loads under way: few enough registers for 16 waves.
const multiplyRows = { ...tiled, kernel: 'vector/multiply_rows', registers: { phoenix: 64, navi31: 96 } };

const codecDecode = { ...tiled, kernel: 'vector/codec_decode', registers: { phoenix: 128, navi31: 120 } };
// Vectors may have any number of dimensions, so their numbers are loaded one by one.
const scalarLoads = { must: [/v_dual_fmac_f32/, /ds_load_b128/] };
const codecEncode = {
  ...tiled,
  ...scalarLoads,
  kernel: 'vector/codec_encode',
  registers: { phoenix: 128, navi31: 120 },
};
const denseLayer = { ...tiled, ...scalarLoads, kernel: 'vector/dense_layer', registers: { phoenix: 128, navi31: 120 } };

// Bound by memory: all 16 waves of a SIMD stay in flight. Queries are the same for a wave, so they are scalar loads.
const scanMinima = {
  kernel: 'vector/scan_minima',
  registers: { phoenix: 64, navi31: 96 },
  sharedBytes: 4096,
  must: [wideLoads, /s_buffer_load_b512/],
};
const scanRows = {
  kernel: 'vector/scan_rows',
  registers: { phoenix: 64, navi31: 72 },
  sharedBytes: 0,
  must: [wideLoads, /s_buffer_load_b128/],
};
const scanCodes = {
  kernel: 'vector/scan_codes',
  registers: { phoenix: 64, navi31: 72 },
  sharedBytes: 16384,
  must: [wideLoads, /ds_load_b32/],
};

// Half the SIMD's waves: sums, operands and what is on its way fill the registers. Operands are 16-byte loads.
const matrixUnits = {
  kernel: 'nn/project_matrix_coop',
  registers: { phoenix: 144, navi31: 144 },
  sharedBytes: 40960,
  must: [/v_wmma_f32_16x16x16_f16/, /ds_load_b128/, wideLoads],
  mustNot: [/ds_load_u16/],
};

// Bound by memory. An activation is the same for a wave, so that it is a scalar load and an operand of the dot product; the
// four (when gated, eight) chunks of weights of a quad are under way together.
const projectRows = {
  kernel: 'nn/project_rows',
  registers: { phoenix: 64, navi31: 72 },
  sharedBytes: 6144,
  must: [/v_dot4_i32_iu8/, wideLoads, /s_buffer_load_b256/],
};
const oneRow = { ...projectRows, vectorInstructions: 30 };
const manyRows = { registers: { phoenix: 64, navi31: 96 }, sharedBytes: 18432 };
const [store, add, gated] = [{ 4: 0 }, { 4: 1 }, { 4: 2 }];
const INT4 = { 0: 4, 1: 1, 3: 1 };

// Bound by memory: a quad of keys and of values is under way for each lane, while queries and sums of four heads are kept.
const attendRows = {
  kernel: 'nn/attend_rows',
  registers: { phoenix: 144, navi31: 144 },
  sharedBytes: 28672,
  must: [wideLoads],
};
// Sums of 16 rows of a whole head fill the registers.
const attendChunk = {
  kernel: 'nn/attend_chunk_coop',
  registers: { phoenix: 256, navi31: 256 },
  sharedBytes: 40960,
  must: [/v_wmma_f32_16x16x16_f16/, wideLoads],
};

export const budgets: readonly Budget[] = [
  { ...attendRows, registers: { phoenix: 96, navi31: 96 }, constants: { 0: 128, 1: 1, 5: 2 } },
  { ...attendRows, constants: { 0: 128, 1: 4, 5: 2 } },
  { ...attendRows, registers: { phoenix: 128, navi31: 120 }, constants: { 0: 64, 1: 8, 5: 2 } },
  { ...attendChunk, constants: { 0: 128, 1: 1, 2: 1 } },
  { ...attendChunk, constants: { 0: 64, 1: 1, 2: 1 } },
  { ...oneRow, constants: { ...INT4, ...store } },
  { ...oneRow, constants: { ...INT4, ...add } },
  { ...oneRow, constants: { ...INT4, ...gated } },
  { ...projectRows, constants: { ...INT4, ...store, 1: 3 } },
  { ...projectRows, constants: { ...store, 0: 3, 1: 4 } },
  { ...projectRows, ...manyRows, constants: { ...INT4, ...store, 2: 8 } },
  { ...projectRows, ...manyRows, registers: { phoenix: 96, navi31: 96 }, constants: { ...INT4, ...gated, 2: 8 } },
  { ...projectRows, ...manyRows, constants: { ...INT4, ...store, 2: 16 } },
  { ...assignNearest, constants: l2 },
  { ...assignNearest, constants: innerProduct },
  { ...tileMinima, constants: l2 },
  { ...tileMinima, constants: innerProduct },
  { ...multiplyRows, constants: { 0: 64, 1: 1 } },
  { ...multiplyRows, constants: { 0: 32, 1: 0 } },
  { ...codecDecode, constants: {} },
  { ...codecEncode, constants: {} },
  { ...denseLayer, constants: {} },
  {
    kernel: 'vector/scan_latents',
    constants: l2,
    registers: { phoenix: 64, navi31: 96 },
    sharedBytes: 0,
    must: [wideLoads, /s_buffer_load_b128/],
  },
  { ...scanMinima, constants: l2 },
  { ...scanMinima, constants: innerProduct },
  { ...scanRows, constants: l2 },
  { ...scanRows, constants: innerProduct },
  { ...scanCodes, constants: { 0: 0, 1: 8, 2: 1 } },
  { ...scanCodes, constants: { 0: 0, 1: 4, 2: 1 } },
  { ...scanCodes, constants: { 0: 1, 1: 8, 2: 1 } },
  {
    kernel: 'vector/select_smallest',
    constants: {},
    registers: { phoenix: 96, navi31: 96 },
    sharedBytes: 20480,
    must: [/ds_add_u32/, /ds_append/],
  },
  // Its shared memory leaves room for 8 waves of a SIMD, and those for this many registers: more loads in flight.
  {
    kernel: 'nn/scan_key_codes',
    constants: {},
    registers: { phoenix: 128, navi31: 192 },
    sharedBytes: 32768,
    must: [wideLoads, /ds_load_b32/, /ds_add_u32/],
  },
  {
    kernel: 'nn/merge_heavy',
    constants: {},
    registers: { phoenix: 96, navi31: 96 },
    sharedBytes: 16384,
    must: [/ds_add_u32/],
  },
  {
    kernel: 'nn/encode_keys',
    constants: { 0: 0 },
    registers: { phoenix: 128, navi31: 144 },
    sharedBytes: 20480,
    must: [wideLoads],
  },
  {
    kernel: 'nn/sparse_attention',
    constants: { 0: 0 },
    registers: { phoenix: 64, navi31: 72 },
    sharedBytes: 12288,
    must: [/v_exp_f32/],
  },
  { ...matrixUnits, constants: { 0: 4, 1: 1, 2: 1 } },
  {
    ...matrixUnits,
    constants: { 0: 4, 1: 3, 2: 1, 3: 1, 4: 1 },
    registers: { phoenix: 160, navi31: 168 },
  },
  { ...matrixUnits, constants: { 0: 1, 1: 0, 2: 1 } },
  {
    ...matrixUnits,
    constants: { 0: 4, 1: 1, 2: 1, 5: 64 },
    registers: { phoenix: 112, navi31: 120 },
    sharedBytes: 30720,
  },
];
