import {
  add,
  conv2d,
  dispose,
  getBackend,
  maxPool,
  relu,
  reverse,
  setBackend,
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

/** The stack in TensorFlow.js ops. */
export interface TfjsStack {
  /** @see Engine.run */
  run(pixels: Uint8Array): Promise<Float32Array>;
  dispose(): void;
}

/**
 * Computes on a backend that has been set before, and leaves the backend of everybody else as it was: TensorFlow.js has
 * one for the whole thread, and the head has its own.
 */
function onBackend<T>(name: string, compute: () => T): T {
  const before = getBackend();
  if (before !== name) void setBackend(name); // a backend that has been set before is set at once
  try {
    return compute();
  } finally {
    if (before !== name) void setBackend(before);
  }
}

/** Puts the weights on a backend that has been set before; every run is on it. */
export function buildStack(weights: Weights, backend: 'wasm' | 'tensorflow'): TfjsStack {
  const { layers, mean } = onBackend(backend, () => upload(weights));
  return {
    async run(pixels) {
      const n = batchOf(pixels);
      const compute = (): Tensor4D => {
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
      };
      const features = onBackend(backend, () => tidy(compute));
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

interface Uploaded {
  /** By layer name: kernel [3, 3, inputs, outputs] and bias [outputs]. */
  readonly layers: ReadonlyMap<string, { kernel: Tensor4D; bias: Tensor1D }>;
  /** [3], RGB. */
  readonly mean: Tensor1D;
}

function upload(weights: Weights): Uploaded {
  const layers = new Map<string, { kernel: Tensor4D; bias: Tensor1D }>();
  for (const layer of STACK) {
    const found = weights.layers.get(layer.name);
    if (layer.kind !== 'conv' || found === undefined) continue;
    const kernel = tensor4d(found.kernel, [3, 3, layer.inputs, layer.outputs]);
    layers.set(layer.name, { kernel, bias: tensor1d(found.bias) });
  }
  return { layers, mean: tensor1d([...MEAN_RGB]) };
}
