import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import pLimit from 'p-limit';
import { z } from 'zod';
import { sha256Of } from '../files/sha256.js';
import { errorCode, InputError } from '../errors.js';
import { writeAtomically } from '../files/atomic.js';
import { readFault, readIfThere } from '../files/read.js';
import { folderName } from './key.js';
import type { CacheKey } from './schema.js';

/** Version of the files' layout. A cache of a newer one is refused, never changed. */
const FORMAT = 1;

/** Entries read at once. */
const READERS = 32;

const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** A CacheKey; the order of its parts is that in which they are written. */
export const keySchema = z.object({
  weights: digest,
  preprocessing: z.string(),
  layer: z.literal('pool5'),
  dtype: z.enum(['float32', 'float16']),
  precision: z.literal('int8').exactOptional(),
});

const headerSchema = z.object({
  format: z.literal(FORMAT),
  key: keySchema,
  /** For people: where the weights came from, and whether they are random. */
  weightsOrigin: z.string(),
  random: z.boolean(),
});

/** What holds for the whole cache: manifest.json. */
export type Header = z.infer<typeof headerSchema>;

const entrySchema = z.object({
  file: z.string().regex(/^[0-9a-f]{32}\.arrow$/),
  bytes: z.int().positive(),
  sha256: digest,
  featureOffset: z.int().positive(),
  digests: z.array(digest).min(1),
  /** sha256 of each row's feature as stored: a row is checked whenever it is read. */
  rowSha256: z.array(digest).min(1),
  /** Who computed it: library, version, device. */
  engine: z.string(),
  /** ISO 8601. */
  written: z.string(),
});

/** One shard, as it was when it was written: manifest/NAME.json beside shards/NAME.arrow. */
export type ShardEntry = z.infer<typeof entrySchema>;

/** An entry as it lies on disk: followed by the sha256 of its own text, since a flipped digit would still be JSON. */
const sealedSchema = z.object({ entry: entrySchema, sha256: digest });

function seal(entry: ShardEntry): z.infer<typeof sealedSchema> {
  return { entry, sha256: sha256Of(JSON.stringify(entry)) };
}

/** A file of the cache that is not as it was written. */
export interface Damage {
  readonly file: string;
  readonly reason: string;
}

export interface Manifest {
  /** In the order of file names. */
  readonly shards: readonly ShardEntry[];
  readonly damaged: readonly Damage[];
}

export function newHeader(key: CacheKey, weights: { origin: string; random: boolean }): Header {
  return { format: FORMAT, key, weightsOrigin: weights.origin, random: weights.random };
}

export async function writeHeader(folder: string, header: Header): Promise<void> {
  await writeAtomically(join(folder, 'manifest.json'), `${JSON.stringify(header, undefined, 2)}\n`);
}

/**
 * The header of the cache in the folder; undefined where there is none.
 * @throws InputError where it was written by a newer pool5, or is damaged; WorldError where it cannot be read
 */
export async function readHeader(folder: string): Promise<Header | undefined> {
  const path = join(folder, 'manifest.json');
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  const value = parseJson(text);
  const format = z.object({ format: z.int() }).safeParse(value);
  if (format.success && format.data.format > FORMAT) {
    throw new InputError({
      expected: `a cache of format ${FORMAT}`,
      found: `format ${format.data.format}, written by a newer pool5`,
      where: path,
      fix: 'Update pool5, or give another --features folder; nothing was changed.',
    });
  }
  const header = headerSchema.safeParse(value);
  if (!header.success || folderName(header.data.key) !== basename(folder)) {
    throw new DamagedHeader({
      expected: "a cache's manifest",
      found: 'a damaged file',
      where: path,
      fix: 'Run pool5 extract again: it mends the manifest.',
    });
  }
  return header.data;
}

/** manifest.json exists and cannot be used; extract writes it anew, since it knows the key. */
export class DamagedHeader extends InputError {}

/**
 * Lists the cache's shards from their entries. Damaged entries are reported, not used.
 * @param known entries of an earlier look, by file name: they never change, and are not read again
 * @throws WorldError where the entries cannot be read
 */
export async function readManifest(folder: string, known = new Map<string, ShardEntry>()): Promise<Manifest> {
  const limit = pLimit(READERS);
  const damaged: Damage[] = [];
  const read = async (name: string): Promise<ShardEntry | undefined> => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const file = `manifest/${name}`;
    const text = await readIfThere(join(folder, file));
    if (text === undefined) return undefined; // another run has just removed it
    const sealed = sealedSchema.safeParse(parseJson(text));
    if (sealed.success && isWhole(sealed.data, name)) {
      known.set(name, sealed.data.entry);
      return sealed.data.entry;
    }
    damaged.push({ file, reason: 'not a shard entry' });
    return undefined;
  };
  const names = await entryNames(folder);
  const entries = await Promise.all(names.map((name) => limit(read, name)));
  const shards = entries.filter((entry) => entry !== undefined);
  return { shards: shards.toSorted((a, b) => (a.file < b.file ? -1 : 1)), damaged };
}

function isWhole({ entry, sha256 }: z.infer<typeof sealedSchema>, name: string): boolean {
  return (
    seal(entry).sha256 === sha256 &&
    entry.file === name.replace(/json$/, 'arrow') &&
    entry.digests.length === entry.rowSha256.length
  );
}

async function entryNames(folder: string): Promise<string[]> {
  try {
    const names = await readdir(join(folder, 'manifest'));
    return names.filter((name) => /^[0-9a-f]{32}\.json$/.test(name));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw readFault(error, join(folder, 'manifest'));
  }
}

export function entryPath(folder: string, shardFile: string): string {
  return join(folder, 'manifest', shardFile.replace(/\.arrow$/, '.json'));
}

export function shardPath(folder: string, shardFile: string): string {
  return join(folder, 'shards', shardFile);
}

/** The name says what the file holds, so that equal shards are one file and any other content shows. */
export function shardName(bytes: Uint8Array): { file: string; sha256: string } {
  const sha256 = sha256Of(bytes);
  return { file: `${sha256.slice(0, 32)}.arrow`, sha256 };
}

/** The schema gives the keys its own order, in which they are sealed and checked. */
export async function writeEntry(folder: string, entry: ShardEntry): Promise<void> {
  await writeAtomically(entryPath(folder, entry.file), JSON.stringify(seal(entrySchema.parse(entry))));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
