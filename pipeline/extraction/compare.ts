import { join } from 'node:path';
import { currentFolder } from '../features/cache.js';
import { claimReading, type Waiting } from '../features/claims.js';
import { hasIndex, readIndex, writeIndex, type ImageIndex, type IndexedImage } from '../features/image-index.js';
import { differences, folderName } from '../features/key.js';
import { readHeader, readManifest } from '../features/manifest.js';
import { makePlan, type Pending, type Plan } from '../features/plan.js';
import type { CacheKey } from '../features/schema.js';
import { survey, type Survey } from '../features/store.js';
import { lock } from '../files/lock.js';
import { accessReason, findImages, type FoundImage, type Rejection } from '../images/find.js';

/** Features that the last run made for another key. */
export interface Stale {
  readonly rows: number;
  /** Which parts of the key differ: "weights 1a2b3c4d → 5e6f7a8b". */
  readonly reasons: readonly string[];
  readonly folder: string;
}

/** How a folder of photographs stands to the cache of a key. */
export interface Comparison {
  /** The key's folder below features/. */
  readonly folder: string;
  readonly images: readonly FoundImage[];
  readonly shards: Survey;
  readonly plan: Plan;
  readonly stale: Stale | null;
  /** Every file that is set aside, by what is known by now. */
  rejections(): Rejection[];
  /** @see Listener.rejected */
  reject(item: Pending, reason: string, passing: boolean): void;
  isUsable(id: string): boolean;
}

/**
 * Looks at photographs and cache, and changes nothing. On abort the plan is unfinished.
 * @throws InputError where the folder of photographs is none, or a newer pool5 wrote the cache
 */
export async function compareFolder(
  { images: imagesFolder, features, rehash }: { images: string; features: string; rehash: boolean },
  key: CacheKey,
  signal: AbortSignal,
): Promise<Comparison> {
  const folder = join(features, folderName(key));
  const seen = BigInt(Date.now()) * 1_000_000n;
  const { images, rejected } = await findImages(imagesFolder);
  const shards = await survey(folder, key, rehash, signal);
  const cached = new Set(shards.shards.flatMap((shard) => shard.digests));
  const plan = await makePlan(images, await readIndex(folder), cached, { rehash, seen, signal });
  const unreadable = [...plan.unreadable].map(([id, error]) => ({ id, reason: accessReason(error) }));
  const passed = new Map<string, string>();
  let byDigest: Map<string, IndexedImage[]> | undefined;
  const known = (id: string): string | undefined => passed.get(id) ?? plan.index.get(id)?.rejected;
  return {
    folder,
    images,
    shards,
    plan,
    stale: await findStale(features, folder, key),
    rejections() {
      const now = images.flatMap(({ id }) => {
        const reason = known(id);
        return reason === undefined ? [] : [{ id, reason }];
      });
      return [...rejected, ...unreadable, ...now];
    },
    reject({ id, digest }, reason, passing) {
      if (passing) passed.set(id, reason);
      byDigest ??= groupByDigest(plan.index);
      for (const image of byDigest.get(digest) ?? []) {
        if (passing) image.seen = '0'; // the next run reads the file again
        else image.rejected = reason;
      }
    },
    isUsable: (id) => plan.index.has(id) && known(id) === undefined,
  };
}

/**
 * compareFolder, and the index keeps what was read, on abort as well. Whose part a photograph is shows only its content:
 * of many tasks that begin a cache, one reads every file while the others wait for its index.
 * @param alone whether no other task looks at the same photographs
 */
export async function readFolder(
  options: { images: string; features: string; rehash: boolean },
  key: CacheKey,
  alone: boolean,
  effects: Waiting,
): Promise<Comparison> {
  const folder = join(options.features, folderName(key));
  if (!alone && !(await hasIndex(folder))) {
    const reading = await claimReading(folder, effects);
    try {
      if (!(await hasIndex(folder))) return await compareAndSave(options, key, effects.signal);
    } finally {
      await reading?.release();
    }
  }
  return compareAndSave(options, key, effects.signal);
}

async function compareAndSave(...args: Parameters<typeof compareFolder>): Promise<Comparison> {
  const comparison = await compareFolder(...args);
  if (comparison.plan.indexChanged) await saveIndex(comparison.folder, comparison.plan.index);
  return comparison;
}

function groupByDigest(index: ImageIndex): Map<string, IndexedImage[]> {
  const groups = new Map<string, IndexedImage[]>();
  for (const image of index.values()) {
    const group = groups.get(image.digest);
    if (group === undefined) groups.set(image.digest, [image]);
    else group.push(image);
  }
  return groups;
}

async function findStale(features: string, folder: string, key: CacheKey): Promise<Stale | null> {
  const current = await currentFolder(features);
  if (current === undefined || current === folder) return null;
  const before = await readHeader(current).catch(() => undefined);
  if (before === undefined) return null;
  const rows = (await readManifest(current)).shards.reduce((sum, shard) => sum + shard.digests.length, 0);
  return { rows, reasons: differences(before.key, key), folder: current };
}

/** Several runs may list one folder at once: the index is read, merged and written under a lock. */
export async function saveIndex(folder: string, index: ImageIndex): Promise<void> {
  const held = await lock(join(folder, 'locks', 'index'));
  try {
    await writeIndex(folder, new Map([...(await readIndex(folder)), ...index]));
  } finally {
    await held.release();
  }
}
