import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { lock, ownerText } from '../files/lock.js';
import { tryClaimCache } from './claims.js';
import { readIndex, writeIndex } from './image-index.js';
import { DamagedHeader, readHeader, readManifest } from './manifest.js';
import { readShardRows } from './rewrite.js';
import type { CacheKey } from './schema.js';
import { commitShard, removeShard } from './store.js';

export interface Pruned {
  /** Names that the index has no more. */
  readonly images: number;
  /** Features that are gone with them. */
  readonly rows: number;
  /** Folders of other keys that are gone. */
  readonly folders: readonly string[];
  /** Folders of other keys that stay, since another run is at work on them. */
  readonly inUse: readonly { readonly folder: string; readonly owner: string }[];
}

/**
 * Drops what the folder of photographs has no more, and every cache of another key. Call it under `claimAll`. A kill
 * in between leaves at most rows twice.
 * @param keep whether the index keeps an image's id
 */
export async function prune(folder: string, key: CacheKey, keep: (id: string) => boolean): Promise<Pruned> {
  const held = await lock(join(folder, 'locks', 'index'));
  let images = 0;
  let wanted: Set<string>;
  try {
    const index = await readIndex(folder);
    const kept = new Map([...index].filter(([id]) => keep(id)));
    images = index.size - kept.size;
    if (images > 0) await writeIndex(folder, kept);
    wanted = new Set([...kept.values()].map((image) => image.digest));
  } finally {
    await held.release();
  }
  const dropped = new Set<string>();
  for (const entry of (await readManifest(folder)).shards) {
    const gone = entry.digests.filter((digest) => !wanted.has(digest));
    if (gone.length === 0) continue;
    if (gone.length < entry.digests.length) {
      const rows = await readShardRows(folder, entry);
      const left = rows.filter(({ digest }) => wanted.has(digest));
      await commitShard(folder, left, key, entry.engine);
    }
    await removeShard(folder, entry.file);
    for (const digest of gone) dropped.add(digest);
  }
  return { images, rows: dropped.size, ...(await removeOtherKeys(join(folder, '..'), basename(folder))) };
}

/** Caches that a newer pool5 wrote stay: this one cannot know what they are worth. */
async function removeOtherKeys(features: string, current: string): Promise<Pick<Pruned, 'folders' | 'inUse'>> {
  const folders: string[] = [];
  const inUse: { folder: string; owner: string }[] = [];
  for (const name of await readdir(features)) {
    if (name === current || !/^pool5-float(16|32)(-int8)?-[0-9a-f]{12}$/.test(name)) continue;
    const path = join(features, name);
    try {
      await readHeader(path);
    } catch (error) {
      if (!(error instanceof DamagedHeader)) continue;
    }
    const held = await tryClaimCache(path);
    if (!('release' in held)) {
      inUse.push({ folder: path, owner: ownerText(held) });
      continue;
    }
    try {
      await rm(path, { recursive: true, force: true });
    } finally {
      await held.release();
    }
    folders.push(path);
  }
  return { folders, inUse };
}
