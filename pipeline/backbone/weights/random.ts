import { randomNormal } from 'd3-random';
import seedrandom from 'seedrandom';
import { STACK } from '../vgg16.js';
import type { NamedTensor, TensorSource } from './weights.js';

/**
 * Weights that were never trained, for trying pool5 and for tests: kernels N(0, 2 / (9 * inputs)), which keeps the
 * scale of relu's outputs (He et al., "Delving Deep into Rectifiers", 2015, equation 10), biases 0.
 */
export function drawWeights(seed: string): TensorSource {
  const inputs = new Map(STACK.flatMap((layer) => (layer.kind === 'conv' ? [[layer.name, layer] as const] : [])));
  return (name, part): NamedTensor | undefined => {
    const layer = inputs.get(name);
    if (layer === undefined) return undefined;
    if (part === 'bias') return { shape: [layer.outputs], data: new Float32Array(layer.outputs) };
    const shape = [3, 3, layer.inputs, layer.outputs];
    const draw = randomNormal.source(seedrandom(`${seed} ${name}`))(0, Math.sqrt(2 / (9 * layer.inputs)));
    const data = new Float32Array(9 * layer.inputs * layer.outputs);
    for (let i = 0; i < data.length; i++) data[i] = draw();
    return { shape, data };
  };
}
