import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import pLimit from 'p-limit';
import { InputError } from '../errors.js';
import type { OpenCache } from '../features/cache.js';
import { readFolders } from '../features/folders.js';
import { sha256Of } from '../files/sha256.js';

/** Files read at once. */
const READERS = 8;

/** The files of a page's photographs. */
export interface Photographs {
  /** For each id its file, or undefined where there is none to show. */
  readonly files: readonly (string | undefined)[];
  /** Where they are, for people; undefined where nobody knows. */
  readonly place: string | undefined;
  /** Why none is shown. */
  readonly reason: string | undefined;
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

/** As a person would name a path from here. */
function shortPath(path: string): string {
  const below = relative('.', path);
  return below === '' ? '.' : below.startsWith('..') || isAbsolute(below) ? path : below;
}

/**
 * Photographs in a folder that was named.
 * @throws InputError where it is none
 */
export async function photographsIn(folder: string, ids: readonly string[]): Promise<Photographs> {
  if (!(await isFolder(folder))) {
    const fix = 'Name it with --images.';
    throw new InputError({ expected: 'a folder of photographs', found: 'none', where: folder, fix });
  }
  return { files: ids.map((id) => join(folder, id)), place: folder, reason: undefined };
}

/** Whether a file still is the photograph that the features are of. */
async function isPhotograph(file: string, digest: string): Promise<boolean> {
  const bytes = await readFile(file).catch(() => undefined);
  return bytes !== undefined && sha256Of(bytes) === digest;
}

function without(reason: string, ids: readonly string[]): Photographs {
  return { files: ids.map(() => undefined), place: undefined, reason };
}

/** Photographs where extract found them, those that are still there and have not changed since. */
export async function photographsOf(cache: OpenCache | undefined, ids: readonly string[]): Promise<Photographs> {
  if (cache === undefined) return without('the cache that says where they are is gone', ids);
  const recorded = await readFolders(cache.folder);
  if (recorded.length === 0) return without('no folder was recorded when their features were computed', ids);
  const there = (await Promise.all(recorded.map(isFolder))).flatMap((is, index) => (is ? (recorded[index] ?? []) : []));
  if (there.length === 0) {
    const [last = ''] = recorded;
    return without(`${shortPath(last)} is gone`, ids);
  }
  const limit = pLimit(READERS);
  const find = async (id: string): Promise<string | undefined> => {
    const digest = cache.images.get(id);
    if (digest === undefined) return undefined;
    for (const folder of there) if (await isPhotograph(join(folder, id), digest)) return join(folder, id);
    return undefined;
  };
  const files = await Promise.all(ids.map((id) => limit(find, id)));
  return { files, place: there.map(shortPath).join(' or '), reason: undefined };
}

/** What a page says of photographs that it does not show. */
export function missingNotes({ place, reason }: Photographs, thumbnails: readonly (string | undefined)[]): string[] {
  if (reason !== undefined) return [`This page shows no photographs: ${reason}. Name their folder with --images.`];
  const missing = thumbnails.filter((each) => each === undefined).length;
  return missing === 0 ? [] : [`${missing} of ${thumbnails.length} photographs could not be read from ${place}.`];
}
