import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { inStretches } from '../event-loop.js';
import { sha256Of } from '../files/sha256.js';
import { writeAtomically } from '../files/atomic.js';
import { readLines } from '../files/read.js';

const lineSchema = z.object({
  id: z.string(),
  /** sha256 of the file's bytes when it was last read. */
  digest: z.string(),
  size: z.number(),
  /** Nanoseconds as decimal strings: they do not fit a double. */
  mtime: z.string(),
  ctime: z.string(),
  /** Nanoseconds since 1970: when the listing began that saw the file so. */
  seen: z.string(),
  /** Why the photograph cannot be used. */
  rejected: z.string().optional(),
});

/** What is known of an image file, so that an unchanged one need not be read again. */
export type IndexedImage = z.infer<typeof lineSchema>;

export type ImageIndex = Map<string, IndexedImage>;

const FILE = 'images.jsonl';

/** Lines that are written at a time. */
const LINES = 1000;

/** Follows a line's object, since a flipped digit would still be JSON. */
function checkOf(image: IndexedImage): string {
  return sha256Of(JSON.stringify(image)).slice(0, 8);
}

/**
 * The index of the cache; damaged lines are left out (their files are read again).
 * @throws WorldError where it cannot be read
 */
export async function readIndex(folder: string): Promise<ImageIndex> {
  const index: ImageIndex = new Map();
  const turn = inStretches();
  for await (const line of readLines(join(folder, FILE))) {
    await turn();
    if (line === '') continue;
    try {
      const [image, check] = z.tuple([lineSchema, z.string()]).parse(JSON.parse(line));
      if (check === checkOf(image)) index.set(image.id, image);
    } catch {
      continue;
    }
  }
  return index;
}

/** Whether there is an index. Listing shows it at once on NFS, which may believe for a minute that a file is absent. */
export async function hasIndex(folder: string): Promise<boolean> {
  const names: string[] = await readdir(folder).catch(() => []);
  return names.includes(FILE);
}

export async function writeIndex(folder: string, index: ImageIndex): Promise<void> {
  await writeAtomically(join(folder, FILE), linesOf(index));
}

/** By parts, since some millions of photographs are more than one string can hold. */
async function* linesOf(index: ImageIndex): AsyncGenerator<string, void, undefined> {
  const images = [...index.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const turn = inStretches();
  let lines: string[] = [];
  for (const image of images) {
    await turn();
    // A schema's own order of keys, so that the check of what is read is that of what was written.
    const line = lineSchema.parse(image);
    lines.push(`${JSON.stringify([line, checkOf(line)])}\n`);
    if (lines.length < LINES) continue;
    yield lines.join('');
    lines = [];
  }
  yield lines.join('');
}

/**
 * Whether a file is as it was when the index saw it, by its size and times. As git does for "racily clean" entries, a
 * file that changed within two seconds (the coarsest file system's clock) of that listing, or after it, is not trusted.
 */
export function isUnchanged(known: IndexedImage, file: { size: number; mtimeNs: bigint; ctimeNs: bigint }): boolean {
  const settled = BigInt(known.seen) - 2_000_000_000n;
  return (
    known.size === file.size &&
    known.mtime === String(file.mtimeNs) &&
    known.ctime === String(file.ctimeNs) &&
    file.mtimeNs < settled &&
    file.ctimeNs < settled
  );
}
