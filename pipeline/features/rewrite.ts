import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { WorldError } from '../errors.js';
import { ownerText, type Lock } from '../files/lock.js';
import { ALL_PREFIXES, claim } from './claims.js';
import { shardPath, type ShardEntry } from './manifest.js';
import type { CacheKey } from './schema.js';
import { decodeRow, rowBytes } from './row.js';
import { idsOf, type NewRow } from './shard.js';

/**
 * Waits until no run computes, and keeps others from it: who rewrites shards must be alone.
 * @returns undefined where the signal is aborted first
 */
export async function claimAll(
  folder: string,
  effects: { log(line: string): void; signal: AbortSignal },
): Promise<Lock | undefined> {
  for (let told = false; !effects.signal.aborted; told = true) {
    const result = await claim(folder, { prefixes: ALL_PREFIXES });
    if ('release' in result) return result;
    if (!told) effects.log(`waiting for another run: ${ownerText(result)}`);
    await setTimeout(500);
  }
  return undefined;
}

/**
 * All rows of a shard.
 * @throws WorldError where the shard is not as it was written
 */
export async function readShardRows(folder: string, entry: ShardEntry, dtype: CacheKey['dtype']): Promise<NewRow[]> {
  const path = shardPath(folder, entry.file);
  const bytes = await readFile(path);
  if (createHash('sha256').update(bytes).digest('hex') !== entry.sha256) {
    throw new WorldError(`${path} was damaged a moment ago. Run pool5 extract again: it computes its rows anew.`);
  }
  const ids = idsOf(bytes);
  const length = rowBytes(dtype);
  return entry.digests.map((digest, i) => {
    const start = entry.featureOffset + i * length;
    const feature = decodeRow(new Uint8Array(bytes.subarray(start, start + length)), dtype);
    return { digest, id: ids[i] ?? '', feature };
  });
}
