import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCache } from '../../pipeline/features/cache.js';
import { newFolder, pool5 } from '../stages/command-line.js';
import { drawPictures, inspect, leftovers, succeed } from './extraction.js';

const PICTURES = 6;

let folder: string;
let images: string;
let sound: string;
let undisturbed: string;
/** Paths of two rows' shards each, below the cache's folder, and of their entries. */
let shards: string[];
let entries: string[];

async function flipBit(path: string, position: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[position] = (bytes[position] ?? 0) ^ 16;
  await writeFile(path, bytes);
}

const half = async (path: string): Promise<void> => truncate(path, Math.floor((await readFile(path)).length / 2));

const extract = (features: string, ...more: string[]): ReturnType<typeof pool5> =>
  pool5('extract', '--images', images, '--features', features, '--shard-rows', '2', ...more);

async function copied(name: string): Promise<{ features: string; cache: string }> {
  const features = join(folder, name);
  await cp(sound, features, { recursive: true, preserveTimestamps: true });
  return { features, cache: join(features, await cacheName()) };
}

async function cacheName(): Promise<string> {
  return (await readFile(join(sound, 'current'), 'utf8')).trim();
}

async function readAll(features: string): Promise<number> {
  let rows = 0;
  const cache = await openCache(features);
  for await (const row of cache.rows()) rows += row.feature.length === 25_088 ? 1 : 0;
  return rows;
}

beforeAll(async () => {
  folder = await newFolder();
  [images, sound] = [join(folder, 'images'), join(folder, 'sound')];
  await drawPictures(images, PICTURES);
  await succeed(extract(sound));
  undisturbed = (await inspect(sound)).contentDigest;
  const cache = join(sound, await cacheName());
  shards = (await readdir(join(cache, 'shards'))).map((name) => `shards/${name}`);
  entries = (await readdir(join(cache, 'manifest'))).map((name) => `manifest/${name}`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const fix = 'Run pool5 extract again: it computes the damaged rows anew.';

describe('damage is named and never trained on', () => {
  it('reads a sound cache', async () => {
    expect(await readAll(sound)).toBe(PICTURES);
    expect([shards.length, entries.length]).toEqual([3, 3]);
  });

  it.each([
    [
      'a bit flipped in a feature',
      (path: string) => flipBit(path, 100_000),
      'wrong checksum of row 1',
      'wrong checksum',
    ],
    ['a truncated shard', half, /^\d+ bytes instead of \d+$/, /^\d+ bytes instead of \d+$/],
    ['a zero-byte shard', (path: string) => truncate(path, 0), /^0 bytes instead of \d+$/, /^0 bytes instead of \d+$/],
    ['a missing shard', (path: string) => rm(path), 'missing', 'missing'],
  ])('%s', async (name, injure, read, verified) => {
    const { features, cache } = await copied(name);
    const shard = join(cache, shards[0] ?? '');
    await injure(shard);
    const message = await readAll(features).catch((error: unknown) => String(error));
    expect(message).toMatch(/^InputError: Expected a shard as it was written, got /);
    const found = /got (.+) \((.+)\)\. (.+)$/.exec(String(message));
    expect(found?.[1]).toMatch(read);
    expect(found?.slice(2)).toEqual([shard, fix]);

    const inspected = await pool5('inspect', '--features', features, '--verify');
    expect(inspected).toMatchObject({ code: 2, stdout: '' });
    const [line = '', last = ''] = inspected.stderr.split('\n');
    expect(/^damaged: (.+): (.+); 2 rows$/.exec(line)?.[1]).toBe(shard);
    expect(/^damaged: (.+): (.+); 2 rows$/.exec(line)?.[2]).toMatch(verified);
    expect(last).toBe(`pool5: Expected 3 shards as they were written, got 1 damaged (${cache}). ${fix}`);

    const labels = join(folder, 'labels.csv');
    await writeFile(labels, `id,length\n${[0, 1, 2, 3, 4, 5].map((i) => `p${i}.jpg,${10 + i}\n`).join('')}`);
    const trained = await pool5(
      'train',
      '--labels',
      labels,
      '--features',
      features,
      '--artifacts',
      join(folder, 'runs'),
    );
    expect(trained.code).toBe(2);
    expect(trained.stderr).toContain(`(${shard}). ${fix}`);
  });

  it.each([
    ['cut in half', half],
    ['emptied', (path: string) => truncate(path, 0)],
    [
      'with another digit in a digest',
      async (path: string) => {
        const text = await readFile(path, 'utf8');
        const at = text.indexOf('"digests":["') + 12;
        await writeFile(path, text.slice(0, at) + (text[at] === 'a' ? 'b' : 'a') + text.slice(at + 1));
      },
    ],
  ])("a shard's entry %s", async (name, injure) => {
    const { features, cache } = await copied(`entry ${name}`);
    const entry = join(cache, entries[0] ?? '');
    await injure(entry);
    await expect(readAll(features)).rejects.toThrow(
      `Expected a shard as it was written, got not a shard entry (${entry}). ${fix}`,
    );
    // The shard itself says what the entry said.
    const again = await extract(features, '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({
      computed: 0,
      repaired: [{ file: entries[0], reason: 'not a shard entry' }],
      contentDigest: undisturbed,
    });
    expect(await inspect(features)).toMatchObject({ contentDigest: undisturbed });
  });

  it('manifest.json cut in half', async () => {
    const { features, cache } = await copied('manifest cut');
    await half(join(cache, 'manifest.json'));
    await expect(readAll(features)).rejects.toThrow(
      `Expected a cache's manifest, got a damaged file (${join(cache, 'manifest.json')}). ` +
        'Run pool5 extract again: it mends the manifest.',
    );
    const again = await extract(features, '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({
      computed: 0,
      repaired: [{ file: 'manifest.json', reason: 'not a manifest' }],
    });
    expect(await inspect(features)).toMatchObject({ contentDigest: undisturbed, rows: PICTURES });
  });

  it('a manifest of a newer version is refused and nothing changes', async () => {
    const { features, cache } = await copied('newer');
    const path = join(cache, 'manifest.json');
    const newer = (await readFile(path, 'utf8')).replace('"format": 1', '"format": 2');
    await writeFile(path, newer);
    const message =
      `Expected a cache of format 1, got format 2, written by a newer pool5 (${path}). ` +
      'Update pool5, or give another --features folder; nothing was changed.';
    await expect(readAll(features)).rejects.toThrow(message);
    const before = await readdir(features, { recursive: true });
    expect(await extract(features)).toEqual({ code: 2, stdout: '', stderr: `pool5: ${message}\n` });
    expect(await readdir(features, { recursive: true })).toEqual(before);
    expect(await readFile(path, 'utf8')).toBe(newer);
  });

  it('a line of the index with another digit', async () => {
    const { features, cache } = await copied('index');
    const path = join(cache, 'images.jsonl');
    const text = await readFile(path, 'utf8');
    const at = text.indexOf('"digest":"') + 10;
    await writeFile(path, text.slice(0, at) + (text[at] === 'a' ? 'b' : 'a') + text.slice(at + 1, -20));
    expect((await openCache(features)).images.size).toBe(PICTURES - 2);
    expect(JSON.parse((await extract(features, '--json')).stdout)).toMatchObject({ computed: 0, rejected: [] });
    expect((await openCache(features)).images.size).toBe(PICTURES);
  });
});

it('the next extract mends everything at once', async () => {
  const { features, cache } = await copied('all');
  const [first = '', second = '', third = ''] = shards.map((shard) => join(cache, shard));
  await flipBit(first, 100_000);
  await half(second);
  await rm(third);
  await half(join(cache, entries[0] ?? ''));
  await writeFile(join(cache, 'shards', `${'0'.repeat(32)}.arrow`), 'not a shard');
  await writeFile(join(cache, 'shards', '.tmp-x-1-2'), 'half a shard');
  // A flip with the same size and time is seen by whoever reads the shard, or by --rehash.
  const again = await extract(features, '--rehash', '--json');
  expect(again.code).toBe(0);
  const summary = JSON.parse(again.stdout);
  expect(summary).toMatchObject({ computed: PICTURES, contentDigest: undisturbed });
  expect(summary.repaired).toHaveLength(5);
  expect(await inspect(features)).toMatchObject({ contentDigest: undisturbed, rows: PICTURES, shards: 3 });
  expect(await leftovers(features)).toEqual([expect.stringContaining('.tmp-x-1-2')]); // another host's, and young
});
