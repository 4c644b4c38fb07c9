import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromFloat16, toFloat16 } from '../../../pipeline/float16.js';
import { PACKAGE_ROOT } from '../../../pipeline/package-root.js';
import { KEY, madeUpCache, madeUpRows } from './made-up.js';

const VENV = join(PACKAGE_ROOT, '.venv-test/bin/python');
const PYTHON = process.env['POOL5_PYTHON'] ?? (existsSync(VENV) ? VENV : 'python3');

function has(module: string): boolean {
  try {
    execFileSync(PYTHON, ['-c', `import numpy, pyarrow, ${module}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.each(['pyarrow', 'polars', 'duckdb'])('%s', (reader) => {
  it.skipIf(!has(reader)).each(['float32', 'float16'] as const)(
    `reads %s features with their ids (skips where Python lacks ${reader})`,
    async (dtype) => {
      const rows = madeUpRows(5);
      const { features, folder } = await madeUpCache(rows, 2, { ...KEY, dtype });
      const script = join(PACKAGE_ROOT, 'test/peers/features.py');
      const output = execFileSync(PYTHON, [script, folder, reader]).toString();
      await rm(features, { recursive: true });
      const expected = rows.map(({ digest, id, feature }) => {
        const stored = dtype === 'float16' ? fromFloat16(toFloat16(feature)) : feature;
        return [digest, id, stored.reduce((sum, value) => sum + value, 0), Math.max(...stored)];
      });
      const seen: [string, string, number, number][] = JSON.parse(output)[reader];
      expect(seen.map(([digest, id, , most]) => [digest, id, most])).toEqual(
        expected.map(([digest, id, , most]) => [digest, id, most]),
      );
      for (const [i, row] of seen.entries()) expect(row[2]).toBeCloseTo(Number(expected[i]?.[2]), 3);
    },
  );
});
