import { createHash } from 'node:crypto';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { FEATURE_LENGTH } from '../backbone/vgg16.js';
import { InputError } from '../errors.js';
import { writeAtomically } from '../files/atomic.js';
import { readIndex } from './image-index.js';
import { identityOf } from './key.js';
import { readHeader, readManifest, shardPath, type Header, type ShardEntry } from './manifest.js';
import type { FeatureCache, FeatureRow } from './schema.js';
import { distrust } from './store.js';
import { shardDamage } from './verify.js';

const ROW_BYTES = FEATURE_LENGTH * Float32Array.BYTES_PER_ELEMENT;

/** features/current names the folder of the key that extract used last. */
const CURRENT = 'current';

export async function writeCurrent(features: string, name: string): Promise<void> {
  await writeAtomically(join(features, CURRENT), `${name}\n`);
}

/** The folder of the cache that extract filled last; undefined where there is none. */
export async function currentFolder(features: string): Promise<string | undefined> {
  const name = await readFile(join(features, CURRENT), 'utf8').catch(() => undefined);
  return name === undefined ? undefined : join(features, name.trim());
}

/** Where a digest's row lies. */
interface Place {
  readonly shard: ShardEntry;
  readonly row: number;
}

/** An open cache with what inspect needs besides. */
export interface OpenCache extends FeatureCache {
  readonly header: Header;
  readonly shards: readonly ShardEntry[];
  /** sha256 (hex) over each row's digest (32 bytes) and feature (little-endian, as stored), in digest order. */
  contentDigest(): Promise<string>;
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
  const places = new Map<string, Place>();
  for (const shard of manifest.shards) {
    for (const [row, digest] of shard.digests.entries()) places.set(digest, { shard, row });
  }
  const images = new Map<string, string>();
  for (const image of (await readIndex(folder)).values()) {
    if (places.has(image.digest)) images.set(image.id, image.digest);
  }
  const rows = (digests: Iterable<string> = places.keys()): AsyncGenerator<FeatureRow> =>
    readRows(folder, places, [...new Set(digests)].toSorted());
  return {
    folder,
    key: header.key,
    identity: identityOf(header.key),
    images,
    header,
    shards: manifest.shards,
    rows,
    async contentDigest() {
      const hash = createHash('sha256');
      for await (const { digest, feature } of rows()) {
        hash.update(digest, 'hex');
        hash.update(new Uint8Array(feature.buffer, feature.byteOffset, feature.byteLength));
      }
      return hash.digest('hex');
    },
  };
}

/** Reads each needed shard once for its checksum, then single rows, so that memory holds one shard at most. */
async function* readRows(
  folder: string,
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
  for (const shard of new Set(wanted.map((row) => row.shard))) {
    const reason = await shardDamage(folder, shard);
    if (reason !== undefined) {
      await distrust(folder);
      throw damaged(shardPath(folder, shard.file), reason);
    }
  }
  const files = new OpenFiles();
  try {
    for (const { digest, shard, row } of wanted) {
      const file = await files.get(shardPath(folder, shard.file));
      const feature = new Float32Array(FEATURE_LENGTH);
      const bytes = new Uint8Array(feature.buffer);
      const { bytesRead } = await file.read(bytes, 0, ROW_BYTES, shard.featureOffset + row * ROW_BYTES);
      if (bytesRead !== ROW_BYTES) throw damaged(shardPath(folder, shard.file), 'shorter than it was a moment ago');
      const bad = feature.findIndex((value) => !Number.isFinite(value));
      if (bad !== -1) throw damaged(shardPath(folder, shard.file), `${feature[bad]} in the row of ${digest}`);
      yield { digest, feature };
    }
  } finally {
    await files.close();
  }
}

/** Keeps some files open: rows in digest order jump between shards. */
class OpenFiles {
  private static readonly most = 64;
  private readonly files = new Map<string, FileHandle>();

  async get(path: string): Promise<FileHandle> {
    const known = this.files.get(path);
    if (known !== undefined) return known;
    const [oldest] = this.files;
    if (oldest !== undefined && this.files.size >= OpenFiles.most) {
      this.files.delete(oldest[0]);
      await oldest[1].close();
    }
    const file = await open(path, 'r');
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
