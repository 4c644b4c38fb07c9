import {
  add,
  conv2d,
  dispose,
  maxPool,
  relu,
  reverse,
  sub,
  tensor1d,
  tensor4d,
  tidy,
  type Tensor1D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import { IMAGE_SIZE, MEAN_RGB, STACK } from '../vgg16.js';
import type { Weights } from '../weights/weights.js';
import { batchOf } from './engine.js';

/** The stack in TensorFlow.js ops, on whatever backend is set. */
export interface TfjsStack {
  /** @see Engine.run */
  run(pixels: Uint8Array): Promise<Float32Array>;
  dispose(): void;
}

/** Puts the weights on the current backend. */
export function buildStack(weights: Weights): TfjsStack {
  const layers = new Map<string, { kernel: Tensor4D; bias: Tensor1D }>();
  for (const layer of STACK) {
    const found = weights.layers.get(layer.name);
    if (layer.kind !== 'conv' || found === undefined) continue;
    const kernel = tensor4d(found.kernel, [3, 3, layer.inputs, layer.outputs]);
    layers.set(layer.name, { kernel, bias: tensor1d(found.bias) });
  }
  const mean = tensor1d([...MEAN_RGB]);
  return {
    async run(pixels) {
      const n = batchOf(pixels);
      const features = tidy(() => {
        const rgb = tensor4d(Float32Array.from(pixels), [n, IMAGE_SIZE, IMAGE_SIZE, 3]);
        let last: Tensor4D = reverse(sub<Tensor4D>(rgb, mean), 3); // to BGR
        for (const layer of STACK) {
          const conv = layers.get(layer.name);
          last =
            conv === undefined
              ? maxPool(last, 2, 2, 'valid')
              : relu(add<Tensor4D>(conv2d(last, conv.kernel, 1, 'same'), conv.bias));
        }
        return last;
      });
      try {
        return Float32Array.from(await features.data());
      } finally {
        features.dispose();
      }
    },
    dispose() {
      for (const { kernel, bias } of layers.values()) dispose([kernel, bias]);
      mean.dispose();
    },
  };
}
