// Codecs as safetensors files: encoder.0.weight, encoder.0.bias, … with the shape in the metadata.
import { readSafetensors, type SafeTensor, type SafeTensors, writeSafetensors } from '../formats/safetensors.js';
import { ComputeError } from '../runtime/errors.js';
import {
  type CodecShape,
  checkCodecShape,
  checkWeights,
  type DenseWeights,
  layerWidths,
  type NeuralCodecShape,
  type NeuralCodecWeights,
} from './neural-codec-options.js';

const FORMAT = 'wavetile-neural-codec';
const VERSION = '1';

export interface SavedCodec {
  readonly shape: CodecShape;
  readonly weights: NeuralCodecWeights;
}

const SIDES = ['encoder', 'decoder'] as const;

function codecTensors({ shape, weights }: SavedCodec): SafeTensors {
  const tensors = new Map<string, SafeTensor>();
  const widths = layerWidths(shape);
  for (const side of SIDES) {
    for (const [i, layer] of weights[side].entries()) {
      const [inputs, outputs] = widths[side][i];
      tensors.set(`${side}.${i}.weight`, { shape: [outputs, inputs], data: layer.weights });
      if (layer.bias) tensors.set(`${side}.${i}.bias`, { shape: [outputs], data: layer.bias });
    }
  }
  return { metadata: { format: FORMAT, version: VERSION, shape: JSON.stringify(shape) }, tensors };
}

export function saveCodec(path: string, codec: SavedCodec, signal?: AbortSignal): Promise<void> {
  return writeSafetensors(path, codecTensors(codec), signal);
}

/** The codec in a file's tensors; every doubt about them is an INVALID_FILE error. */
function parseCodec(path: string, { metadata, tensors }: SafeTensors): SavedCodec {
  const invalid = (what: string) => new ComputeError('INVALID_FILE', `${path}: ${what}`);
  if (metadata.format !== FORMAT) throw invalid('it does not hold a neural codec');
  if (metadata.version !== VERSION) throw invalid(`written by format ${metadata.version}, this build reads ${VERSION}`);
  try {
    const shape = checkCodecShape('the codec', JSON.parse(metadata.shape ?? 'null') as NeuralCodecShape, []);
    const layers = (side: 'encoder' | 'decoder'): DenseWeights[] =>
      layerWidths(shape)[side].map(([inputs, outputs], i) => {
        const weights = tensors.get(`${side}.${i}.weight`);
        const bias = tensors.get(`${side}.${i}.bias`);
        if (weights?.shape.join() !== [outputs, inputs].join() || (bias && bias.shape.join() !== `${outputs}`))
          throw new RangeError(`layer ${i} of its ${side} has another shape than its metadata says`);
        return bias ? { weights: weights.data, bias: bias.data } : { weights: weights.data };
      });
    return {
      shape,
      weights: checkWeights('the codec', shape, { encoder: layers('encoder'), decoder: layers('decoder') }),
    };
  } catch (error) {
    throw new ComputeError('INVALID_FILE', `${path}: ${(error as Error).message}`, { cause: error });
  }
}

export async function loadCodec(path: string): Promise<SavedCodec> {
  return parseCodec(path, await readSafetensors(path));
}
