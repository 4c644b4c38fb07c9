import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { isDenied, writeAtomically } from '../files/atomic.js';
import { readIfThere } from '../files/read.js';

/** Beside the index, and no part of key or content: where photographs lie has no bearing on their features. */
const FILE = 'folders.json';

/** Folders that are remembered. */
const MOST = 8;

/** The folders of photographs that extract was run on, as absolute paths, the last one first; none where it is not known. */
export async function readFolders(folder: string): Promise<string[]> {
  try {
    return z.array(z.string()).parse(JSON.parse((await readIfThere(join(folder, FILE))) ?? '[]'));
  } catch (error) {
    // A damaged file costs a report its pictures, nothing else; the next extract writes it anew.
    if (error instanceof SyntaxError || error instanceof z.ZodError) return [];
    throw error;
  }
}

/**
 * Remembers where photographs are, so that report can show them.
 * @param folder the cache's, below --features
 * @throws WorldError where it cannot be written, but not for a complete cache in a read-only folder
 */
export async function recordFolder(folder: string, images: string): Promise<void> {
  const path = await realpath(images).catch(() => resolve(images));
  const known = await readFolders(folder);
  if (known[0] === path) return;
  const folders = [path, ...known.filter((other) => other !== path)].slice(0, MOST);
  try {
    await writeAtomically(join(folder, FILE), `${JSON.stringify(folders)}\n`);
  } catch (error) {
    if (!isDenied(error)) throw error;
  }
}
