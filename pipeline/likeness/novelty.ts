import { distance } from './descriptor.js';

/** Distance from a descriptor to the nearest of others; Infinity where there are none. */
export function nearestDistance(descriptor: Float32Array, others: readonly Float32Array[]): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (const other of others) nearest = Math.min(nearest, distance(descriptor, other));
  return nearest;
}

/** Each training photograph's distance to the nearest other one, sorted. */
export function spacing(training: readonly Float32Array[]): Float64Array {
  const nearest = new Float64Array(training.length).fill(Number.POSITIVE_INFINITY);
  for (const [i, a] of training.entries()) {
    for (let j = i + 1; j < training.length; j++) {
      const between = distance(a, training[j] ?? a);
      nearest[i] = Math.min(nearest[i] ?? between, between);
      nearest[j] = Math.min(nearest[j] ?? between, between);
    }
  }
  return nearest.toSorted();
}

/**
 * The distance beyond which a photograph is unlike the training ones: fewer than 1 in 100 photographs like them would
 * be that far from their nearest (the conformal quantile ceil((n + 1) * 0.99) of their own spacing; with fewer than 99
 * of them, the largest).
 * @param sorted what `spacing` returns
 * @returns Infinity where fewer than 2 photographs leave nothing to measure
 */
export function farThreshold(sorted: Float64Array): number {
  const rank = Math.min(sorted.length, Math.ceil((sorted.length + 1) * 0.99));
  return sorted[rank - 1] ?? Number.POSITIVE_INFINITY;
}
