import { randomNormal } from 'd3-random';
import seedrandom from 'seedrandom';

/** Uniform numbers in [0, 1): one stream for each seed and purpose, so that drawing more of one moves no other. */
export function uniformStream(seed: number, purpose: string): () => number {
  return seedrandom.alea(`${purpose}/${seed}`);
}

/** Independent normal numbers with mean 0. */
export function normalNumbers(count: number, deviation: number, seed: number, purpose: string): Float32Array {
  const draw = randomNormal.source(uniformStream(seed, purpose))(0, deviation);
  return Float32Array.from({ length: count }, draw);
}

/** 0 to count - 1 in random order (Fisher and Yates). */
export function permutation(count: number, uniform: () => number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(uniform() * (last + 1));
    const held = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = held;
  }
  return order;
}
