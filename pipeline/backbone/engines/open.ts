import { existsSync } from 'node:fs';
import { InputError, WorldError } from '../../errors.js';
import type { Weights } from '../weights/weights.js';
import type { Engine, EngineName, EngineOptions } from './engine.js';

/** NVIDIA's driver shows itself here; without it TensorFlow, 600 MB, need not be loaded to find no GPU. */
const NVIDIA = ['/dev/nvidia0', '/dev/dxg'];

/** Where `auto` looks for a GPU, and what opens TensorFlow. */
export interface GpuSearch {
  readonly devices: readonly string[];
  readonly open: () => Promise<Engine>;
}

/**
 * Opens an engine; loads only the code of the one that is opened.
 * @param name `auto`: TensorFlow where a GPU really runs through it, else onnxruntime
 * @throws WorldError where an engine that was asked for by name does not load; InputError where it lacks the graph
 */
export async function openEngine(name: 'auto' | EngineName, weights: Weights, options: EngineOptions): Promise<Engine> {
  if (options.graph === 'int8' && name !== 'auto' && name !== 'onnx') {
    throw new InputError({ expected: '--engine onnx for features of an int8 stack', found: `--engine ${name}` });
  }
  if (name === 'tensorflow') return (await import('./tensorflow.js')).openTensorflow(weights);
  if (name === 'wasm') return (await import('./wasm.js')).openWasm(weights);
  const gpu = name === 'auto' && options.graph !== 'int8' ? await openNvidia(weights) : undefined;
  return gpu ?? (await import('./onnx/onnx.js')).openOnnx(weights, options);
}

/** TensorFlow on an NVIDIA GPU; undefined where there is none. */
export async function openNvidia(weights: Weights): Promise<Engine | undefined> {
  return openGpu({
    devices: NVIDIA,
    open: async () => (await import('./tensorflow.js')).openTensorflow(weights),
  });
}

/** The tensorflow engine where it runs on a GPU; undefined where there is none or TensorFlow does not load. */
export async function openGpu({ devices, open }: GpuSearch): Promise<Engine | undefined> {
  if (!devices.some((device) => existsSync(device))) return undefined;
  const engine = await open().catch((error: unknown) => {
    if (error instanceof WorldError) return undefined; // nobody asked for it by name; doctor tells why
    throw error;
  });
  if (engine === undefined || engine.description.endsWith('GPU')) return engine;
  await engine.close();
  return undefined;
}
