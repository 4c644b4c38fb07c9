import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../errors.js';
import { readFault } from '../files/read.js';
import { identityOf } from './key.js';
import { shardName, shardPath, type Damage, type ShardEntry } from './manifest.js';
import { rowBytes } from './row.js';
import type { CacheKey } from './schema.js';
import { entryOf, MOST_ROWS, readContent, rowsOf, type ShardContent } from './shard-content.js';

/**
 * Shards without an entry, as a kill between the two leaves them. One is sound when its name fits its bytes, it was
 * made for this key, and its bytes are those that this program writes of such rows.
 * @param damaged is told of the others
 * @throws WorldError where one cannot be read
 */
export async function findOrphans(
  folder: string,
  listed: ReadonlySet<string>,
  key: CacheKey,
  damaged: Damage[],
): Promise<ShardEntry[]> {
  const orphans: ShardEntry[] = [];
  for (const file of await shardFiles(folder)) {
    if (listed.has(file)) continue;
    const orphan = await readOrphan(folder, file, key);
    if (typeof orphan === 'string') damaged.push({ file: `shards/${file}`, reason: orphan });
    else if (orphan !== undefined) orphans.push(orphan);
  }
  return orphans;
}

/** What a file of our making can have at most: no name of a photograph is longer than 4,096 bytes on any system. */
function mostBytes(dtype: CacheKey['dtype']): number {
  return MOST_ROWS * (rowBytes(dtype) + 8192);
}

/** The entry of a shard that has none, or why its bytes are not one of this key; undefined where it is gone. */
async function readOrphan(folder: string, file: string, key: CacheKey): Promise<ShardEntry | string | undefined> {
  const path = shardPath(folder, file);
  try {
    const { size } = await stat(path);
    if (size > mostBytes(key.dtype)) return `${size} bytes, more than any shard has`;
    const bytes = await readFile(path);
    if (shardName(bytes).file !== file) return 'wrong checksum';
    const content = readContent(bytes);
    if (content === undefined) return 'not a shard';
    if (identityOf(content.key) !== identityOf(key)) return 'made for another key';
    return (await isOurs(bytes, content)) ? entryOf(bytes, content) : 'not a shard';
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined; // another run has just removed it
    throw readFault(error, path);
  }
}

async function shardFiles(folder: string): Promise<string[]> {
  try {
    const files = await readdir(join(folder, 'shards'), { withFileTypes: true });
    return files.filter((file) => file.isFile() && file.name.endsWith('.arrow')).map((file) => file.name);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw readFault(error, join(folder, 'shards'));
  }
}

/** Whether the content, encoded again, gives the same bytes: then nothing was forged for an Arrow reader to trip over. */
async function isOurs(bytes: Uint8Array, content: ShardContent): Promise<boolean> {
  const { encodeShard } = await import('./shard.js'); // orphans are rare, and the library takes its time to load
  try {
    return Buffer.compare(encodeShard(rowsOf(bytes, content), content.key, content.engine), bytes) === 0;
  } catch {
    return false; // a number is not finite
  }
}
