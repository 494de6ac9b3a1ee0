// repack_blocks: every block format, decoded from its tiles, is exactly what the format says.
import { weightsFor } from '../../../src/nn/repack.js';
import { cases } from '../../support/cases.js';
import { BLOCK_FORMATS, BLOCK_TYPES, type BlockType, dequantize, randomBlocks } from '../../support/quant-blocks.js';
import { Random } from '../../support/random.js';
import { checkDecoded, sourceWords, targetBuffers } from '../../support/repacked.js';

interface Shape {
  type: BlockType;
  rows: number;
  columns: number;
  offset: number;
  firstTile?: number;
  tileStep?: number;
}

function repack({ type, rows, columns, offset, firstTile = 0, tileStep = 1 }: Shape) {
  const bytes = randomBlocks(new Random(rows + columns * 7 + offset), type, rows * columns);
  const target = { ...weightsFor(type), rows, columns, firstTile, tileStep };
  const expected = dequantize(type, bytes);
  return {
    buffers: { source: sourceWords(bytes, offset), ...targetBuffers(target) },
    params: { rows, columns, sourceOffset: offset, firstTile, tileStep },
    constants: { format: BLOCK_FORMATS[type].number },
    grid: [Math.ceil(columns / 256), Math.ceil(rows / 32)] as const,
    check: (outputs: Parameters<typeof checkDecoded>[0]) => checkDecoded(outputs, target, expected),
  };
}

const shapesOf = (type: BlockType): Shape[] => {
  const size = BLOCK_FORMATS[type].size;
  return [
    { type, rows: 1, columns: size, offset: 0 },
    { type, rows: 33, columns: size * 3, offset: 2, firstTile: 1 },
    { type, rows: 70, columns: size === 32 ? 416 : 512, offset: 36, firstTile: 1, tileStep: 2 },
  ];
};

export default cases(
  'repack_blocks',
  BLOCK_TYPES.flatMap(shapesOf).map((shape) => ({
    name: `${shape.type}: ${shape.rows} x ${shape.columns} from byte ${shape.offset}, tile step ${shape.tileStep ?? 1}`,
    make: () => repack(shape),
  })),
);
