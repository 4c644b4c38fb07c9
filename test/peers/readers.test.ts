import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import seedrandom from 'seedrandom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FEATURE_LENGTH } from '../../pipeline/backbone/vgg16.js';
import type { CacheKey } from '../../pipeline/features/schema.js';
import type { NewRow } from '../../pipeline/features/shard.js';
import { commitShard } from '../../pipeline/features/store.js';
import { toFloat16 } from '../../pipeline/float16.js';
import { PACKAGE_ROOT } from '../../pipeline/package-root.js';
import { newFolder } from '../stages/command-line.js';

const PYTHON = process.env['POOL5_PYTHON'] ?? 'python3';
const SCRIPT = join(PACKAGE_ROOT, 'test/peers/readers.py');

const NAMES = ['plain.jpg', 'cats/new\nline.jpg', '🐯 tiger.jpg', '"quoted", it\'s.jpg', 'ünï.png'];

function keyOf(dtype: CacheKey['dtype']): CacheKey {
  return { weights: 'a'.repeat(64), preprocessing: '1', layer: 'pool5', dtype };
}

function has(module: string): boolean {
  try {
    execFileSync(PYTHON, ['-c', `import numpy, pyarrow, ${module}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function drawRows(): NewRow[] {
  const random = seedrandom('rows');
  return NAMES.map((id) => ({
    digest: sha256(Buffer.from(id)),
    id,
    feature: Float32Array.from({ length: FEATURE_LENGTH }, () => Math.max(0, random() * 40 - 20)),
  }));
}

describe.each(['float32', 'float16'] as const)('a %s cache', (dtype) => {
  const rows = drawRows();
  let folder: string;
  beforeAll(async () => {
    folder = await newFolder();
    await commitShard(folder, rows.slice(0, 3), keyOf(dtype), 'test');
    await commitShard(folder, rows.slice(3), keyOf(dtype), 'test');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  // DuckDB knows no half-precision numbers.
  const readers = dtype === 'float32' ? ['pyarrow', 'polars', 'duckdb'] : ['pyarrow', 'polars'];
  for (const reader of readers) {
    it.skipIf(!has(reader))(`${reader} reads every bit and every id (skipped where Python has none)`, async () => {
      const { stdout } = await promisify(execFile)(PYTHON, [SCRIPT, reader, join(folder, 'shards/*.arrow')]);
      const expected = rows.map(({ digest, id, feature }) => {
        const { buffer } = dtype === 'float32' ? feature : toFloat16(feature);
        return [digest, id, sha256(new Uint8Array(buffer))];
      });
      expect(JSON.parse(stdout)).toEqual({
        shape: [NAMES.length, 7, 7, 512],
        dtype,
        rows: expected.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
      });
    });
  }
});
