import { FEATURE_LENGTH } from '../backbone/vgg16.js';
import { InputError } from '../errors.js';
import type { FeatureCache, FeatureRow } from '../features/schema.js';

/**
 * A cache's rows in digest order, each checked.
 * @throws InputError for a row of another length or with a number that is not finite
 */
export async function* checkedRows(cache: FeatureCache, digests: Iterable<string>): AsyncGenerator<FeatureRow> {
  for await (const row of cache.rows(digests)) {
    const bad = row.feature.length === FEATURE_LENGTH ? row.feature.findIndex((value) => !Number.isFinite(value)) : 0;
    if (bad !== -1) {
      const found = row.feature.length === FEATURE_LENGTH ? `${row.feature[bad]} at ${bad}` : `${row.feature.length}`;
      throw new InputError({
        expected: `${FEATURE_LENGTH.toLocaleString('en')} finite numbers for a photograph`,
        found,
        where: `${cache.folder}, ${nameOf(cache, row.digest)}`,
        fix: 'Delete this folder and run pool5 extract again.',
      });
    }
    yield row;
  }
}

function nameOf(cache: FeatureCache, digest: string): string {
  for (const [id, each] of cache.images) if (each === digest) return id;
  return `digest ${digest}`;
}

/** Rows packed one after the other. */
export interface RowBlock {
  readonly digests: readonly string[];
  /** float32 [digests.length, 25088]. */
  readonly features: Float32Array;
}

/** Groups rows into blocks of at most `size`, so that memory does not grow with the cache. */
export async function* rowBlocks(
  cache: FeatureCache,
  digests: Iterable<string>,
  size: number,
): AsyncGenerator<RowBlock> {
  let names: string[] = [];
  let features = new Float32Array(size * FEATURE_LENGTH);
  for await (const { digest, feature } of checkedRows(cache, digests)) {
    features.set(feature, names.length * FEATURE_LENGTH);
    names.push(digest);
    if (names.length < size) continue;
    yield { digests: names, features };
    names = [];
    features = new Float32Array(size * FEATURE_LENGTH);
  }
  if (names.length > 0) yield { digests: names, features: features.subarray(0, names.length * FEATURE_LENGTH) };
}
