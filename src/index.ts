// Public exports only.

export { hasMatrixUnits, testMatrixUnits } from './kernels/matrix-units.js';
export {
  type ChatMessage,
  ChatTemplate,
  type ChatTemplateSource,
  type ChatTemplateTokens,
  type RenderOptions,
} from './llm/chat-template.js';
export type { Architecture, ModelConfig } from './llm/config.js';
export type { GenerateOptions } from './llm/generate-options.js';
export type { FinishReason, Generation, GenerationChunk, GenerationSummary } from './llm/generation.js';
export {
  type ChatOptions,
  type EmbedOptions,
  LanguageModel,
  type Perplexity,
  type PerplexityOptions,
  type Prompt,
} from './llm/language-model.js';
export type { ModelInfo, ModelLoadOptions } from './llm/load-model.js';
export type { LoadProgress } from './llm/load-progress.js';
export { ModelFile } from './llm/model-file.js';
export { StopMatcher, type StopResult, TextStream } from './llm/tokenizer/text-stream.js';
export {
  type DecodeOptions as DetokenizeOptions,
  type EncodeOptions as TokenizeOptions,
  Tokenizer,
} from './llm/tokenizer/tokenizer.js';
export { Activation, type ActivationShape, type Form as ActivationForm } from './nn/activation.js';
export {
  type AttentionCall,
  type HeadColumns,
  type RotationCall,
  recordAttention,
  recordRope,
} from './nn/attention.js';
export { type EmbeddingCall, recordEmbedding } from './nn/embedding.js';
export { type ActivationCall, recordActivation } from './nn/feed-forward.js';
export { type HostWeightsOptions, readWeights, weightsFrom } from './nn/host-weights.js';
export { formFor, type ProjectionCall, recordProjection } from './nn/linear.js';
export { type NormCall, recordNorm } from './nn/norm.js';
export { encodeSpans, type PooledSpan, type PoolingCall, recordPooling, SPAN_WORDS } from './nn/pooling.js';
export {
  type QuantizeChoice,
  type RepackCall,
  recordRepack,
  type SourceType,
  sourceRowBytes,
  weightsFor,
} from './nn/repack.js';
export { type RopeTableOptions, type RopeTableScaling, ropeTable } from './nn/rope.js';
export {
  encodeSampling,
  isPenalised,
  LIVE,
  promptCounts,
  recordSampling,
  SAMPLING_WORDS,
  type SamplingCall,
  type SamplingOptions,
  winnerWords,
} from './nn/sampling.js';
export { NO_TARGET, recordScores, type ScoresCall } from './nn/scores.js';
export {
  type AttentionInput,
  recordSparseAttention,
  type SparseAttentionOptions,
  type SparseAttentionShape,
  type SparseAttentionTensors,
  sparseAttention,
} from './nn/sparse-attention.js';
export { type Scaling as WeightScaling, type WeightKind, type WeightShape, Weights } from './nn/weights.js';
export type { AbortOptions } from './runtime/abort.js';
export type { DataType, TypedArray } from './runtime/data-types.js';
export { Device, type DeviceOpenOptions } from './runtime/device.js';
export { listDiagnostics } from './runtime/device-choice.js';
export { ComputeError, type ComputeErrorCode, type ComputeErrorOptions } from './runtime/errors.js';
export { type FileLoadOptions, FileSource } from './runtime/file-source.js';
export type { Backend, DeviceInfo, Diagnosis, MemoryInfo } from './runtime/native.js';
export {
  type CommandTime,
  type DispatchCall,
  type Grid,
  Program,
  type ProgramRunOptions,
  type ProgramRunResult,
  Recorder,
} from './runtime/program.js';
export type { Progress } from './runtime/progress.js';
export type { WarningCode } from './runtime/session.js';
export { Tensor, type TensorReadOptions, type TensorWriteOptions } from './runtime/tensor.js';
export { FlatIndex, type FlatIndexOptions } from './vector/flat-index.js';
export * from './vector/formats/index.js';
export type { InvertedSearchOptions } from './vector/inverted-index.js';
export { IvfFlatIndex, type IvfFlatTrainOptions } from './vector/ivf-flat-index.js';
export { IvfPqIndex, type IvfPqTrainOptions } from './vector/ivf-pq-index.js';
export { type Assignment, KMeans, type KMeansTrainOptions } from './vector/kmeans.js';
export type { Metric } from './vector/metric.js';
export {
  type KeyOptions,
  MultiHeadSimilarity,
  type MultiHeadSimilarityCall,
  type MultiHeadSimilarityOptions,
  multiHeadSimilarity,
  type ScoreOptions,
  type TopKeys,
  type TopKeysOptions,
} from './vector/multi-head-similarity.js';
export {
  type DecodeOptions,
  type EncodedTensors,
  type EncodedVectors,
  type EncodeOptions,
  NeuralCodec,
  type NeuralCodecMetrics,
} from './vector/neural-codec.js';
export {
  type CodecActivation,
  type DenseWeights,
  NEURAL_CODEC_PRESETS,
  type NeuralCodecProgress,
  type NeuralCodecShape,
  type NeuralCodecTrainOptions,
  type NeuralCodecWeights,
} from './vector/neural-codec-options.js';
export { NeuralFlatIndex, type NeuralFlatIndexOptions } from './vector/neural-flat-index.js';
export type { VectorInput } from './vector/packed-rows.js';
export {
  type PqFirstOptions,
  PqIndexer,
  type PqIndexerOptions,
  type PqNextOptions,
  type SparseList,
} from './vector/pq-indexer.js';
export { ProductQuantizer, type ProductQuantizerTrainOptions } from './vector/product-quantizer.js';
export type { AddOptions, IndexStats, SearchOptions, SearchResult } from './vector/search-index.js';
export type { KMeansInit } from './vector/seeding.js';
export type { Ids } from './vector/slot-ids.js';
export type { KMeansProgress } from './vector/train-centroids.js';
export type { TrainingOptions } from './vector/training-options.js';
