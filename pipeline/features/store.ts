import { readFile, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { isDenied, removeAbandoned, writeAtomically } from '../files/atomic.js';
import { removeStaleLocks } from '../files/lock.js';
import { claimUpkeep, type Waiting } from './claims.js';
import {
  DamagedHeader,
  entryPath,
  newHeader,
  readHeader,
  readManifest,
  shardPath,
  writeEntry,
  writeHeader,
  type Damage,
  type ShardEntry,
} from './manifest.js';
import { findOrphans } from './orphans.js';
import type { CacheKey } from './schema.js';
import type { NewRow } from './shard.js';
import { entryOf, readContent } from './shard-content.js';
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
 * anew) and what killed runs left half written. While another run rewrites shards it waits.
 * @throws WorldError where it cannot be written
 */
export async function mend(
  folder: string,
  key: CacheKey,
  weights: { origin: string; random: boolean },
  found: Survey,
  effects: Waiting,
): Promise<void> {
  if (found.damaged.some(({ file }) => file === 'manifest.json') || !(await exists(join(folder, 'manifest.json')))) {
    await writeHeader(folder, newHeader(key, weights));
  }
  if (found.damaged.length + found.orphans.length > 0) {
    const held = await claimUpkeep(folder, effects);
    try {
      if (held !== undefined) await mendShards(folder, key, found);
    } finally {
      await held?.release();
    }
  }
  if (JSON.stringify(found.stamps) !== JSON.stringify(await readChecked(folder))) {
    await writeAtomically(join(folder, CHECKED), JSON.stringify(found.stamps)).catch((error: unknown) => {
      // A complete cache in a read-only folder is of use; its shards are read again by the next run.
      if (!isDenied(error)) throw error;
    });
  }
  for (const part of ['.', 'shards', 'manifest']) await removeAbandoned(join(folder, part));
  await removeStaleLocks(join(folder, 'locks'));
}

/**
 * Looks again at what was found: meanwhile another run may have mended it, computed it anew and not yet written its
 * entry, or merged it into another shard.
 */
async function mendShards(folder: string, key: CacheKey, { damaged, orphans }: Survey): Promise<void> {
  const now = await readManifest(folder);
  const listed = new Map(now.shards.map((entry) => [entry.file, entry]));
  for (const { file } of now.damaged) await rm(join(folder, file), { force: true });
  const bad = new Set(damaged.filter(({ file }) => file.startsWith('shards/')).map(({ file }) => basename(file)));
  const good = orphans.filter(({ file }) => !bad.has(file));
  if ([...bad].some((file) => !listed.has(file))) {
    const seen = new Set([...listed.keys(), ...good.map(({ file }) => file)]);
    good.push(...(await findOrphans(folder, seen, key, [])));
  }
  for (const entry of good) {
    if (listed.has(entry.file) || !(await exists(shardPath(folder, entry.file)))) continue;
    await writeEntry(folder, entry);
    listed.set(entry.file, entry);
  }
  for (const file of bad) {
    const entry = listed.get(file);
    if (entry === undefined || (await shardDamage(folder, entry)) !== undefined) await removeShard(folder, file);
  }
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

/** Writes rows as a shard: first the Arrow file, then its entry, each whole or not at all. */
export async function commitShard(
  folder: string,
  rows: readonly NewRow[],
  key: CacheKey,
  engine: string,
): Promise<ShardEntry> {
  const { encodeShard } = await import('./shard.js'); // most runs write none and should end at once
  const bytes = encodeShard(rows, key, engine);
  const content = readContent(bytes);
  if (content === undefined) throw new Error('A new shard has another layout.');
  const entry = entryOf(bytes, content);
  await writeAtomically(shardPath(folder, entry.file), bytes);
  await writeEntry(folder, entry);
  return entry;
}

/** The entry goes first, so that no entry ever names a shard that was removed on purpose. */
export async function removeShard(folder: string, file: string): Promise<void> {
  await rm(entryPath(folder, file), { force: true });
  await rm(shardPath(folder, file), { force: true, recursive: true }); // in its place there may be a folder
}
