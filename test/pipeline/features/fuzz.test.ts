import { readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { InputError } from '../../../pipeline/errors.js';
import { openCache } from '../../../pipeline/features/cache.js';
import { survey } from '../../../pipeline/features/store.js';
import { KEY, madeUpCache, madeUpRows, type MadeUpCache } from './made-up.js';

const rows = madeUpRows(2);
const truth = new Map(rows.map((row) => [row.digest, row.feature]));
let cache: MadeUpCache;
let shard: string;
let entry: string;

beforeAll(async () => {
  cache = await madeUpCache(rows, 2);
  shard = join(cache.folder, 'shards', (await readdir(join(cache.folder, 'shards')))[0] ?? '');
  entry = join(cache.folder, 'manifest', (await readdir(join(cache.folder, 'manifest')))[0] ?? '');
});
afterAll(() => rm(cache.features, { recursive: true }));

const wound = fc.record({
  file: fc.constantFrom('shard', 'shard', 'entry', 'index', 'manifest'),
  place: fc.double({ min: 0, max: 1, noNaN: true }),
  /** Headers are small: half of the wounds are near one of the ends. */
  near: fc.constantFrom('anywhere', 'start', 'end'),
  bits: fc.integer({ min: 1, max: 255 }),
  cut: fc.boolean(),
});

it('an injured cache gives the right rows or an error that a person can read, never a wrong row', async () => {
  const paths = {
    shard,
    entry,
    index: join(cache.folder, 'images.jsonl'),
    manifest: join(cache.folder, 'manifest.json'),
  };
  const sound = Object.fromEntries(
    await Promise.all(Object.entries(paths).map(async ([name, path]) => [name, await readFile(path)] as const)),
  );
  let [right, refused] = [0, 0];
  await fc.assert(
    fc.asyncProperty(wound, async ({ file, place, near, bits, cut }) => {
      const bytes = Buffer.from(sound[file] ?? '');
      const span = near === 'anywhere' ? bytes.length : Math.min(bytes.length, 2000);
      const position = Math.min(
        bytes.length - 1,
        (near === 'end' ? bytes.length - span : 0) + Math.floor(place * span),
      );
      bytes[position] = (bytes[position] ?? 0) ^ bits;
      await writeFile(paths[file], cut ? bytes.subarray(0, position) : bytes);
      try {
        const opened = await openCache(cache.features);
        for (const [id, digest] of opened.images) {
          if (rows.find((row) => row.id === id)?.digest !== digest) throw new Error(`${id} has another's digest`);
        }
        for await (const { digest, feature } of opened.rows()) {
          const expected = truth.get(digest);
          if (
            expected === undefined ||
            Buffer.compare(Buffer.from(expected.buffer), Buffer.from(feature.buffer)) !== 0
          ) {
            throw new Error(`a wrong row of ${digest}`);
          }
        }
        right++;
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        refused++;
      }
      await survey(cache.folder, KEY, true, new AbortController().signal); // looks at orphans too
      await writeFile(paths[file], sound[file] ?? '');
    }),
    { numRuns: 400, seed: 2 },
  );
  expect(Math.min(right, refused)).toBeGreaterThan(20);
});

it('the last bit of any one character of the index or an entry: never another name or row', async () => {
  const truthOf = new Map(rows.map((row) => [row.id, row.digest]));
  for (const path of [entry, join(cache.folder, 'images.jsonl')]) {
    const bytes = await readFile(path);
    for (let position = 0; position < bytes.length; position++) {
      const injured = Buffer.from(bytes);
      injured[position] = (injured[position] ?? 0) ^ 1;
      await writeFile(path, injured);
      const opened = await openCache(cache.features).catch((error: unknown) => {
        if (error instanceof InputError) return undefined;
        throw error;
      });
      for (const [id, digest] of opened?.images ?? []) expect([id, digest]).toEqual([id, truthOf.get(id)]);
      for (const digest of opened?.places.keys() ?? []) expect(truth.has(digest)).toBe(true);
      expect(path === entry && opened !== undefined).toBe(false);
    }
    await writeFile(path, bytes);
  }
});

it('a flip that keeps size and times is found by whoever reads, and then by the next survey', async () => {
  const bytes = await readFile(shard);
  const { signal } = new AbortController();
  const old = new Date(1e12);
  await utimes(shard, old, old);
  const before = await survey(cache.folder, KEY, false, signal);
  expect(before.damaged).toEqual([]);
  const injured = Buffer.from(bytes);
  injured[50_000] = (injured[50_000] ?? 0) ^ 1;
  await writeFile(shard, injured);
  await expect(
    (async () => {
      for await (const row of (await openCache(cache.features)).rows()) expect(row.feature.length).toBe(25_088);
    })(),
  ).rejects.toThrow(/^Expected a shard as it was written, got wrong checksum of row 1 /);
  const after = await survey(cache.folder, KEY, false, signal);
  expect(after.damaged).toEqual([{ file: `shards/${shard.slice(-38)}`, reason: 'wrong checksum' }]);
  await writeFile(shard, bytes);
});
