import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { readFolder, saveIndex } from '../../../pipeline/extraction/compare.js';
import { readIndex, type ImageIndex } from '../../../pipeline/features/image-index.js';
import { folderName } from '../../../pipeline/features/key.js';
import type { CacheKey } from '../../../pipeline/features/schema.js';
import { tryLock, type Lock } from '../../../pipeline/files/lock.js';
import { drawPictures } from '../../faults/extraction.js';
import { newFolder } from '../../stages/command-line.js';

const KEY: CacheKey = { weights: '0'.repeat(64), preprocessing: '1', layer: 'pool5', dtype: 'float32' };

/** No file has it: whoever reports it has read no photograph but the index. */
const MADE_UP = 'a'.repeat(64);

let root: string;
let cache: string;
let paths: { images: string; features: string; rehash: boolean };

beforeEach(async () => {
  root = await newFolder();
  paths = { images: join(root, 'images'), features: join(root, 'features'), rehash: false };
  cache = join(paths.features, folderName(KEY));
  await drawPictures(paths.images, 2);
});
afterEach(() => rm(root, { recursive: true }));

/** What another task writes that has read all. */
async function madeUpIndex(): Promise<ImageIndex> {
  const index: ImageIndex = new Map();
  const seen = String(BigInt(Date.now() + 3_600_000) * 1_000_000n); // as if the pictures were old
  for (const id of await readdir(paths.images)) {
    const { size, mtimeNs, ctimeNs } = await stat(join(paths.images, id), { bigint: true });
    const times = { mtime: String(mtimeNs), ctime: String(ctimeNs), seen };
    index.set(id, { id, digest: MADE_UP, size: Number(size), ...times });
  }
  return index;
}

async function holdReading(): Promise<Lock> {
  const held = await tryLock(join(cache, 'locks', 'reading'));
  if (!('release' in held)) throw new Error('held already');
  return held;
}

const { signal } = new AbortController();
const unexpected = { signal, log: (line: string): void => expect.unreachable(line) };

it('waits for the task that reads the photographs of a new cache, and reads none', async () => {
  const held = await holdReading();
  const said: string[] = [];
  const waiting = readFolder(paths, KEY, false, { signal, log: (line) => void said.push(line) });
  await vi.waitUntil(() => said.length > 0, { timeout: 10_000 });
  expect(said[0]).toMatch(`waiting for another run: process ${process.pid} on ${hostname()}, since `);
  await saveIndex(cache, await madeUpIndex());
  await held.release();
  const { plan } = await waiting;
  expect(plan.pending.map(({ digest }) => digest)).toEqual([MADE_UP]);
  expect(await readdir(join(cache, 'locks'))).toEqual([]);
});

it('reads the photographs itself where the task that did so is gone, and leaves an index', async () => {
  await mkdir(join(cache, 'locks'), { recursive: true });
  const gone = { host: hostname(), pid: 2 ** 30, token: 'x', since: '2026-01-01T00:00:00Z' };
  await writeFile(join(cache, 'locks', 'reading'), JSON.stringify(gone));
  const { plan } = await readFolder(paths, KEY, false, unexpected);
  expect(plan.pending).toHaveLength(2);
  expect(await readIndex(cache)).toEqual(plan.index);
  expect(await readdir(join(cache, 'locks'))).toEqual([]);
});

it('waits for nobody where there is an index, or alone', async () => {
  const held = await holdReading();
  expect((await readFolder(paths, KEY, true, unexpected)).plan.pending).toHaveLength(2);
  await saveIndex(cache, await madeUpIndex());
  const { plan } = await readFolder(paths, KEY, false, unexpected);
  expect(plan.pending.map(({ digest }) => digest)).toEqual([MADE_UP]);
  await held.release();
});

it('ends to wait when it is interrupted', async () => {
  const held = await holdReading();
  const abort = new AbortController();
  const { plan } = await readFolder(paths, KEY, false, { signal: abort.signal, log: () => abort.abort() });
  expect(plan.pending).toEqual([]);
  await held.release();
});
