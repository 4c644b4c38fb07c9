import { rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { openCache } from '../../pipeline/features/cache.js';
import { contentDigest } from '../../pipeline/features/places.js';
import { commitShard } from '../../pipeline/features/store.js';
import { digestOf, KEY, madeUpCache, madeUpRows } from '../pipeline/features/made-up.js';

/** 352 shards of 64 rows of 100,352 bytes: 2.1 GiB. */
const SHARDS = 352;

it.skipIf(process.env['POOL5_LARGE'] === undefined)(
  'a cache of more than 2 GiB is read by parts (skips without POOL5_LARGE=1; writes 2.3 GB)',
  async () => {
    const { bavail, bsize } = await statfs(tmpdir());
    expect(bavail * bsize).toBeGreaterThan(4e9);
    const pattern = madeUpRows(64).map((row) => row.feature);
    const { features, folder } = await madeUpCache(madeUpRows(1), 1);
    try {
      for (let shard = 0; shard < SHARDS; shard++) {
        const rows = pattern.map((feature, i) => ({ digest: digestOf(`${shard}/${i}`), id: `${shard}/${i}`, feature }));
        await commitShard(folder, rows, KEY, 'a test');
      }
      const cache = await openCache(features);
      expect(cache.shards.reduce((sum, shard) => sum + shard.bytes, 0)).toBeGreaterThan(2 ** 31);
      expect(contentDigest(cache.places)).toMatch(/^[0-9a-f]{64}$/);
      let rows = 0;
      let most = 0;
      const before = process.memoryUsage().rss;
      for await (const { feature } of cache.rows()) {
        rows += feature.length === 25_088 ? 1 : 0;
        if (rows % 500 === 0) most = Math.max(most, process.memoryUsage().rss - before);
      }
      expect(rows).toBe(SHARDS * 64 + 1);
      console.log(`read ${rows} rows; resident memory grew by ${(most / 1e6).toFixed(0)} MB`);
      expect(most).toBeLessThan(400e6);
    } finally {
      await rm(features, { recursive: true });
    }
  },
  600_000,
);
