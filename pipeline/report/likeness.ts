import type { FeatureCache } from '../features/schema.js';
import { descriptorOf } from '../likeness/descriptor.js';
import { doubtfulLabels, nearDuplicates } from '../likeness/suspects.js';
import type { Outcome, RunReport } from './outcome.js';

/** Photographs beyond which comparing all pairs would take minutes. */
export const MOST_COMPARED = 4000;

/** Entries of either list that a page shows. */
const MOST_SHOWN = 24;

/**
 * Finds near-duplicates and doubtful labels among a run's photographs.
 * @throws InputError where the cache lacks a photograph or is damaged
 */
export async function likenessOf(cache: FeatureCache, outcomes: readonly Outcome[]): Promise<RunReport['likeness']> {
  const known = outcomes.flatMap((outcome) => {
    const digest = cache.images.get(outcome.id);
    return digest === undefined ? [] : [{ outcome, digest }];
  });
  const descriptors = new Map<string, Float32Array>();
  for await (const { digest, feature } of cache.rows(known.map((each) => each.digest))) {
    descriptors.set(digest, descriptorOf(feature));
  }
  const photographs = known.flatMap(({ outcome, digest }) => {
    const descriptor = descriptors.get(digest);
    return descriptor === undefined ? [] : [{ ...outcome, descriptor }];
  });
  const duplicates = nearDuplicates(photographs.map(({ descriptor }) => descriptor)).flatMap(({ a, b, distance }) => {
    const [first, second] = [photographs[a], photographs[b]];
    if (first === undefined || second === undefined) return [];
    return [
      {
        a: first.id,
        b: second.id,
        distance,
        splits: [first.split, second.split] as const,
        targets: [first.target, second.target] as const,
      },
    ];
  });
  const suspects = doubtfulLabels(photographs).flatMap(({ index, expected, score }) => {
    const photograph = photographs[index];
    return photograph === undefined
      ? []
      : [{ id: photograph.id, target: photograph.target, prediction: photograph.prediction, expected, score }];
  });
  return { duplicates: duplicates.slice(0, MOST_SHOWN), suspects: suspects.slice(0, MOST_SHOWN) };
}
