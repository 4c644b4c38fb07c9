import type { Engine, EngineName, EngineOptions } from './engine.js';
import type { Weights } from '../weights/weights.js';
export async function openEngine(_n: 'auto' | EngineName, _w: Weights, _o: EngineOptions): Promise<Engine> {
  throw new Error('todo');
}
