import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { errorCode, errorMessage } from '../errors.js';
import { shardPath, type ShardEntry } from './manifest.js';

/** Why the shard's file is not as it was written (length and sha256); undefined where it is. */
export async function shardDamage(folder: string, entry: ShardEntry): Promise<string | undefined> {
  try {
    const bytes = await readFile(shardPath(folder, entry.file));
    if (bytes.length !== entry.bytes) return `${bytes.length} bytes instead of ${entry.bytes}`;
    return createHash('sha256').update(bytes).digest('hex') === entry.sha256 ? undefined : 'wrong checksum';
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? 'missing' : errorMessage(error);
  }
}

/** The same by the file's length alone, without reading it: what a plan can afford on a large cache. */
export async function shardLengthDamage(folder: string, entry: ShardEntry): Promise<string | undefined> {
  try {
    const { size } = await stat(shardPath(folder, entry.file));
    return size === entry.bytes ? undefined : `${size} bytes instead of ${entry.bytes}`;
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? 'missing' : errorMessage(error);
  }
}
