import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Of } from '../files/sha256.js';
import { errorCode, InputError } from '../errors.js';
import { writeAtomically } from '../files/atomic.js';
import { readFault, readIfThere } from '../files/read.js';
import { readChoice } from './choice.js';
import { readIndex, type ImageIndex } from './image-index.js';
import { identityOf } from './key.js';
import { readHeader, readManifest, shardPath, type Header, type ShardEntry } from './manifest.js';
import { placesOf, type Place } from './places.js';
import type { CacheKey, FeatureCache, FeatureRow } from './schema.js';
import { decodeRow, rowBytes } from './row.js';
import { distrust } from './store.js';
import { shardLengthDamage } from './verify.js';

/** features/current names the folder of the key that extract used last. */
const CURRENT = 'current';

export async function writeCurrent(features: string, name: string): Promise<void> {
  const text = `${name}\n`;
  if ((await readIfThere(join(features, CURRENT))) !== text) await writeAtomically(join(features, CURRENT), text);
}

/** The folder of the cache that extract filled last; undefined where there is none. */
export async function currentFolder(features: string): Promise<string | undefined> {
  const name = (await readIfThere(join(features, CURRENT)))?.trim();
  return name === undefined || !/^[\w-]+$/.test(name) ? undefined : join(features, name);
}

/** An open cache with what inspect needs besides. */
export interface OpenCache extends FeatureCache {
  readonly header: Header;
  readonly shards: readonly ShardEntry[];
  readonly index: ImageIndex;
  /** Where the row of each digest lies. */
  readonly places: ReadonlyMap<string, Place>;
}

/**
 * Opens the cache under features/ that extract filled last.
 * @throws InputError where there is none, or it is damaged or of a newer format
 */
export async function openCache(features: string): Promise<OpenCache> {
  const folder = await currentFolder(features);
  const header = folder === undefined ? undefined : await readHeader(folder);
  if (folder === undefined || header === undefined) {
    throw new InputError({
      expected: 'a cache of features',
      found: 'none',
      where: features,
      fix: 'Make it with pool5 extract --images DIR, or name another with --features.',
    });
  }
  const manifest = await readManifest(folder);
  const [damage] = manifest.damaged;
  if (damage !== undefined) throw damaged(join(folder, damage.file), damage.reason);
  const places = placesOf(manifest.shards);
  const index = await readIndex(folder);
  const choice = header.key.precision === 'int8' ? await readChoice(folder, header.key) : undefined;
  const images = new Map<string, string>();
  for (const image of index.values()) {
    if (places.has(image.digest)) images.set(image.id, image.digest);
  }
  return {
    folder,
    key: header.key,
    identity: identityOf(header.key),
    ...(choice?.graph === 'int8' ? { ranges: choice.ranges } : {}),
    images,
    header,
    shards: manifest.shards,
    index,
    places,
    rows: (digests = places.keys()) => readRows(folder, header.key.dtype, places, [...new Set(digests)].toSorted()),
  };
}

/** Checks each shard's length first and each row's checksum as it is read, so that memory holds one row. */
async function* readRows(
  folder: string,
  dtype: CacheKey['dtype'],
  places: ReadonlyMap<string, Place>,
  digests: readonly string[],
): AsyncGenerator<FeatureRow> {
  const wanted = digests.map((digest) => {
    const place = places.get(digest);
    if (place !== undefined) return { digest, ...place };
    throw new InputError({
      expected: 'features for every picture asked for',
      found: `none for digest ${digest.slice(0, 12)}`,
      where: folder,
      fix: 'Run pool5 extract again.',
    });
  });
  const refuse = async (shard: ShardEntry, reason: string): Promise<never> => {
    await distrust(folder);
    throw damaged(shardPath(folder, shard.file), reason);
  };
  for (const shard of new Set(wanted.map((row) => row.shard))) {
    const reason = await shardLengthDamage(folder, shard);
    if (reason !== undefined) await refuse(shard, reason);
  }
  const length = rowBytes(dtype);
  const files = new OpenFiles();
  try {
    for (const { digest, shard, row, sha256 } of wanted) {
      const file = await files.get(shardPath(folder, shard.file));
      const bytes = new Uint8Array(length);
      const { bytesRead } = await file.read(bytes, 0, length, shard.featureOffset + row * length);
      if (bytesRead !== length) await refuse(shard, 'shorter than it was a moment ago');
      if (sha256Of(bytes) !== sha256) {
        await refuse(shard, `wrong checksum of row ${row + 1}`);
      }
      yield { digest, feature: decodeRow(bytes, dtype) };
    }
  } finally {
    await files.close();
  }
}

/** Keeps some files open: rows in digest order jump between shards. */
class OpenFiles {
  private static readonly most = 64;
  private readonly files = new Map<string, FileHandle>();

  /** @throws WorldError where the file cannot be opened; InputError where it is gone */
  async get(path: string): Promise<FileHandle> {
    const known = this.files.get(path);
    if (known !== undefined) return known;
    const [oldest] = this.files;
    if (oldest !== undefined && this.files.size >= OpenFiles.most) {
      this.files.delete(oldest[0]);
      await oldest[1].close();
    }
    const file = await open(path, 'r').catch((error: unknown) => {
      throw errorCode(error) === 'ENOENT' ? damaged(path, 'missing') : readFault(error, path);
    });
    this.files.set(path, file);
    return file;
  }

  async close(): Promise<void> {
    await Promise.all([...this.files.values()].map((file) => file.close()));
  }
}

function damaged(path: string, reason: string): InputError {
  return new InputError({
    expected: 'a shard as it was written',
    found: reason,
    where: path,
    fix: 'Run pool5 extract again: it computes the damaged rows anew.',
  });
}
