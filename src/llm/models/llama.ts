// Llama 2 and 3, SmolLM2, Mistral, Qwen2, Qwen3 and Phi-3: norm, attention, add; norm, gated feed-forward, add.
// They differ in data alone: biases, norms of queries and keys, windows, rotation.
import type { Layer, Next } from '../layers.js';
import type { Pass } from '../pass.js';

/** Source: Touvron et al., "Llama 2" (2023); Jiang et al., "Mistral 7B" (2023); Yang et al., "Qwen2" (2024). */
export function recordLlamaLayer(pass: Pass, layer: Layer, next: Next): void {
  pass.projectHeads(layer);
  pass.attend(layer);
  pass.addProjection(layer.output, { norm: layer.feedForwardNorm, reader: layer.gateUp });
  pass.feedForward(layer);
  pass.addProjection(layer.down, next);
}
