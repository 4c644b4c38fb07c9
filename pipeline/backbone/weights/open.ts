import type { Weights } from './weights.js';
export async function openWeights(_spec: string | undefined): Promise<Weights> {
  throw new Error('todo');
}
