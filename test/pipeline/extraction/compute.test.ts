import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Engine } from '../../../pipeline/backbone/engines/engine.js';
import { FEATURE_LENGTH } from '../../../pipeline/backbone/vgg16.js';
import { compareFolder } from '../../../pipeline/extraction/compare.js';
import { cachedDigests, computeRanges, type Job } from '../../../pipeline/extraction/compute.js';
import { readManifest } from '../../../pipeline/features/manifest.js';
import { cutRanges } from '../../../pipeline/features/ranges.js';
import type { CacheKey } from '../../../pipeline/features/schema.js';
import { commitShard, removeShard } from '../../../pipeline/features/store.js';
import { nodeEffects } from '../../../pipeline/terminal/effects.js';
import type { Progress } from '../../../pipeline/terminal/progress.js';
import { drawPictures } from '../../faults/extraction.js';
import { madeUpCache, madeUpRows } from '../features/made-up.js';
import { newFolder } from '../../stages/command-line.js';

const KEY: CacheKey = { weights: '0'.repeat(64), preprocessing: '1', layer: 'pool5', dtype: 'float32' };

it('begins the next range while it computes one, and never gives an engine two batches at once', async () => {
  const folder = await newFolder();
  const images = join(folder, 'images');
  await drawPictures(images, 6);
  const { signal } = new AbortController();
  const effects = nodeEffects({ quiet: true, signal });
  const paths = { images, features: join(folder, 'features'), rehash: false };
  const comparison = await compareFolder(paths, KEY, signal);
  const ranges = cutRanges(comparison.plan.pending, 1);
  expect(ranges).toHaveLength(6);

  // Each batch takes until two ranges are locked: the next is begun although one is under way.
  let settled = 0;
  const alone = async (): Promise<boolean> =>
    settled < 4 && (await readdir(join(comparison.folder, 'locks'))).length < 2; // at the end there is no other
  let underWay = 0;
  let most = 0;
  const engine: Engine = {
    name: 'onnx',
    description: 'counts',
    batchSize: 4,
    async run() {
      most = Math.max(most, ++underWay);
      while (await alone()) await setImmediate();
      underWay--;
      return new Float32Array(FEATURE_LENGTH);
    },
    close: async () => undefined,
  };
  const progress = (): Progress => ({ update: (count) => void (settled = count), stop: () => undefined });
  const job: Job = {
    folder: comparison.folder,
    key: KEY,
    loadWeights: () => Promise.reject(new Error('not asked for')),
    engine: 'auto',
    workers: 1,
    planned: comparison.plan.pending,
    shardRows: 1,
    rejected: (_, reason) => expect.unreachable(reason),
  };
  const computed = await computeRanges(ranges, job, { ...effects, progress }, async () => [engine]);
  expect(computed).toEqual({ rows: 6, engine: 'counts' });
  expect(most).toBe(1);
  await rm(folder, { recursive: true });
});

it('keeps one set of what the cache holds: it grows by new shards, and is made anew where one is gone', async () => {
  const rows = madeUpRows(4);
  const digests = rows.map(({ digest }) => digest);
  const { features, folder } = await madeUpCache(rows.slice(0, 2), 1, KEY);
  const cached = cachedDigests(folder);
  const first = await cached();
  expect([...first].toSorted()).toEqual(digests.slice(0, 2));
  await commitShard(folder, rows.slice(2), KEY, 'a test');
  expect(await cached()).toBe(first);
  expect([...first].toSorted()).toEqual(digests);
  const gone = (await readManifest(folder)).shards.find((shard) => shard.digests.length === 1);
  await removeShard(folder, gone?.file ?? '');
  expect([...(await cached())].toSorted()).toEqual(digests.filter((digest) => digest !== gone?.digests[0]));
  await rm(features, { recursive: true });
});
