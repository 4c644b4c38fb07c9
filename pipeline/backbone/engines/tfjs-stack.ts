import { setImmediate } from 'node:timers/promises';
import {
  fused,
  getBackend,
  maxPool,
  reverse,
  setBackend,
  sub,
  tensor1d,
  tensor4d,
  tidy,
  type Tensor1D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import { WorldError } from '../../errors.js';
import { IMAGE_SIZE, MEAN_RGB, STACK } from '../vgg16.js';
import type { Weights } from '../weights/weights.js';
import { batchOf } from './engine.js';

/** The stack in TensorFlow.js ops. */
interface TfjsStack {
  /** @see Engine.run */
  run(pixels: Uint8Array): Promise<Float32Array>;
  dispose(): void;
}

/**
 * Puts the weights on a backend, which must be initialized. What else runs in this thread (the head, on WebAssembly)
 * keeps its own: a tensor moves silently to the backend of the op that takes it.
 */
export function buildStack(backend: string, weights: Weights): TfjsStack {
  const layers = new Map<string, { kernel: Tensor4D; bias: Tensor1D }>();
  const mean = on(backend, () => {
    for (const layer of STACK) {
      const found = weights.layers.get(layer.name);
      if (layer.kind !== 'conv' || found === undefined) continue;
      const kernel = tensor4d(found.kernel, [3, 3, layer.inputs, layer.outputs]);
      layers.set(layer.name, { kernel, bias: tensor1d(found.bias) });
    }
    return tensor1d([...MEAN_RGB]);
  });
  let closed = false;

  function prepare(pixels: Uint8Array, n: number): Tensor4D {
    const rgb = tensor4d(new Float32Array(pixels), [n, IMAGE_SIZE, IMAGE_SIZE, 3]);
    return reverse(sub<Tensor4D>(rgb, mean), 3); // to BGR
  }

  /** One layer; its input is given up, since conv1's outputs take 13 MB a picture each. */
  function apply(layer: (typeof STACK)[number], input: Tensor4D): Tensor4D {
    const conv = layers.get(layer.name);
    const output =
      conv === undefined
        ? maxPool(input, 2, 2, 'valid')
        : fused.conv2d({
            x: input,
            filter: conv.kernel,
            bias: conv.bias,
            strides: 1,
            pad: 'same',
            activation: 'relu',
          });
    input.dispose();
    return output;
  }

  return {
    async run(pixels) {
      const n = batchOf(pixels);
      if (closed) throw new WorldError('The engine is closed.');
      let last = on(backend, () => tidy(() => prepare(pixels, n)));
      try {
        for (const layer of STACK) {
          const input = last;
          last = on(backend, () => tidy(() => apply(layer, input)));
          await setImmediate(); // signals and timers are heard between layers: wasm and CPU block this thread
          if (closed) throw new WorldError('The engine is closed.');
        }
        return Float32Array.from(await last.data());
      } finally {
        last.dispose();
      }
    },
    dispose() {
      if (closed) return;
      closed = true;
      for (const { kernel, bias } of layers.values()) {
        kernel.dispose();
        bias.dispose();
      }
      mean.dispose();
    },
  };
}

/** Does synchronous work on a backend and sets the former again. An initialized backend is set at once. */
function on<T>(backend: string, work: () => T): T {
  const before: string | undefined = getBackend();
  if (before === backend) return work();
  void setBackend(backend);
  try {
    return work();
  } finally {
    if (before !== undefined) void setBackend(before);
  }
}
