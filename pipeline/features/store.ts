import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { removeAbandoned, writeAtomically } from '../files/atomic.js';
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
  type Manifest,
  type ShardEntry,
} from './manifest.js';
import type { CacheKey } from './schema.js';
import { describeShard, encodeShard, type NewRow } from './shard.js';
import { shardDamage, shardLengthDamage } from './verify.js';

/** Shards as they were when their checksum was last computed: file name -> "size mtime ctime". */
const checkedSchema = z.record(z.string(), z.string());

/** What a look at all shards found and mended. */
export interface Survey {
  readonly shards: readonly ShardEntry[];
  /** Shards and entries that were not as written; they are gone, and their rows are to be computed anew. */
  readonly damaged: readonly Damage[];
}

/**
 * Makes the folder a cache of the key, or mends its manifest.json where that is damaged.
 * @throws InputError where a newer pool5 wrote it; WorldError where it cannot be written
 */
export async function prepareCache(
  folder: string,
  key: CacheKey,
  weights: { origin: string; random: boolean },
): Promise<Damage[]> {
  let found: Awaited<ReturnType<typeof readHeader>>;
  const damaged: Damage[] = [];
  try {
    found = await readHeader(folder);
  } catch (error) {
    if (!(error instanceof DamagedHeader)) throw error;
    damaged.push({ file: 'manifest.json', reason: 'not a manifest' });
  }
  if (found === undefined) await writeHeader(folder, newHeader(key, weights));
  for (const part of ['.', 'shards', 'manifest']) await removeAbandoned(join(folder, part));
  return damaged;
}

/**
 * Checks every shard and removes damaged ones. A shard whose size and times are those of its last check is not read
 * again, unless `all`. Shards without an entry (a kill between the two) are adopted when their name fits their bytes.
 */
export async function survey(folder: string, all: boolean): Promise<Survey> {
  const manifest = await readManifest(folder);
  const known = await readChecked(folder);
  const checked: Record<string, string> = {};
  const damaged: Damage[] = [...manifest.damaged];
  for (const { file } of manifest.damaged) await rm(join(folder, file), { force: true });
  const shards: ShardEntry[] = [];
  for (const entry of [...manifest.shards, ...(await adoptOrphans(folder, manifest, damaged))]) {
    const stamp = await stampOf(shardPath(folder, entry.file));
    const trusted = !all && stamp !== undefined && known[entry.file] === stamp;
    const reason = trusted ? await shardLengthDamage(folder, entry) : await shardDamage(folder, entry);
    if (reason === undefined) {
      shards.push(entry);
      if (stamp !== undefined) checked[entry.file] = stamp;
    } else {
      damaged.push({ file: `shards/${entry.file}`, reason });
      await removeShard(folder, entry);
    }
  }
  if (JSON.stringify(checked) !== JSON.stringify(known)) {
    await writeAtomically(join(folder, 'checked.json'), JSON.stringify(checked));
  }
  return { shards, damaged };
}

/** A reader that met damage calls this, so that the next survey reads every shard. */
export async function distrust(folder: string): Promise<void> {
  await rm(join(folder, 'checked.json'), { force: true });
}

async function readChecked(folder: string): Promise<Record<string, string>> {
  try {
    return checkedSchema.parse(JSON.parse(await readFile(join(folder, 'checked.json'), 'utf8')));
  } catch {
    return {}; // nothing is trusted: every shard is read
  }
}

async function stampOf(path: string): Promise<string | undefined> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  return stats === undefined ? undefined : `${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`;
}

async function adoptOrphans(folder: string, manifest: Manifest, damaged: Damage[]): Promise<ShardEntry[]> {
  const listed = new Set(manifest.shards.map((entry) => entry.file));
  const adopted: ShardEntry[] = [];
  for (const file of await readdir(join(folder, 'shards')).catch(() => [])) {
    if (!file.endsWith('.arrow') || listed.has(file)) continue;
    const path = shardPath(folder, file);
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes === undefined) continue; // another run has just removed it
    const { file: trueName, sha256 } = shardName(bytes);
    if (trueName === file) {
      const { digests, featureOffset } = describeShard(bytes);
      const written = new Date().toISOString();
      const entry = { file, bytes: bytes.length, sha256, featureOffset, digests, engine: 'unknown: adopted', written };
      await writeEntry(folder, entry);
      adopted.push(entry);
    } else {
      damaged.push({ file: `shards/${file}`, reason: 'wrong checksum' });
      await rm(path, { force: true });
    }
  }
  return adopted;
}

/** Writes rows as a shard: first the Arrow file, then its entry, each whole or not at all. */
export async function commitShard(
  folder: string,
  rows: readonly NewRow[],
  key: CacheKey,
  engine: string,
): Promise<ShardEntry> {
  const { bytes, featureOffset } = encodeShard(rows, key);
  const { file, sha256 } = shardName(bytes);
  await writeAtomically(shardPath(folder, file), bytes);
  const digests = rows.map((row) => row.digest);
  const written = new Date().toISOString();
  const entry = { file, bytes: bytes.length, sha256, featureOffset, digests, engine, written };
  await writeEntry(folder, entry);
  return entry;
}

/** The entry goes first, so that no entry ever names a shard that was removed on purpose. */
export async function removeShard(folder: string, entry: ShardEntry): Promise<void> {
  await rm(entryPath(folder, entry.file), { force: true });
  await rm(shardPath(folder, entry.file), { force: true });
}
