import { describe, expect, test } from 'vitest';
import { estimate, pairedDifference } from '../../../pipeline/head/statistics.js';

describe('estimate', () => {
  test("mean, deviation with n - 1, and Student's 95% interval", () => {
    const result = estimate([4, 6, 8, 10]);
    expect(result).toMatchObject({ count: 4, mean: 7 });
    expect(result?.deviation).toBeCloseTo(Math.sqrt(20 / 3), 12);
    // t(0.975; 3) = 3.182446305284263 (tables; R: qt(0.975, 3)).
    const half = (3.182446305284263 * Math.sqrt(20 / 3)) / 2;
    expect(result?.interval?.[0]).toBeCloseTo(7 - half, 9);
    expect(result?.interval?.[1]).toBeCloseTo(7 + half, 9);
  });

  test('one value has no interval, none no mean', () => {
    expect(estimate([5])).toEqual({ count: 1, mean: 5, deviation: null, interval: null });
    expect(estimate([])).toBeNull();
  });
});

test('pairedDifference pairs by key and leaves out what has no partner', () => {
  const one = new Map([
    ['1', 5],
    ['2', 7],
    ['3', 100],
  ]);
  const other = new Map([
    ['2', 4],
    ['1', 4],
  ]);
  expect(pairedDifference(one, other)).toMatchObject({ count: 2, mean: 2 });
  expect(pairedDifference(new Map(), other)).toBeNull();
});
