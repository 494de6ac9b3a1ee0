// wavetile/nn: what layers of networks are recorded with, for programs of one's own.

export { Activation, type ActivationForm, type ActivationShape } from './activation.js';
export { type AttentionCall, type HeadColumns, type RotationCall, recordAttention, recordRope } from './attention.js';
export { type EmbeddingCall, recordEmbedding } from './embedding.js';
export { type ActivationCall, recordActivation } from './feed-forward.js';
export { type HostWeightsOptions, readWeights, weightsFrom } from './host-weights.js';
export { formFor, type ProjectionCall, recordProjection } from './linear.js';
export { type NormCall, recordNorm } from './norm.js';
export { encodeSpans, type PooledSpan, type PoolingCall, recordPooling, SPAN_WORDS } from './pooling.js';
export {
  type QuantizeChoice,
  type RepackCall,
  recordRepack,
  type SourceType,
  sourceRowBytes,
  weightsFor,
} from './repack.js';
export { type RopeTableOptions, type RopeTableScaling, ropeTable } from './rope.js';
export {
  encodeSampling,
  isPenalized,
  LIVE,
  NO_TOKEN,
  promptCounts,
  recordSampling,
  SAMPLING_WORDS,
  type SamplingCall,
  type SamplingOptions,
  winnerWords,
} from './sampling.js';
export { NO_TARGET, recordScores, type ScoresCall } from './scores.js';
export {
  recordSparseAttention,
  type SparseAttentionShape,
  type SparseAttentionTensors,
} from './sparse-attention.js';
export { type WeightKind, type WeightScaling, type WeightSegment, type WeightShape, Weights } from './weights.js';
