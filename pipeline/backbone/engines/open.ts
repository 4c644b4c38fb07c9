import { existsSync } from 'node:fs';
import type { Weights } from '../weights/weights.js';
import type { Engine, EngineName, EngineOptions } from './engine.js';

/** NVIDIA's driver shows itself here; without it TensorFlow, 600 MB, need not be loaded to find no GPU. */
const NVIDIA = ['/dev/nvidia0', '/dev/dxg'];

/**
 * Opens an engine; loads only the code of the one that is opened.
 * @param name `auto`: TensorFlow where a GPU really runs through it, else onnxruntime
 * @throws WorldError where an engine that was asked for by name does not load
 */
export async function openEngine(name: 'auto' | EngineName, weights: Weights, options: EngineOptions): Promise<Engine> {
  if (name === 'tensorflow') return (await import('./tensorflow.js')).openTensorflow(weights);
  if (name === 'wasm') return (await import('./wasm.js')).openWasm(weights);
  const gpu = name === 'auto' ? await openGpu(weights) : undefined;
  return gpu ?? (await import('./onnx.js')).openOnnx(weights, options);
}

/** The tensorflow engine where it runs on a GPU. */
async function openGpu(weights: Weights): Promise<Engine | undefined> {
  if (!NVIDIA.some((device) => existsSync(device))) return undefined;
  const { openTensorflow } = await import('./tensorflow.js');
  const engine = await openTensorflow(weights).catch(() => undefined); // chosen automatically: onnx is named instead
  if (engine === undefined || engine.description.endsWith('GPU')) return engine;
  await engine.close();
  return undefined;
}
