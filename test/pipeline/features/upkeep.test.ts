import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openCache } from '../../../pipeline/features/cache.js';
import { compact } from '../../../pipeline/features/compact.js';
import { compareCaches } from '../../../pipeline/features/difference.js';
import { readManifest } from '../../../pipeline/features/manifest.js';
import { contentDigest, placesOf } from '../../../pipeline/features/places.js';
import { prune } from '../../../pipeline/features/prune.js';
import { commitShard } from '../../../pipeline/features/store.js';
import { lock } from '../../../pipeline/files/lock.js';
import { digestOf, KEY, madeUpCache, madeUpRows, QUIET, type MadeUpCache } from './made-up.js';

const made: MadeUpCache[] = [];
async function cacheOf(...args: Parameters<typeof madeUpCache>): Promise<MadeUpCache> {
  const cache = await madeUpCache(...args);
  made.push(cache);
  return cache;
}
afterEach(async () => {
  for (const { features } of made.splice(0)) await rm(features, { recursive: true });
});

const bytesOf = async ({ folder }: MadeUpCache): Promise<number> => (await readManifest(folder)).shards[0]?.bytes ?? 0;

const contentOf = async (folder: string): Promise<string> =>
  contentDigest(placesOf((await readManifest(folder)).shards));

async function expectRows(features: string, ids: readonly string[]): Promise<void> {
  const expected = new Map(madeUpRows(102).map((row) => [row.digest, row.feature]));
  const digests: string[] = [];
  for await (const { digest, feature } of (await openCache(features)).rows()) {
    digests.push(digest);
    const there = expected.get(digest);
    expect(there?.length === feature.length && feature.every((value, i) => value === there[i])).toBe(true);
  }
  expect(digests).toEqual(ids.map(digestOf).toSorted());
}

const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `p${i}.jpg`);

describe('content digest', () => {
  it('does not depend on how rows are cut into shards, and does on every number', async () => {
    const rows = madeUpRows(5);
    const [one, many] = [await cacheOf(rows, 5), await cacheOf(rows, 2)];
    expect(await contentOf(one.folder)).toBe(await contentOf(many.folder));
    rows[2]?.feature.fill(1e-30, 7, 8);
    expect(await contentOf((await cacheOf(rows, 5)).folder)).not.toBe(await contentOf(one.folder));
  });
});

describe('compact', () => {
  it('merges small shards, leaves a full one alone and keeps the content', async () => {
    const { features, folder } = await cacheOf(madeUpRows(64), 64);
    const [full] = await readdir(join(folder, 'shards'));
    for (const row of madeUpRows(6, 64)) await commitShard(folder, [row], KEY, 'a test');
    const before = await contentOf(folder);
    expect(await compact(folder, KEY)).toEqual({ before: 7, after: 2 });
    expect(await contentOf(folder)).toBe(before);
    expect(await readdir(join(folder, 'shards'))).toContain(full);
    await expectRows(features, ids(70));
    expect(await compact(folder, KEY)).toEqual({ before: 2, after: 2 });
  });

  it('makes shards of like size, and leaves alone those of half a full one and more', async () => {
    const { features, folder } = await cacheOf(madeUpRows(32), 32);
    const [half] = await readdir(join(folder, 'shards'));
    for (let at = 32; at < 102; at += 7) await commitShard(folder, madeUpRows(7, at), KEY, 'a test');
    const before = await contentOf(folder);
    expect(await compact(folder, KEY)).toEqual({ before: 11, after: 3 });
    expect(await contentOf(folder)).toBe(before);
    expect(await readdir(join(folder, 'shards'))).toContain(half);
    expect((await readManifest(folder)).shards.map(({ digests }) => digests.length).toSorted((a, b) => a - b)).toEqual([
      32, 35, 35,
    ]);
    await expectRows(features, ids(102));
  });

  it('does not mix engines', async () => {
    const { folder } = await cacheOf(madeUpRows(2), 1);
    for (const row of madeUpRows(2, 2)) await commitShard(folder, [row], KEY, 'another engine');
    expect(await compact(folder, KEY)).toEqual({ before: 4, after: 2 });
    expect((await readManifest(folder)).shards.map(({ engine }) => engine).toSorted()).toEqual([
      'a test',
      'another engine',
    ]);
  });

  it('merges shards of one engine whatever its threads, and then names none; a graph stays by itself', async () => {
    const { features, folder } = await cacheOf([], 1);
    const engines = ['1 thread', '16 threads', '4 threads, Winograd', '4 threads, Winograd', '4 threads'];
    for (const [i, engine] of engines.entries()) {
      await commitShard(folder, madeUpRows(1, i), KEY, `onnxruntime-node 1.30.0, CPU, ${engine}`);
    }
    const before = await contentOf(folder);
    expect(await compact(folder, KEY)).toEqual({ before: 5, after: 2 });
    const { shards } = await readManifest(folder);
    expect(Object.fromEntries(shards.map(({ engine, digests }) => [engine, digests.length]))).toEqual({
      'onnxruntime-node 1.30.0, CPU': 3,
      'onnxruntime-node 1.30.0, CPU, 4 threads, Winograd': 2,
    });
    expect(await contentOf(folder)).toBe(before);
    await expectRows(features, ids(5));
    await commitShard(folder, madeUpRows(1, 5), KEY, 'onnxruntime-node 1.30.0, CPU, 2 threads');
    expect(await compact(folder, KEY)).toEqual({ before: 3, after: 2 });
  });

  it('after a kill between writing and removing drops what is there twice', async () => {
    const { features, folder } = await cacheOf(madeUpRows(4), 1);
    const before = await contentOf(folder);
    await commitShard(folder, madeUpRows(4), KEY, 'a test');
    await expectRows(features, ids(4));
    expect(await contentOf(folder)).toBe(before);
    expect(await compact(folder, KEY)).toEqual({ before: 5, after: 1 });
    await expectRows(features, ids(4));
  });
});

describe('prune', () => {
  it('drops rows that no photograph names, rewriting only the shards that hold them, and other keys', async () => {
    const { features, folder } = await cacheOf(madeUpRows(8), 2);
    const before = await readdir(join(folder, 'shards'));
    const stale = join(features, 'pool5-float32-0123456789ab');
    const newer = join(features, 'pool5-float16-0123456789ab');
    const int8 = join(features, 'pool5-float32-int8-0123456789ab');
    await cp(folder, stale, { recursive: true });
    await cp(folder, int8, { recursive: true });
    await mkdir(newer);
    await writeFile(join(newer, 'manifest.json'), '{"format":2}');
    await mkdir(join(features, 'my notes'));
    const gone = 'p3.jpg';
    const pruned = await prune(folder, KEY, (id) => id !== gone);
    expect({ ...pruned, folders: pruned.folders.toSorted() }).toEqual({
      images: 1,
      rows: 1,
      folders: [stale, int8],
      inUse: [],
    });
    await expectRows(
      features,
      ids(8).filter((id) => id !== gone),
    );
    expect((await openCache(features)).images.has(gone)).toBe(false);
    const after = new Set(await readdir(join(folder, 'shards')));
    expect(before.filter((file) => after.has(file))).toHaveLength(3);
    expect([existsSync(stale), existsSync(newer), existsSync(join(features, 'my notes'))]).toEqual([false, true, true]);
  });

  it('leaves a cache of another key that another run fills, mends or lists into, and names it', async () => {
    const { features, folder } = await cacheOf(madeUpRows(2), 1);
    const busy = join(features, 'pool5-float32-0123456789ab');
    await cp(folder, busy, { recursive: true });
    for (const name of ['7f', 'upkeep', 'index']) {
      const held = await lock(join(busy, 'locks', name));
      const { folders, inUse } = await prune(folder, KEY, () => true);
      const owner = expect.stringMatching(`^process ${process.pid} on ${hostname()}, since 20`);
      expect({ folders, inUse }).toEqual({ folders: [], inUse: [{ folder: busy, owner }] });
      expect(await readdir(join(busy, 'locks'))).toEqual([name]);
      expect(await readdir(join(busy, 'shards'))).toHaveLength(2);
      await held.release();
    }
    expect(await prune(folder, KEY, () => true)).toEqual({ images: 0, rows: 0, folders: [busy], inUse: [] });
    expect(existsSync(busy)).toBe(false);
  });
});

describe('float16', () => {
  it('halves the shards and gives the nearest half-precision numbers as float32', async () => {
    const rows = madeUpRows(3);
    const single = await cacheOf(rows, 3);
    const half = await cacheOf(rows, 3, { ...KEY, dtype: 'float16' });
    expect((await bytesOf(half)) / (await bytesOf(single))).toBeCloseTo(0.5, 2);
    const difference = await compareCaches(await openCache(single.features), await openCache(half.features));
    expect(difference).toMatchObject({ tolerance: 1e-3, within: true, onlyHere: 0, onlyThere: 0 });
    expect(difference.largest).toBeGreaterThan(1e-4);
    expect(difference.largest).toBeLessThan(2 ** -11);
    const before = await contentOf(half.folder);
    for (const row of madeUpRows(1, 3)) await commitShard(half.folder, [row], { ...KEY, dtype: 'float16' }, 'a test');
    await compact(half.folder, { ...KEY, dtype: 'float16' });
    await prune(half.folder, { ...KEY, dtype: 'float16' }, () => true);
    expect(await contentOf(half.folder)).toBe(before);
  });

  it('refuses a number that half precision cannot hold', async () => {
    const [row] = madeUpRows(1);
    row?.feature.fill(70_000, 9, 10);
    await expect(madeUpCache(row === undefined ? [] : [row], 1, { ...KEY, dtype: 'float16' })).rejects.toThrow(
      'Expected finite float16 features, got 70000 for p0.jpg from a test.',
    );
  });
});

it('compares caches row by row', async () => {
  const rows = madeUpRows(3);
  const a = await cacheOf(rows, 3);
  const scale = Math.max(...(rows[1]?.feature ?? []));
  rows[1]?.feature.fill(scale * 0.5, 0, 1);
  const was = madeUpRows(3)[1]?.feature[0] ?? NaN;
  const b = await cacheOf([...rows, ...madeUpRows(1, 3)], 2);
  const result = await compareCaches(await openCache(a.features), await openCache(b.features));
  expect(result).toMatchObject({ tolerance: 1e-5, within: false, onlyHere: 0, onlyThere: 1 });
  expect(result.rows.map(({ digest }) => digest)).toEqual(rows.map(({ digest }) => digest));
  expect(result.rows.map(({ difference }) => difference > 0)).toEqual([false, true, false]);
  expect(result.largest).toBeCloseTo(Math.abs(was - scale * 0.5) / scale, 5);
});

it('a shard that a kill left without its entry is taken as it is; one of another key is not', async () => {
  const { folder } = await cacheOf(madeUpRows(2), 1);
  const { survey, mend } = await import('../../../pipeline/features/store.js');
  const other = await cacheOf(madeUpRows(1), 1, { ...KEY, preprocessing: '0' });
  const [foreign = ''] = await readdir(join(other.folder, 'shards'));
  await writeFile(join(folder, 'shards', foreign), await readFile(join(other.folder, 'shards', foreign)));
  const before = await contentOf(folder);
  for (const name of await readdir(join(folder, 'manifest'))) await rm(join(folder, 'manifest', name));
  const found = await survey(folder, KEY, false, new AbortController().signal);
  expect(found.damaged).toEqual([{ file: `shards/${foreign}`, reason: 'made for another key' }]);
  expect(found.shards.map(({ engine }) => engine)).toEqual(['a test', 'a test']);
  await mend(folder, KEY, { origin: 'a test', random: false }, found, QUIET);
  expect(await contentOf(folder)).toBe(before);
  expect(await readdir(join(folder, 'shards'))).toHaveLength(2);
});

it('what another run did since the survey is looked at again: neither an entry without a shard nor a sound shard lost', async () => {
  const { folder } = await cacheOf(madeUpRows(3), 1);
  const { survey, mend } = await import('../../../pipeline/features/store.js');
  const names = (await readManifest(folder)).shards.map(({ file }) => file);
  const [merged = '', mended = ''] = names;
  const entryOf = (file: string): string => join(folder, 'manifest', file.replace('arrow', 'json'));
  const shardOf = (file: string): string => join(folder, 'shards', file);
  await rm(entryOf(merged)); // as compact does first
  const sound = await readFile(shardOf(mended));
  await writeFile(shardOf(mended), 'damaged');
  const found = await survey(folder, KEY, false, QUIET.signal);
  expect(found.orphans.map(({ file }) => file)).toEqual([merged]);
  expect(found.damaged.map(({ file }) => file)).toEqual([`shards/${mended}`]);
  await rm(shardOf(merged)); // as compact does next
  await writeFile(shardOf(mended), sound);
  await mend(folder, KEY, { origin: 'a test', random: false }, found, QUIET);
  expect((await readManifest(folder)).shards.map(({ file }) => file)).toEqual(names.slice(1));
  expect(existsSync(shardOf(mended))).toBe(true);
});

it('a damaged shard without an entry is looked at again, since another run may have written it anew', async () => {
  const { folder } = await cacheOf(madeUpRows(3), 1);
  const { survey, mend } = await import('../../../pipeline/features/store.js');
  const names = (await readManifest(folder)).shards.map(({ file }) => file);
  const [anew = '', damaged = ''] = names;
  const shardOf = (file: string): string => join(folder, 'shards', file);
  const sound = await readFile(shardOf(anew));
  for (const file of [anew, damaged]) {
    await rm(join(folder, 'manifest', file.replace('arrow', 'json')));
    await writeFile(shardOf(file), 'damaged');
  }
  const found = await survey(folder, KEY, false, QUIET.signal);
  expect(found.damaged.map(({ file }) => file)).toEqual([`shards/${anew}`, `shards/${damaged}`]);
  await writeFile(shardOf(anew), sound); // as another run does, before it writes the entry
  await mend(folder, KEY, { origin: 'a test', random: false }, found, QUIET);
  const left = names.filter((file) => file !== damaged);
  expect((await readManifest(folder)).shards.map(({ file }) => file)).toEqual(left);
  expect((await readdir(join(folder, 'shards'))).toSorted()).toEqual(left);
});
