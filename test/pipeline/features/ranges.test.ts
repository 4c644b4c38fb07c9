import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pending } from '../../../pipeline/features/plan.js';
import { cutRanges, evenRows } from '../../../pipeline/features/ranges.js';

function pendingOf(count: number, seed = 0): Pending[] {
  return Array.from({ length: count }, (_, i) => {
    const digest = createHash('sha256').update(`${seed} ${i}`).digest('hex');
    return { digest, id: digest, path: digest };
  }).toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
}

/** Rows of each shard that the ranges give. */
function shardsOf(count: number, shardRows: number, seed = 0): number[] {
  return cutRanges(pendingOf(count, seed), shardRows).flatMap(({ pending }) => {
    const rows = evenRows(pending.length, shardRows);
    const whole = Array.from({ length: Math.floor(pending.length / rows) }, () => rows);
    return pending.length % rows === 0 ? whole : [...whole, pending.length % rows];
  });
}

describe('cutRanges', () => {
  it('gives every photograph to one range, in digest order, and every first byte to one range', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 900 }),
        fc.integer({ min: 1, max: 100 }),
        fc.nat(9),
        (count, most, seed) => {
          const pending = pendingOf(count, seed);
          const ranges = cutRanges(pending, most);
          expect(ranges.flatMap((range) => range.pending)).toEqual(pending);
          const prefixes = ranges.flatMap((range) => range.prefixes);
          expect(prefixes).toEqual([...new Set(pending.map(({ digest }) => digest.slice(0, 2)))]);
          for (const range of ranges) {
            expect(new Set(range.pending.map(({ digest }) => digest.slice(0, 2)))).toEqual(new Set(range.prefixes));
          }
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  it.each([
    [1, 64, [1]],
    [64, 64, [64]],
    [65, 64, [33, 32]],
    [130, 64, [44, 43, 43]],
    [240, 64, [60, 60, 60, 60]],
    [8, 2, [2, 2, 2, 2]],
  ])('%i photographs in shards of at most %i', (count, most, expected) => {
    const shards = shardsOf(count, most);
    expect(shards.length).toBe(expected.length);
    for (const [i, rows] of shards.toSorted((a, b) => b - a).entries()) {
      expect(Math.abs(rows - (expected[i] ?? NaN))).toBeLessThanOrEqual(count < 65 ? 0 : 2);
    }
  });

  it('makes neither tiny shards nor many more than need be', () => {
    for (const count of [240, 256, 1000, 2000, 10_000, 100_000]) {
      const shards = shardsOf(count, 64, 3);
      const fewest = Math.ceil(count / 64);
      expect(Math.max(...shards)).toBeLessThanOrEqual(64);
      expect(Math.min(...shards)).toBeGreaterThanOrEqual(32);
      expect(shards.length).toBeLessThanOrEqual(Math.ceil(fewest * 1.2) + 1);
    }
  });

  it('leaves several ranges for workers to take', () => {
    expect([65, 240, 512, 1000, 10_000].map((count) => cutRanges(pendingOf(count), 64).length)).toEqual([
      2, 4, 9, 17, 75,
    ]);
  });
});
