import { lstatSync, readdirSync, realpathSync, statSync, type BigIntStats } from 'node:fs';
import { extname, join } from 'node:path';
import { errorCode, errorMessage, InputError } from '../errors.js';
import { inStretches } from '../event-loop.js';

/** A file that by its name may be a photograph. */
export interface FoundImage {
  /** Path below the folder, with / on every system. */
  readonly id: string;
  readonly path: string;
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** A file that cannot be used, and why. */
export interface Rejection {
  readonly id: string;
  readonly reason: string;
}

export interface Found {
  /** Sorted by id (code units). */
  readonly images: readonly FoundImage[];
  readonly rejected: readonly Rejection[];
}

const EXTENSIONS = new Set(['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.webp', '.avif', '.tif', '.tiff', '.gif']);

/** Folders that link to each other can be walked in as many ways as there are orders of them. */
const MOST_WAYS = 32;

function isCandidate(name: string): boolean {
  return EXTENSIONS.has(extname(name).toLowerCase());
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The name, or undefined where its bytes are not UTF-8 (no id in a labels file could ever match it). */
function decodeName(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * All files below the folder that have a photograph's extension. Hidden files and folders are passed over. Links are
 * followed (data sets are often links into a store), except one that leads back to a folder that contains it.
 * @throws InputError where the folder does not exist or cannot be read
 */
export async function findImages(folder: string): Promise<Found> {
  const images: FoundImage[] = [];
  const rejected: Rejection[] = [];
  const visits = new Map<string, number>();
  const turn = inStretches();

  async function walk(path: string, prefix: string, ancestors: ReadonlySet<string>): Promise<void> {
    for (const bytes of readdirSync(path, 'buffer')) {
      await turn();
      const name = decodeName(bytes);
      if (name === undefined) {
        const legible = prefix + bytes.toString('latin1');
        if (isCandidate(legible)) rejected.push({ id: legible, reason: 'the name is not UTF-8: rename it' });
        continue;
      }
      if (name.startsWith('.')) continue;
      const id = prefix + name;
      const candidate = isCandidate(name);
      try {
        const stats = statOf(join(path, name));
        if (stats.isDirectory()) {
          const real = realpathSync(join(path, name));
          const ways = (visits.get(real) ?? 0) + 1;
          if (ancestors.has(real)) continue;
          if (ways > MOST_WAYS) {
            rejected.push({ id, reason: `a folder that links reach in more than ${MOST_WAYS} ways` });
            continue;
          }
          visits.set(real, ways);
          await walk(join(path, name), `${id}/`, new Set([...ancestors, real]));
        } else if (candidate && stats.isFile()) {
          const { mtimeNs, ctimeNs } = stats;
          images.push({ id, path: join(path, name), size: Number(stats.size), mtimeNs, ctimeNs });
        } else if (candidate) {
          rejected.push({ id, reason: 'not a regular file' });
        }
      } catch (error) {
        // A dangling link that is called notes.txt is nobody's loss; a folder without permission is.
        if (candidate || !isLink(join(path, name))) rejected.push({ id, reason: accessReason(error) });
      }
    }
  }

  const fix = 'Give the folder of photographs with --images.';
  let real: string;
  try {
    real = realpathSync(folder);
    if (!statSync(real).isDirectory()) {
      throw new InputError({ expected: 'a folder of photographs', found: 'a file', where: folder, fix });
    }
    readdirSync(real);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError({ expected: 'a folder of photographs', found: accessReason(error), where: folder, fix });
  }
  await walk(folder, '', new Set([real]));
  images.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  return { images, rejected };
}

function statOf(path: string): BigIntStats {
  const stats = lstatSync(path, { bigint: true });
  return stats.isSymbolicLink() ? statSync(path, { bigint: true }) : stats;
}

/** Why a file or folder cannot be read, for people. */
export function accessReason(error: unknown): string {
  switch (errorCode(error)) {
    case 'ENOENT':
      return 'no such file or folder';
    case 'EACCES':
    case 'EPERM':
      return 'no permission to read it';
    case 'ELOOP':
      return 'a link that leads to itself';
    default:
      return errorMessage(error);
  }
}
