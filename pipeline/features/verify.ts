import { readFile, stat } from 'node:fs/promises';
import { sha256Of } from '../files/sha256.js';
import { errorCode } from '../errors.js';
import { readFault } from '../files/read.js';
import { shardPath, type ShardEntry } from './manifest.js';

/**
 * Why the shard's file is not as it was written (length and sha256); undefined where it is.
 * @throws WorldError where it cannot be read for a reason that is not its own (permission, too many open files)
 */
export async function shardDamage(folder: string, entry: ShardEntry): Promise<string | undefined> {
  const reason = await shardLengthDamage(folder, entry); // first, since another file may have any length
  if (reason !== undefined) return reason;
  const path = shardPath(folder, entry.file);
  try {
    const bytes = await readFile(path);
    return sha256Of(bytes) === entry.sha256 ? undefined : 'wrong checksum';
  } catch (error) {
    return ownFault(error, path);
  }
}

/** The same by the file's length alone, without reading it: what a plan can afford on a large cache. */
export async function shardLengthDamage(folder: string, entry: ShardEntry): Promise<string | undefined> {
  const path = shardPath(folder, entry.file);
  try {
    const { size } = await stat(path);
    return size === entry.bytes ? undefined : `${size} bytes instead of ${entry.bytes}`;
  } catch (error) {
    return ownFault(error, path);
  }
}

function ownFault(error: unknown, path: string): string {
  const code = errorCode(error);
  if (code === 'ENOENT') return 'missing';
  if (code === 'EIO') return 'the disk cannot read it';
  throw readFault(error, path);
}
