import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import seedrandom from 'seedrandom';
import sharp from 'sharp';
import { FEATURE_LENGTH } from '../../pipeline/backbone/vgg16.js';
import { identifyWeights } from '../../pipeline/backbone/weights/open.js';
import { writeCurrent } from '../../pipeline/features/cache.js';
import { folderName } from '../../pipeline/features/key.js';
import { newHeader, writeHeader } from '../../pipeline/features/manifest.js';
import type { CacheKey } from '../../pipeline/features/schema.js';
import type { NewRow } from '../../pipeline/features/shard.js';
import { commitShard } from '../../pipeline/features/store.js';
import { PREPROCESSING_VERSION } from '../../pipeline/images/pixels.js';

/** A picture of 4x4 pixels, some 100 bytes; another for each number. */
export async function drawTinyPicture(path: string, number: number): Promise<void> {
  const pixels = Uint8Array.from({ length: 48 }, (_, i) => (i < 3 ? number >> (8 * i) : i * 5) % 256);
  await writeFile(
    path,
    await sharp(pixels, { raw: { width: 4, height: 4, channels: 3 } })
      .png()
      .toBuffer(),
  );
}

/**
 * Tiny pictures and a whole cache of them, written by the cache's own writer with made-up features: thousands of rows
 * that are really on disk, without as many passes of the stack. Another run of extract finds all of them fresh.
 * @returns the cache's folder below `features`
 */
export async function fillCache(
  { images, features }: { images: string; features: string },
  count: number,
  { dtype = 'float32', shardRows = 64 }: { dtype?: CacheKey['dtype']; shardRows?: number } = {},
): Promise<string> {
  const weights = await identifyWeights(undefined);
  const key: CacheKey = { weights: weights.digest, preprocessing: PREPROCESSING_VERSION, layer: 'pool5', dtype };
  const folder = join(features, folderName(key));
  const random = seedrandom('features');
  const pattern = Float32Array.from({ length: FEATURE_LENGTH }, () => Math.max(0, 60 * (random() - 0.7)));
  await mkdir(images, { recursive: true });
  await mkdir(features, { recursive: true });
  const rows: Omit<NewRow, 'feature'>[] = [];
  for (let i = 0; i < count; i++) {
    const id = `p${i}.png`;
    await drawTinyPicture(join(images, id), i);
    const digest = createHash('sha256')
      .update(await readFile(join(images, id)))
      .digest('hex');
    rows.push({ digest, id });
  }
  rows.sort((a, b) => (a.digest < b.digest ? -1 : 1));
  await writeHeader(folder, newHeader(key, weights));
  for (let at = 0; at < count; at += shardRows) {
    const shard = rows.slice(at, at + shardRows).map((row, i) => ({ ...row, feature: pattern.with(0, at + i) }));
    await commitShard(folder, shard, key, 'made up for a test');
  }
  await writeCurrent(features, folderName(key));
  return folder;
}
