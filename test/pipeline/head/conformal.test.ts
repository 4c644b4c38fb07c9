import { randomNormal } from 'd3-random';
import seedrandom from 'seedrandom';
import { expect, it } from 'vitest';
import { conformalInterval, fewestResiduals } from '../../../pipeline/head/conformal.js';

it('takes the ceil((n + 1) coverage)-th smallest absolute residual', () => {
  const residuals = [-3, 1, 2, -5, 4, 6, -7, 8, 9];
  expect(conformalInterval(residuals, 0.9)).toEqual({ half: 9, coverage: 0.9, count: 9 });
  expect(conformalInterval(residuals, 0.8)).toEqual({ half: 8, coverage: 0.8, count: 9 });
  expect(conformalInterval([...residuals, 10], 0.5)).toEqual({ half: 6, coverage: 0.5, count: 10 });
});

it('gives none where residuals are too few, and says how many it takes', () => {
  expect(conformalInterval([1, 2, 3, 4, 5, 6, 7, 8], 0.9)).toBeNull();
  expect(conformalInterval([], 0.5)).toBeNull();
  expect([0.5, 0.8, 0.9, 0.95].map(fewestResiduals)).toEqual([1, 4, 9, 19]);
  for (const coverage of [0.5, 0.8, 0.9, 0.95]) {
    const n = fewestResiduals(coverage);
    expect(conformalInterval(new Float64Array(n), coverage)).not.toBeNull();
    expect(conformalInterval(new Float64Array(n - 1), coverage)).toBeNull();
  }
});

it('covers new draws as often as it says, averaged over many small samples', () => {
  const normal = randomNormal.source(seedrandom('conformal'))(0, 3);
  let inside = 0;
  const repetitions = 4000;
  for (let i = 0; i < repetitions; i++) {
    const interval = conformalInterval(Array.from({ length: 19 }, normal), 0.9);
    if (interval !== null && Math.abs(normal()) <= interval.half) inside++;
  }
  // Exactly 18/20 in expectation; four standard errors of 4,000 draws are 0.019.
  expect(Math.abs(inside / repetitions - 0.9)).toBeLessThan(0.019);
});
