import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errorCode, InputError } from '../errors.js';
import { writeAtomically } from '../files/atomic.js';
import type { CacheKey } from './schema.js';

/** Version of the files' layout. A cache of a newer one is refused, never changed. */
const FORMAT = 1;

const digest = z.string().regex(/^[0-9a-f]{64}$/);

const headerSchema = z.object({
  format: z.literal(FORMAT),
  key: z.object({
    weights: digest,
    preprocessing: z.string(),
    layer: z.literal('pool5'),
    dtype: z.enum(['float32', 'float16']),
  }),
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
  /** Who computed it: library, version, device. */
  engine: z.string(),
  /** ISO 8601. */
  written: z.string(),
});

/** One shard, as it was when it was written: manifest/NAME.json beside shards/NAME.arrow. */
export type ShardEntry = z.infer<typeof entrySchema>;

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
 * @throws InputError where it was written by a newer pool5, or is damaged
 */
export async function readHeader(folder: string): Promise<Header | undefined> {
  const path = join(folder, 'manifest.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
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
  if (!header.success) {
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

/** Lists the cache's shards from their entries. Damaged entries are reported, not used. */
export async function readManifest(folder: string): Promise<Manifest> {
  const names = await readdir(join(folder, 'manifest')).catch(() => []);
  const shards: ShardEntry[] = [];
  const damaged: Damage[] = [];
  const read = async (name: string): Promise<void> => {
    const file = `manifest/${name}`;
    const text = await readFile(join(folder, file), 'utf8').catch(() => undefined);
    if (text === undefined) return; // another run has just replaced it
    const entry = entrySchema.safeParse(parseJson(text));
    if (entry.success) shards.push(entry.data);
    else damaged.push({ file, reason: 'not a shard entry' });
  };
  await Promise.all(names.filter((name) => /^[0-9a-f]{32}\.json$/.test(name)).map(read));
  shards.sort((a, b) => (a.file < b.file ? -1 : 1));
  return { shards, damaged };
}

export function entryPath(folder: string, shardFile: string): string {
  return join(folder, 'manifest', shardFile.replace(/\.arrow$/, '.json'));
}

export function shardPath(folder: string, shardFile: string): string {
  return join(folder, 'shards', shardFile);
}

/** The name says what the file holds, so that equal shards are one file and any other content shows. */
export function shardName(bytes: Uint8Array): { file: string; sha256: string } {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { file: `${sha256.slice(0, 32)}.arrow`, sha256 };
}

export async function writeEntry(folder: string, entry: ShardEntry): Promise<void> {
  await writeAtomically(entryPath(folder, entry.file), JSON.stringify(entry));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
