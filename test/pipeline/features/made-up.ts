import { createHash } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import seedrandom from 'seedrandom';
import { writeCurrent } from '../../../pipeline/features/cache.js';
import { writeIndex } from '../../../pipeline/features/image-index.js';
import { folderName } from '../../../pipeline/features/key.js';
import { newHeader, writeHeader } from '../../../pipeline/features/manifest.js';
import type { CacheKey } from '../../../pipeline/features/schema.js';
import type { NewRow } from '../../../pipeline/features/shard.js';
import { commitShard } from '../../../pipeline/features/store.js';

export const KEY: CacheKey = { weights: 'a'.repeat(64), preprocessing: '1', layer: 'pool5', dtype: 'float32' };

/** Effects of a run that nobody watches or interrupts. */
export const QUIET = { log: () => undefined, signal: new AbortController().signal };

export const digestOf = (id: string): string => createHash('sha256').update(id).digest('hex');

/** Rows of p0.jpg, p1.jpg, ... with random features, in digest order. */
export function madeUpRows(count: number, first = 0): NewRow[] {
  return Array.from({ length: count }, (_, i) => {
    const id = `p${first + i}.jpg`;
    const random = seedrandom(id);
    const feature = Float32Array.from({ length: 25_088 }, () => Math.max(0, 60 * (random() - 0.7)));
    return { digest: digestOf(id), id, feature };
  }).toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
}

export interface MadeUpCache {
  /** For --features. */
  readonly features: string;
  readonly folder: string;
}

/** A cache of the rows, cut into shards of `size`. */
export async function madeUpCache(rows: readonly NewRow[], size: number, key = KEY): Promise<MadeUpCache> {
  const features = await mkdtemp(join(tmpdir(), 'pool5 features '));
  const folder = join(features, folderName(key));
  await writeHeader(folder, newHeader(key, { origin: 'a test', random: false }));
  for (let i = 0; i < rows.length; i += size) await commitShard(folder, rows.slice(i, i + size), key, 'a test');
  const image = { size: 1, mtime: '1', ctime: '1', seen: '9' };
  await writeIndex(folder, new Map(rows.map(({ id, digest }) => [id, { id, digest, ...image }])));
  await writeCurrent(features, folderName(key));
  return { features, folder };
}
