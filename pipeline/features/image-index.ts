import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../files/atomic.js';

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

/** The index of the cache; lines that are damaged are left out (their files are read again). */
export async function readIndex(folder: string): Promise<ImageIndex> {
  const text = await readFile(join(folder, FILE), 'utf8').catch(() => '');
  const index: ImageIndex = new Map();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    try {
      const image = lineSchema.parse(JSON.parse(line));
      index.set(image.id, image);
    } catch {
      continue;
    }
  }
  return index;
}

export async function writeIndex(folder: string, index: ImageIndex): Promise<void> {
  const images = [...index.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  await writeAtomically(join(folder, FILE), images.map((image) => `${JSON.stringify(image)}\n`).join(''));
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
