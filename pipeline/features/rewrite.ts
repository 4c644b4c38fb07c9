import { readFile } from 'node:fs/promises';
import { sha256Of } from '../files/sha256.js';
import { WorldError } from '../errors.js';
import { shardPath, type ShardEntry } from './manifest.js';
import type { NewRow } from './shard.js';
import { readContent, rowsOf } from './shard-content.js';
import { shardLengthDamage } from './verify.js';

/**
 * All rows of a shard.
 * @throws WorldError where the shard is not as it was written
 */
export async function readShardRows(folder: string, entry: ShardEntry): Promise<NewRow[]> {
  const path = shardPath(folder, entry.file);
  const reason = await shardLengthDamage(folder, entry);
  const bytes = reason === undefined ? await readFile(path) : undefined;
  const content = bytes === undefined || sha256Of(bytes) !== entry.sha256 ? undefined : readContent(bytes);
  if (bytes === undefined || content === undefined) {
    throw new WorldError(`${path} was damaged a moment ago. Run pool5 extract again: it computes its rows anew.`);
  }
  return rowsOf(bytes, content);
}
