import type { Weights } from '../weights/weights.js';
import type { Engine, EngineName, EngineOptions } from './engine.js';
import { openOnnx } from './onnx.js';
export async function openEngine(
  _name: 'auto' | EngineName,
  weights: Weights,
  options: EngineOptions,
): Promise<Engine> {
  return openOnnx(weights, options);
}
