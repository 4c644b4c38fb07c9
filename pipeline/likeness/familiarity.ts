import type { FeatureCache } from '../features/schema.js';
import { descriptorOf } from './descriptor.js';
import { farThreshold, nearestDistance, spacing } from './novelty.js';

/** Knows what training photographs look like. */
export interface Familiarity {
  /** Distance beyond which a photograph is unlike them; see farThreshold. */
  readonly threshold: number;
  /**
   * Distance to the training photograph that looks most alike.
   * @param feature float32 [7, 7, 512], flattened
   */
  readonly distanceOf: (feature: Float32Array) => number;
}

/**
 * Describes training photographs by their features.
 * @param ids of those that a head was trained on; ids that the cache lacks are left out
 * @throws InputError where a row is damaged
 */
export async function familiarityOf(cache: FeatureCache, ids: Iterable<string>): Promise<Familiarity> {
  const digests = new Set<string>();
  for (const id of ids) {
    const digest = cache.images.get(id);
    if (digest !== undefined) digests.add(digest);
  }
  const descriptors: Float32Array[] = [];
  for await (const { feature } of cache.rows(digests)) descriptors.push(descriptorOf(feature));
  return {
    threshold: farThreshold(spacing(descriptors)),
    distanceOf: (feature) => nearestDistance(descriptorOf(feature), descriptors),
  };
}
