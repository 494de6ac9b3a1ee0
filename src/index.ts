// Public exports only.

export type { GgufMetadata } from './formats/gguf-metadata.js';
export type { LoadableType } from './formats/gguf-types.js';
export type { JsonObject } from './formats/json-file.js';
export { hasMatrixUnits, testMatrixUnits } from './kernels/matrix-units.js';
export {
  type ChatMessage,
  ChatTemplate,
  type ChatTemplateSource,
  type ChatTemplateTokens,
  type RenderOptions,
} from './llm/chat-template.js';
export type { Architecture, ModelConfig, Rope, RopeFactors, RopeScaling } from './llm/config.js';
export type { GenerateOptions } from './llm/generate-options.js';
export type { FinishReason, Generation, GenerationChunk, GenerationSummary } from './llm/generation.js';
export {
  type ChatOptions,
  type EmbedOptions,
  LanguageModel,
  type Perplexity,
  type PerplexityOptions,
} from './llm/language-model.js';
export type { ModelInfo, ModelLoadOptions } from './llm/load-model.js';
export type { LoadProgress } from './llm/load-progress.js';
export type { TokenizerSource } from './llm/model-content.js';
export { ModelFile } from './llm/model-file.js';
export type { LayerTensors, ModelTensors } from './llm/model-tensors.js';
export type { Quantize } from './llm/model-weights.js';
export type { Prompt } from './llm/prompt.js';
export type { SourceTensor } from './llm/source-tensor.js';
export type { LayerRole, TensorNames } from './llm/tensor-names.js';
export type { TokenizerMetadata } from './llm/tokenizer/from-gguf.js';
export type { TokenizerConfigJson, TokenizerJson } from './llm/tokenizer/from-json.js';
export { StopMatcher, type StopResult, TextStream } from './llm/tokenizer/text-stream.js';
export { type DetokenizeOptions, type TokenizeOptions, Tokenizer } from './llm/tokenizer/tokenizer.js';
export type { SamplingOptions } from './nn/sampling.js';
export { type AttentionInput, type SparseAttentionOptions, sparseAttention } from './nn/sparse-attention.js';
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
export { Tensor, type TensorReadOptions } from './runtime/tensor.js';
export { FlatIndex, type FlatIndexOptions } from './vector/flat-index.js';
export * from './vector/formats/index.js';
export type { InvertedIndex, InvertedSearchOptions } from './vector/inverted-index.js';
export { IvfFlatIndex, type IvfFlatTrainOptions } from './vector/ivf-flat-index.js';
export { IvfPqIndex, type IvfPqTrainOptions } from './vector/ivf-pq-index.js';
export { type Assignment, KMeans, type KMeansTrainOptions } from './vector/kmeans.js';
export type { Metric } from './vector/metric.js';
export {
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
  type CodecShape,
  type DenseWeights,
  NEURAL_CODEC_PRESETS,
  type NeuralCodecProgress,
  type NeuralCodecShape,
  type NeuralCodecTrainOptions,
  type NeuralCodecWeights,
} from './vector/neural-codec-options.js';
export { NeuralFlatIndex, type NeuralFlatIndexOptions } from './vector/neural-flat-index.js';
export {
  PqIndexer,
  type PqIndexerOptions,
  type PqNextOptions,
  type SparseList,
} from './vector/pq-indexer.js';
export { ProductQuantizer, type ProductQuantizerTrainOptions } from './vector/product-quantizer.js';
export type { AddOptions, IndexStats, SearchIndex, SearchOptions, SearchResult } from './vector/search-index.js';
export type { KMeansInit } from './vector/seeding.js';
export type { Ids } from './vector/slot-ids.js';
export type { KMeansProgress } from './vector/train-centroids.js';
export type { TrainingOptions } from './vector/training-options.js';
export type { VectorInput } from './vector/vector-input.js';
