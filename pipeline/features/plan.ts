import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import pLimit from 'p-limit';
import { inStretches } from '../event-loop.js';
import { isUnchanged, type ImageIndex, type IndexedImage } from './image-index.js';

/** Files read at once for their digest. */
const READERS = 8;

/** A file of at most this many bytes is read at once, which is faster; a larger one by parts. */
const WHOLE = 32 * 1024 * 1024;

/** An image file as the file system shows it. */
export interface ListedImage {
  readonly id: string;
  readonly path: string;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** A photograph whose features are still to be computed. */
export interface Pending {
  readonly digest: string;
  readonly id: string;
  readonly path: string;
}

/** How a folder stands to a cache, in photographs; printed before the work begins. */
export interface Plan {
  /** In the cache already, or a copy of one that is. */
  readonly fresh: number;
  /** New content under a new name. */
  readonly new: number;
  /** New content under a known name. */
  readonly changed: number;
  /** Known content under a new name: costs nothing. */
  readonly renamed: number;
  /** Known names that the folder has no more. */
  readonly missing: number;
  /** Known to be unusable. */
  readonly rejected: number;
  /** In the order of their digests, each digest once. */
  readonly pending: readonly Pending[];
  /** The index as it is after this look: known images, updated and added to. */
  readonly index: ImageIndex;
  readonly indexChanged: boolean;
  /** Images that could not be read. */
  readonly unreadable: ReadonlyMap<string, unknown>;
}

/**
 * Compares a folder's images with the cache, reading only files that are new or may have changed.
 * @param cached digests that have features
 * @param rehash reads every file
 */
export async function makePlan(
  images: readonly ListedImage[],
  known: ImageIndex,
  cached: ReadonlySet<string>,
  { rehash, seen, signal }: { rehash: boolean; seen: bigint; signal: AbortSignal },
): Promise<Plan> {
  const index: ImageIndex = new Map(known);
  const unreadable = new Map<string, unknown>();
  const limit = pLimit(READERS);
  const look = async (image: ListedImage): Promise<void> => {
    if (signal.aborted) return;
    try {
      index.set(image.id, indexed(image, await digestOf(image), seen, known.get(image.id)));
    } catch (error) {
      index.delete(image.id);
      unreadable.set(image.id, error);
    }
  };
  const looks: Promise<void>[] = [];
  const turn = inStretches();
  for (const image of images) {
    await turn();
    const before = known.get(image.id);
    if (before === undefined || rehash || !isUnchanged(before, image)) looks.push(limit(look, image));
  }
  await Promise.all(looks);

  const names = new Set(images.map((image) => image.id));
  const seenBefore = new Set([...known.values()].map((image) => image.digest));
  const count = { fresh: 0, new: 0, changed: 0, renamed: 0, rejected: 0 };
  const pending = new Map<string, Pending>();
  for (const { id, path } of images) {
    const image = index.get(id);
    if (image === undefined) continue;
    if (image.rejected !== undefined) count.rejected++;
    else if (!cached.has(image.digest)) {
      const before = known.get(id);
      count[before !== undefined && before.digest !== image.digest ? 'changed' : 'new']++;
      if (!pending.has(image.digest)) pending.set(image.digest, { digest: image.digest, id, path });
    } else if (!known.has(id) && seenBefore.has(image.digest)) count.renamed++;
    else count.fresh++;
  }
  const missing = [...known.keys()].filter((id) => !names.has(id)).length;
  const sorted = [...pending.values()].toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
  const indexChanged = [...index].some(([id, image]) => known.get(id) !== image);
  return { ...count, missing, pending: sorted, index, indexChanged, unreadable };
}

async function digestOf({ path, size }: ListedImage): Promise<string> {
  const hash = createHash('sha256');
  if (size <= WHOLE) return hash.update(await readFile(path)).digest('hex');
  for await (const part of createReadStream(path)) hash.update(part);
  return hash.digest('hex');
}

function indexed(image: ListedImage, digest: string, seen: bigint, before: IndexedImage | undefined): IndexedImage {
  const times = { mtime: String(image.mtimeNs), ctime: String(image.ctimeNs), seen: String(seen) };
  const rejected = before?.digest === digest ? before.rejected : undefined;
  return { id: image.id, digest, size: image.size, ...times, ...(rejected === undefined ? {} : { rejected }) };
}
