import { version_core as version } from '@tensorflow/tfjs-core';
import { useWasm } from '../../tensorflow/wasm.js';
import type { Weights } from '../weights/weights.js';
import type { Engine } from './engine.js';
import { buildStack } from './tfjs-stack.js';

/** TensorFlow.js on WebAssembly: runs anywhere, on one core, and blocks the event loop while it computes. */
export async function openWasm(weights: Weights): Promise<Engine> {
  await useWasm();
  const stack = buildStack('wasm', weights);
  return {
    name: 'wasm',
    description: `tfjs-backend-wasm ${version}, CPU, 1 thread`,
    batchSize: 1,
    run: (pixels) => stack.run(pixels),
    close: async () => stack.dispose(),
  };
}
