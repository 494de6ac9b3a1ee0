// Which recording belongs to which architecture.
import type { Architecture } from '../config.js';
import type { Layer, Next } from '../layers.js';
import type { Pass } from '../pass.js';
import { recordGemma3Layer } from './gemma3.js';
import { recordLlamaLayer } from './llama.js';

type RecordLayer = (pass: Pass, layer: Layer, next: Next) => void;

const LAYERS: Readonly<Record<Architecture, RecordLayer>> = {
  llama: recordLlamaLayer,
  mistral: recordLlamaLayer,
  qwen2: recordLlamaLayer,
  qwen3: recordLlamaLayer,
  phi3: recordLlamaLayer,
  gemma3: recordGemma3Layer,
};

/** Records one layer of a pass, up to what `next` reads. */
export function recordLayer(architecture: Architecture, pass: Pass, layers: { layer: Layer; next: Next }): void {
  LAYERS[architecture](pass, layers.layer, layers.next);
}
