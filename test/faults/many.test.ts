import { readdir, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { newFolder, pool5 } from '../stages/command-line.js';
import { succeed } from './extraction.js';
import { drawTinyPicture, fillCache } from './filled-cache.js';

/** Rows on disk; 10,000 (1 GB) with POOL5_LARGE=1. */
const ROWS = process.env['POOL5_LARGE'] === undefined ? 200 : 10_000;

it(
  `${ROWS} unchanged pictures are not read, and one more costs one pass and rewrites no shard`,
  async () => {
    const { bavail, bsize } = await statfs(tmpdir());
    expect(bavail * bsize).toBeGreaterThan(ROWS * 2e5);
    const folder = await newFolder();
    const [images, features] = [join(folder, 'images'), join(folder, 'features')];
    const extract = async (): Promise<unknown> =>
      JSON.parse((await succeed(pool5('extract', '--images', images, '--features', features, '--json'))).stdout);
    try {
      const cache = await fillCache({ images, features }, ROWS);
      await setTimeout(2100); // what changed within two seconds of the listing is read again
      const counts = { changed: 0, renamed: 0, missing: 0, rejected: 0 };
      const fresh = { plan: { ...counts, fresh: ROWS, new: 0 }, pending: 0, computed: 0, repaired: [] };
      expect(await extract()).toMatchObject(fresh);

      const times: number[] = [];
      for (let run = 0; run < 5; run++) {
        const started = performance.now();
        expect(await extract()).toMatchObject(fresh);
        times.push(performance.now() - started);
      }
      console.log(`extract of ${ROWS} unchanged pictures: ${times.map((time) => `${time.toFixed(0)} ms`).join(', ')}`);

      const shards = async (): Promise<Map<string, string>> => {
        const names = await readdir(join(cache, 'shards'));
        const stats = await Promise.all(names.map((name) => stat(join(cache, 'shards', name), { bigint: true })));
        return new Map(names.map((name, i) => [name, `${stats[i]?.ino} ${stats[i]?.mtimeNs} ${stats[i]?.ctimeNs}`]));
      };
      const before = await shards();
      await drawTinyPicture(join(images, 'one more.png'), ROWS);
      expect(await extract()).toMatchObject({ plan: { ...counts, fresh: ROWS, new: 1 }, computed: 1, repaired: [] });
      const after = await shards();
      expect(after.size).toBe(before.size + 1);
      expect([...before].filter(([name, state]) => after.get(name) !== state)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  60_000 + ROWS * 30,
);
