import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errorCode } from '../errors.js';
import { isDenied, removeAbandoned, writeAtomically } from '../files/atomic.js';
import { removeStaleLocks } from '../files/lock.js';
import { readFault } from '../files/read.js';
import { identityOf } from './key.js';
import {
  DamagedHeader,
  entryPath,
  newHeader,
  readHeader,
  readManifest,
  shardName,
  shardPath,
  writeEntry,
  writeHeader,
  type Damage,
  type ShardEntry,
} from './manifest.js';
import type { CacheKey } from './schema.js';
import type { NewRow } from './shard.js';
import { shardDamage, shardLengthDamage } from './verify.js';

/** Shards as they were when their checksum was last computed: file name -> "size mtime ctime". */
const checkedSchema = z.record(z.string(), z.string());

const CHECKED = 'checked.json';

/** What a look at all shards found. */
export interface Survey {
  /** Sound shards; some of them may have no entry yet (a kill between the two). */
  readonly shards: readonly ShardEntry[];
  /** Files that are not as they were written. */
  readonly damaged: readonly Damage[];
  /** Sound shards without an entry, and the stamps of all that are sound: for `mend`. */
  readonly orphans: readonly ShardEntry[];
  readonly stamps: Readonly<Record<string, string>>;
}

/**
 * Looks at every shard and changes nothing. A shard whose size and times are those of its last check is not read
 * again, unless `all`. On abort it ends early and knows only a part.
 * @throws InputError where a newer pool5 wrote the cache; WorldError where it cannot be read
 */
export async function survey(folder: string, key: CacheKey, all: boolean, signal: AbortSignal): Promise<Survey> {
  const damaged: Damage[] = [];
  try {
    await readHeader(folder);
  } catch (error) {
    if (!(error instanceof DamagedHeader)) throw error;
    damaged.push({ file: 'manifest.json', reason: 'not a manifest' });
  }
  const manifest = await readManifest(folder);
  damaged.push(...manifest.damaged);
  const known = await readChecked(folder);
  const stamps: Record<string, string> = {};
  const shards: ShardEntry[] = [];
  const orphans = await findOrphans(folder, new Set(manifest.shards.map((entry) => entry.file)), key, damaged);
  for (const entry of [...manifest.shards, ...orphans]) {
    if (signal.aborted) break;
    const stamp = await stampOf(shardPath(folder, entry.file));
    const trusted = !all && stamp !== undefined && known[entry.file] === stamp;
    const reason = trusted ? await shardLengthDamage(folder, entry) : await shardDamage(folder, entry);
    if (reason === undefined) {
      shards.push(entry);
      if (stamp !== undefined) stamps[entry.file] = stamp;
    } else if (reason !== 'missing' || (await exists(entryPath(folder, entry.file)))) {
      damaged.push({ file: `shards/${entry.file}`, reason });
    } // else another run has merged it into another shard just now
  }
  return { shards, damaged, orphans, stamps };
}

/**
 * Makes the folder a cache of the key: writes what is missing, removes what is damaged (its rows are to be computed
 * anew) and what killed runs left half written.
 * @throws WorldError where it cannot be written
 */
export async function mend(
  folder: string,
  key: CacheKey,
  weights: { origin: string; random: boolean },
  found: Survey,
): Promise<void> {
  if (found.damaged.some(({ file }) => file === 'manifest.json') || !(await exists(join(folder, 'manifest.json')))) {
    await writeHeader(folder, newHeader(key, weights));
  }
  for (const { file } of found.damaged) {
    if (file === 'manifest.json') continue;
    const [, name = ''] = file.split('/');
    if (file.startsWith('shards/')) await removeShard(folder, name);
    else await rm(join(folder, file), { force: true });
  }
  for (const entry of found.orphans) await writeEntry(folder, entry);
  if (JSON.stringify(found.stamps) !== JSON.stringify(await readChecked(folder))) {
    await writeAtomically(join(folder, CHECKED), JSON.stringify(found.stamps)).catch((error: unknown) => {
      // A complete cache in a read-only folder is of use; its shards are read again by the next run.
      if (!isDenied(error)) throw error;
    });
  }
  for (const part of ['.', 'shards', 'manifest']) await removeAbandoned(join(folder, part));
  await removeStaleLocks(join(folder, 'locks'));
}

/** A reader that met damage calls this, so that the next survey reads every shard. */
export async function distrust(folder: string): Promise<void> {
  await rm(join(folder, CHECKED), { force: true }).catch(() => undefined); // of a read-only folder nothing is trusted
}

async function readChecked(folder: string): Promise<Record<string, string>> {
  try {
    return checkedSchema.parse(JSON.parse(await readFile(join(folder, CHECKED), 'utf8')));
  } catch {
    return {}; // nothing is trusted: every shard is read
  }
}

async function stampOf(path: string): Promise<string | undefined> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  return stats === undefined ? undefined : `${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** Shards without an entry. One is sound when its name fits its bytes and it was made for this key. */
async function findOrphans(
  folder: string,
  listed: ReadonlySet<string>,
  key: CacheKey,
  damaged: Damage[],
): Promise<ShardEntry[]> {
  const orphans: ShardEntry[] = [];
  for (const file of await shardFiles(folder)) {
    if (listed.has(file)) continue;
    const bytes = await readFile(shardPath(folder, file)).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return undefined; // another run has just removed it
      throw readFault(error, shardPath(folder, file));
    });
    if (bytes === undefined) continue;
    const entry = shardName(bytes).file === file ? await entryOf(bytes, key) : 'wrong checksum';
    if (typeof entry === 'string') damaged.push({ file: `shards/${file}`, reason: entry });
    else orphans.push(entry);
  }
  return orphans;
}

async function shardFiles(folder: string): Promise<string[]> {
  try {
    return (await readdir(join(folder, 'shards'))).filter((file) => file.endsWith('.arrow'));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw readFault(error, join(folder, 'shards'));
  }
}

/** Loaded only where a shard is written or has no entry: most runs find all fresh and should end at once. */
const arrow = (): Promise<typeof import('./shard.js')> => import('./shard.js');

/** The entry of a shard's bytes, or why they are not one of this key. */
async function entryOf(bytes: Uint8Array, key: CacheKey): Promise<ShardEntry | string> {
  const { describeShard } = await arrow();
  try {
    const { key: itsKey, engine, featureOffset, digests, rowSha256 } = describeShard(bytes);
    if (identityOf(itsKey) !== identityOf(key)) return 'made for another key';
    const { file, sha256 } = shardName(bytes);
    const written = new Date().toISOString();
    const rows = { digests: [...digests], rowSha256: [...rowSha256] };
    return { file, bytes: bytes.length, sha256, featureOffset, ...rows, engine, written };
  } catch {
    return 'not a shard';
  }
}

/** Writes rows as a shard: first the Arrow file, then its entry, each whole or not at all. */
export async function commitShard(
  folder: string,
  rows: readonly NewRow[],
  key: CacheKey,
  engine: string,
): Promise<ShardEntry> {
  const { encodeShard } = await arrow();
  const bytes = encodeShard(rows, key, engine);
  const entry = await entryOf(bytes, key);
  if (typeof entry === 'string') throw new Error(`A new shard is ${entry}.`);
  await writeAtomically(shardPath(folder, entry.file), bytes);
  await writeEntry(folder, entry);
  return entry;
}

/** The entry goes first, so that no entry ever names a shard that was removed on purpose. */
export async function removeShard(folder: string, file: string): Promise<void> {
  await rm(entryPath(folder, file), { force: true });
  await rm(shardPath(folder, file), { force: true });
}
