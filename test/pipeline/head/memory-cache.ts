import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FEATURE_LENGTH } from '../../../pipeline/backbone/vgg16.js';
import { writeCurrent } from '../../../pipeline/features/cache.js';
import { writeIndex } from '../../../pipeline/features/image-index.js';
import { folderName, identityOf } from '../../../pipeline/features/key.js';
import { newHeader, writeHeader } from '../../../pipeline/features/manifest.js';
import type { CacheKey, FeatureCache } from '../../../pipeline/features/schema.js';
import { commitShard } from '../../../pipeline/features/store.js';
import { uniformStream } from '../../../pipeline/head/random.js';

export const KEY: CacheKey = { weights: 'a'.repeat(64), preprocessing: '1', layer: 'pool5', dtype: 'float32' };

export const digestOf = (id: string): string => createHash('sha256').update(id).digest('hex');

/** Like pool5's: not negative, many zeros. */
export function randomFeature(seed: number): Float32Array {
  const uniform = uniformStream(seed, 'feature');
  return Float32Array.from({ length: FEATURE_LENGTH }, () => Math.max(0, 60 * (uniform() - 0.7)));
}

/** A cache in memory that counts the rows it gave; what is derived from it lies in a temporary folder. */
export function memoryCache(features: ReadonlyMap<string, Float32Array>): FeatureCache & { given: string[] } {
  const images = new Map([...features.keys()].map((id) => [id, digestOf(id)]));
  const byDigest = new Map([...features].map(([id, feature]) => [digestOf(id), feature]));
  const given: string[] = [];
  return {
    folder: mkdtempSync(join(tmpdir(), 'pool5-head-')),
    key: KEY,
    identity: identityOf(KEY),
    images,
    given,
    async *rows(digests = byDigest.keys()) {
      for (const digest of [...new Set(digests)].toSorted()) {
        const feature = byDigest.get(digest);
        if (feature === undefined) throw new Error(`no ${digest}`);
        given.push(digest);
        yield { digest, feature: Float32Array.from(feature) };
      }
    },
  };
}

/** Photographs 0.jpg, 1.jpg, ... with random features. */
export function randomFeatures(count: number, first = 0): Map<string, Float32Array> {
  return new Map(Array.from({ length: count }, (_, i) => [`${first + i}.jpg`, randomFeature(first + i)]));
}

/** Writes a cache as extract does. @returns the folder for --features */
export async function writeCache(features: ReadonlyMap<string, Float32Array>, key = KEY): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'pool5-features-'));
  const folder = join(root, folderName(key));
  await writeHeader(folder, newHeader(key, { origin: 'a test', random: false }));
  const rows = [...features]
    .map(([id, feature]) => ({ id, digest: digestOf(id), feature }))
    .toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
  await commitShard(folder, rows, key, 'a test');
  const image = { size: 1, mtime: '1', ctime: '1', seen: '9' };
  await writeIndex(folder, new Map(rows.map(({ id, digest }) => [id, { id, digest, ...image }])));
  await writeCurrent(root, folderName(key));
  return root;
}
