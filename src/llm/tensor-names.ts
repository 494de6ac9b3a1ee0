// What the tensors of a model are called in GGUF and in Hugging Face files.
import type { ModelConfig } from './config.js';

/** Parts of a layer. `qkv` and `gateUp` are those that some models store as one matrix. */
export type LayerRole =
  | 'attentionNorm'
  | 'q'
  | 'k'
  | 'v'
  | 'qkv'
  | 'o'
  | 'qNorm'
  | 'kNorm'
  | 'qBias'
  | 'kBias'
  | 'vBias'
  | 'qkvBias'
  | 'postAttentionNorm'
  | 'ffnNorm'
  | 'gate'
  | 'up'
  | 'gateUp'
  | 'down'
  | 'postFfnNorm';

export interface TensorNames {
  readonly embedding: string;
  readonly outputNorm: string;
  readonly output: string;
  /** What all names of layers begin with. */
  readonly layerPrefix: string;
  layer(index: number, role: LayerRole): string;
}

const GGUF: Readonly<Record<LayerRole, string>> = {
  attentionNorm: 'attn_norm.weight',
  q: 'attn_q.weight',
  k: 'attn_k.weight',
  v: 'attn_v.weight',
  qkv: 'attn_qkv.weight',
  o: 'attn_output.weight',
  qNorm: 'attn_q_norm.weight',
  kNorm: 'attn_k_norm.weight',
  qBias: 'attn_q.bias',
  kBias: 'attn_k.bias',
  vBias: 'attn_v.bias',
  qkvBias: 'attn_qkv.bias',
  postAttentionNorm: 'post_attention_norm.weight',
  ffnNorm: 'ffn_norm.weight',
  gate: 'ffn_gate.weight',
  up: 'ffn_up.weight',
  // Where there is no gate, it is the first half of this.
  gateUp: 'ffn_up.weight',
  down: 'ffn_down.weight',
  postFfnNorm: 'post_ffw_norm.weight',
};

const HUGGING_FACE: Readonly<Record<LayerRole, string>> = {
  attentionNorm: 'input_layernorm.weight',
  q: 'self_attn.q_proj.weight',
  k: 'self_attn.k_proj.weight',
  v: 'self_attn.v_proj.weight',
  qkv: 'self_attn.qkv_proj.weight',
  o: 'self_attn.o_proj.weight',
  qNorm: 'self_attn.q_norm.weight',
  kNorm: 'self_attn.k_norm.weight',
  qBias: 'self_attn.q_proj.bias',
  kBias: 'self_attn.k_proj.bias',
  vBias: 'self_attn.v_proj.bias',
  qkvBias: 'self_attn.qkv_proj.bias',
  postAttentionNorm: 'post_attention_layernorm.weight',
  ffnNorm: 'pre_feedforward_layernorm.weight',
  gate: 'mlp.gate_proj.weight',
  up: 'mlp.up_proj.weight',
  gateUp: 'mlp.gate_up_proj.weight',
  down: 'mlp.down_proj.weight',
  postFfnNorm: 'post_feedforward_layernorm.weight',
};

export const GGUF_NAMES: TensorNames = {
  embedding: 'token_embd.weight',
  outputNorm: 'output_norm.weight',
  output: 'output.weight',
  layerPrefix: 'blk.',
  layer: (index, role) => `blk.${index}.${GGUF[role]}`,
};

/** Where the text model is inside of one for text and images too. */
const PREFIXES = ['model.', 'language_model.model.', 'model.language_model.', ''];

/** Names of a Hugging Face model; `has` tells which tensors there are. */
export function huggingFaceNames(config: ModelConfig, has: (name: string) => boolean): TensorNames {
  const prefix = PREFIXES.find((candidate) => has(`${candidate}embed_tokens.weight`)) ?? 'model.';
  const head = prefix === 'language_model.model.' ? 'language_model.lm_head.weight' : 'lm_head.weight';
  // Without norms behind the blocks, "post attention" means the norm before the feed-forward block.
  const ffnNorm = config.postNorms ? HUGGING_FACE.ffnNorm : 'post_attention_layernorm.weight';
  const names = { ...HUGGING_FACE, ffnNorm };
  return {
    embedding: `${prefix}embed_tokens.weight`,
    outputNorm: `${prefix}norm.weight`,
    output: head,
    layerPrefix: `${prefix}layers.`,
    layer: (index, role) => `${prefix}layers.${index}.${names[role]}`,
  };
}
