import { createHash } from 'node:crypto';
import { cp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as fc from 'fast-check';
import seedrandom from 'seedrandom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FEATURE_LENGTH } from '../../../pipeline/backbone/vgg16.js';
import { InputError } from '../../../pipeline/errors.js';
import { openCache, writeCurrent } from '../../../pipeline/features/cache.js';
import { folderName } from '../../../pipeline/features/key.js';
import type { CacheKey } from '../../../pipeline/features/schema.js';
import type { NewRow } from '../../../pipeline/features/shard.js';
import { commitShard, mend, survey, type Survey } from '../../../pipeline/features/store.js';
import { newFolder } from '../../stages/command-line.js';
import { QUIET } from './made-up.js';

const RUNS = Number(process.env['POOL5_FUZZ'] ?? 25);

const KEY: CacheKey = { weights: 'a'.repeat(64), preprocessing: '1', layer: 'pool5', dtype: 'float32' };
const WEIGHTS = { origin: 'test', random: false };

const random = seedrandom('rows');
const ROWS: NewRow[] = ['one', 'two', 'three', 'four'].map((id) => ({
  digest: createHash('sha256').update(id).digest('hex'),
  id,
  feature: Float32Array.from({ length: FEATURE_LENGTH }, () => random()),
}));
const BY_DIGEST = new Map(ROWS.map(({ digest, feature }) => [digest, feature]));

/** A file's bytes, injured: cut at a place, or with flipped bits. */
const injury = fc.oneof(
  fc.record({ cut: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }) }),
  fc.record({
    flips: fc.array(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), { minLength: 1, maxLength: 4 }),
  }),
);

function injure(bytes: Uint8Array, how: { cut: number } | { flips: number[] }): Uint8Array {
  if ('cut' in how) return bytes.slice(0, Math.floor(how.cut * bytes.length));
  const copy = Uint8Array.from(bytes);
  for (const place of how.flips) {
    const bit = Math.floor(place * copy.length * 8);
    copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  }
  return copy;
}

function expectRight({ digest, feature }: { digest: string; feature: Float32Array }): void {
  expect(Buffer.compare(bytesOf(feature), bytesOf(BY_DIGEST.get(digest) ?? new Float32Array()))).toBe(0);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

describe('a cache with one injured file', () => {
  let whole: string;
  let features: string;
  beforeAll(async () => {
    whole = await newFolder();
    features = await newFolder();
    const folder = join(whole, folderName(KEY));
    await commitShard(folder, ROWS.slice(0, 2), KEY, 'test');
    await commitShard(folder, ROWS.slice(2), KEY, 'test');
    await mend(folder, KEY, WEIGHTS, await survey(folder, KEY, true, new AbortController().signal), QUIET);
    await writeCurrent(whole, folderName(KEY));
  });
  afterAll(() => Promise.all([whole, features].map((path) => rm(path, { recursive: true, force: true }))));

  it('never gives a wrong row; the next extract finds which rows are lost, and the others are whole', async () => {
    const files = (await readdir(whole, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(whole.length + 1));
    expect(files.map((file) => basename(file).replace(/^.*\./, '')).toSorted()).toEqual([
      'arrow',
      'arrow',
      'current',
      'json',
      'json',
      'json',
      'json',
    ]);
    const { signal } = new AbortController();
    const folder = join(features, folderName(KEY));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), injury, async (file, how) => {
        await rm(features, { recursive: true, force: true });
        await cp(whole, features, { recursive: true, preserveTimestamps: true });
        const before = await readFile(join(whole, file));
        await writeFile(join(features, file), injure(before, how));

        let seen = 0;
        try {
          for await (const row of (await openCache(features)).rows()) {
            expectRight(row);
            seen++;
          }
          expect(seen).toBe(ROWS.length);
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
        }

        const found = await survey(folder, KEY, true, signal);
        const lost = ROWS.length - found.shards.reduce((sum, shard) => sum + shard.digests.length, 0);
        await mend(folder, KEY, WEIGHTS, found, QUIET);
        await writeCurrent(features, folderName(KEY));
        const mended = await openCache(features);
        expect(mended.places.size).toBe(ROWS.length - lost);
        for await (const row of mended.rows()) expectRight(row);
        expect(lost).toBe(
          file.endsWith('.arrow') && !before.equals(await readFile(join(features, file)).catch(() => Buffer.alloc(0)))
            ? 2
            : 0,
        );
        expect((await stat(join(folder, 'manifest.json'))).isFile()).toBe(true);
      }),
      { numRuns: RUNS, seed: 3 },
    );
  }, 120_000);
});

it('an injured shard that has no entry is named, and never given to the Arrow reader, which could hang on it', async () => {
  const features = await newFolder();
  const folder = join(features, folderName(KEY));
  const { file } = await commitShard(folder, ROWS.slice(0, 2), KEY, 'test');
  const path = join(folder, 'shards', file);
  const whole = await readFile(path);
  await rm(join(folder, 'manifest'), { recursive: true });
  const { signal } = new AbortController();
  const look = (): Promise<Survey> => survey(folder, KEY, true, signal);
  expect((await look()).orphans.map((orphan) => orphan.digests)).toEqual([ROWS.slice(0, 2).map((row) => row.digest)]);
  await fc.assert(
    fc.asyncProperty(injury, async (how) => {
      const bytes = injure(whole, how);
      await writeFile(path, bytes);
      const { orphans, damaged } = await look();
      const named = { orphans: [], damaged: [{ file: `shards/${file}`, reason: 'wrong checksum' }] };
      expect({ orphans, damaged }).toEqual(whole.equals(bytes) ? { orphans, damaged: [] } : named);
    }),
    { numRuns: RUNS * 2, seed: 4 },
  );
  await rm(features, { recursive: true, force: true });
});
