// Gemma 3 (text): as Llama, with a norm behind the attention and behind the feed-forward block before each is added.
import type { Layer, Next } from '../layers.js';
import type { Pass } from '../pass.js';

/** Source: Gemma Team, "Gemma 3 Technical Report" (2025). */
export function recordGemma3Layer(pass: Pass, layer: Layer, next: Next): void {
  const { postAttentionNorm, postFeedForwardNorm } = layer;
  if (!postAttentionNorm || !postFeedForwardNorm) throw new TypeError('a Gemma 3 layer has norms behind both blocks');
  pass.projectHeads(layer);
  pass.attend(layer);
  pass.addNormed(layer.output, postAttentionNorm, { norm: layer.feedForwardNorm, reader: layer.gateUp });
  pass.feedForward(layer);
  pass.addNormed(layer.down, postFeedForwardNorm, next);
}
