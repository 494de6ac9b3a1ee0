// The rope as config.json describes it: rope_parameters of Transformers 5, rope_theta and rope_scaling before.
import type { JsonFields } from '../formats/json-file.js';
import { ComputeError } from '../runtime/errors.js';
import type { Architecture, Rope, RopeScaling } from './config.js';

interface Sizes {
  readonly headSize: number;
  readonly contextLength: number;
}

const DEFAULT_THETA = 10000;
const GEMMA3_THETA = 1_000_000;
const GEMMA3_LOCAL_THETA = 10000;

/** `text` for the keys that older files have at the top, `rope` for the object of the rope. */
interface Source {
  readonly text: JsonFields;
  readonly rope: JsonFields | undefined;
  readonly contextLength: number;
}

const originalContext = ({ text, rope, contextLength }: Source) =>
  rope?.number('original_max_position_embeddings') ?? text.number('original_max_position_embeddings') ?? contextLength;

function yarn(source: Source, rope: JsonFields): RopeScaling {
  if (rope.boolean('truncate') === false)
    throw new ComputeError('UNSUPPORTED', `${rope.path}: YaRN with 'truncate' of false`);
  const factor = rope.required('factor');
  const magnitude = (scale: number) => (factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1);
  const [mscale, allDims] = [rope.number('mscale'), rope.number('mscale_all_dim')];
  const derived = mscale && allDims ? magnitude(mscale) / magnitude(allDims) : magnitude(1);
  return {
    kind: 'yarn',
    factor,
    originalContext: originalContext(source),
    betaFast: rope.number('beta_fast') ?? 32,
    betaSlow: rope.number('beta_slow') ?? 1,
    attentionFactor: rope.number('attention_factor') ?? derived,
  };
}

function longRope(source: Source, rope: JsonFields): RopeScaling {
  const [shortFactors, longFactors] = [rope.numbers('short_factor'), rope.numbers('long_factor')];
  if (!shortFactors || !longFactors)
    throw new ComputeError('INVALID_FILE', `${rope.path}: the rope has neither 'short_factor' nor 'long_factor'`);
  const original = originalContext(source);
  const stretch = original < source.contextLength ? source.contextLength / original : (rope.number('factor') ?? 1);
  const derived = stretch <= 1 ? 1 : Math.sqrt(1 + Math.log(stretch) / Math.log(original));
  return {
    kind: 'longrope',
    shortFactors,
    longFactors,
    originalContext: original,
    attentionFactor: rope.number('attention_factor') ?? derived,
  };
}

function scalingOf(source: Source): RopeScaling | undefined {
  const { rope } = source;
  const type = rope?.string('rope_type') ?? rope?.string('type') ?? 'default';
  if (!rope || type === 'default') return undefined;
  if (type === 'linear') return { kind: 'linear', factor: rope.required('factor') };
  if (type === 'yarn') return yarn(source, rope);
  if (type === 'longrope' || type === 'su') return longRope(source, rope);
  if (type !== 'llama3') throw new ComputeError('UNSUPPORTED', `${rope.path}: rope of type '${type.slice(0, 80)}'`);
  return {
    kind: 'llama3',
    factor: rope.required('factor'),
    lowFrequencyFactor: rope.required('low_freq_factor'),
    highFrequencyFactor: rope.required('high_freq_factor'),
    originalContext: originalContext(source),
  };
}

/** The rope of layers that see everything, and the theta of those with a window where it is another. */
export function ropeFromHf(text: JsonFields, architecture: Architecture, sizes: Sizes): Rope {
  const isGemma = architecture === 'gemma3';
  const parameters = text.object('rope_parameters');
  const rope = parameters?.object('full_attention') ?? parameters ?? text.object('rope_scaling');
  const local = parameters?.object('sliding_attention');
  const scaling = scalingOf({ text, rope, contextLength: sizes.contextLength });
  const partial = rope?.number('partial_rotary_factor') ?? text.number('partial_rotary_factor') ?? 1;
  const localTheta = local?.number('rope_theta') ?? text.number('rope_local_base_freq') ?? GEMMA3_LOCAL_THETA;
  return {
    style: 'halves',
    dims: Math.floor(sizes.headSize * partial),
    theta: rope?.number('rope_theta') ?? text.number('rope_theta') ?? (isGemma ? GEMMA3_THETA : DEFAULT_THETA),
    ...(isGemma && { localTheta }),
    ...(scaling && { scaling }),
  };
}
