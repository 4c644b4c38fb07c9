import { InterruptedError } from '../errors.js';
import type { FeatureCache } from '../features/schema.js';
import { descriptorOf } from '../likeness/descriptor.js';
import { neighboursOf } from '../likeness/neighbours.js';
import { COPY_DISTANCE, doubtfulLabels, NEIGHBOURS } from '../likeness/suspects.js';
import type { Effects } from '../terminal/effects.js';
import type { Outcome, RunReport } from './outcome.js';

/**
 * Photographs beyond which comparing all pairs would take many minutes: 20,000 are 200 million pairs, about a minute on
 * one core.
 */
export const MOST_COMPARED = 20_000;

/** Entries of either list that a page shows. */
const MOST_SHOWN = 24;

/**
 * Finds near-duplicates and doubtful labels among a run's photographs.
 * @throws InputError where the cache lacks a photograph or is damaged; InterruptedError
 */
export async function likenessOf(
  cache: FeatureCache,
  outcomes: readonly Outcome[],
  { progress, signal }: Pick<Effects, 'progress' | 'signal'>,
): Promise<RunReport['likeness']> {
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
  const bar = progress('Look-alikes', photographs.length, 'photographs');
  const onDone = (done: number): void => {
    if (signal.aborted)
      throw new InterruptedError(signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT', 'No page was written.');
    bar.update(done);
  };
  const { nearest, close } = await neighboursOf(
    photographs.map(({ descriptor }) => descriptor),
    { count: NEIGHBOURS, within: COPY_DISTANCE, onDone },
  ).finally(() => bar.stop());
  const duplicates = close.flatMap(({ a, b, distance }) => {
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
  const suspects = doubtfulLabels(photographs, nearest).flatMap(({ index, expected, score }) => {
    const photograph = photographs[index];
    return photograph === undefined
      ? []
      : [{ id: photograph.id, target: photograph.target, prediction: photograph.prediction, expected, score }];
  });
  return { duplicates: duplicates.slice(0, MOST_SHOWN), suspects: suspects.slice(0, MOST_SHOWN) };
}
