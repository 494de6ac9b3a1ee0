// score_rows: log-probabilities of targets.
import { NO_TARGET } from '../../../src/nn/scores.js';
import { cases, floats, folded, type Outputs } from '../../support/cases.js';
import { Random } from '../../support/random.js';

interface Shape {
  readonly rows: number;
  readonly vocabulary: number;
  readonly factor?: number;
  readonly offset?: number;
}

/** Of the absolute error. */
const MOST = 1e-5;

function score({ rows, vocabulary, factor = 3, offset = 0 }: Shape) {
  const random = new Random(rows * 17 + vocabulary);
  const stride = vocabulary + 3;
  const logits = random.rows('normal', rows, stride).map((value) => value * factor + offset);
  for (let row = 0; row < rows; row += 3) logits[row * stride + (row % vocabulary)] = vocabulary > 1 ? -Infinity : 1;
  const targets = Uint32Array.from({ length: rows }, (_, row) =>
    row % 5 === 4 ? NO_TARGET : random.below(vocabulary),
  );
  const scores = floats(rows);
  const expected = Array.from(targets, (target, row) => {
    scores.written(row);
    if (target === NO_TARGET) return 0;
    const own = logits.subarray(row * stride, row * stride + vocabulary);
    const largest = own.reduce((most, logit) => Math.max(most, logit), -Infinity);
    const sum = own.reduce((partial, logit) => partial + Math.exp(logit - largest), 0);
    return own[target] - largest - Math.log(sum);
  });
  const check = ({ scores: got }: Outputs) => {
    const tolerance = MOST + 2e-7 * (Math.abs(offset) + 4 * factor);
    const at = expected.findIndex((value, row) => !(value === got[row] || Math.abs(value - got[row]) <= tolerance));
    return at < 0 ? undefined : `scores[${at}] must be ${expected[at]}, got ${got[at]}`;
  };
  return {
    buffers: { logits, targets, scores },
    params: { rows, vocabulary, stride },
    grid: folded(rows),
    check,
  };
}

const shapes: Shape[] = [
  { rows: 1, vocabulary: 1 },
  { rows: 9, vocabulary: 7 },
  { rows: 5, vocabulary: 255 },
  { rows: 3, vocabulary: 2049, offset: -100 },
  { rows: 4, vocabulary: 5000, factor: 0 },
  { rows: 2, vocabulary: 32003, factor: 10 },
  { rows: 6, vocabulary: 4096, factor: 40, offset: 50 },
];

export default cases(
  'score_rows',
  shapes.map((shape) => {
    const { rows, vocabulary, factor = 3, offset = 0 } = shape;
    return { name: `${rows} x ${vocabulary}, times ${factor}, plus ${offset}`, make: () => score(shape) };
  }),
);
