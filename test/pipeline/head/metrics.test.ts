import { expect, test } from 'vitest';
import { metricsOf } from '../../../pipeline/head/metrics.js';

test('MAE, RMSE and R2 by hand', () => {
  expect(metricsOf([1, 2, 3, 6], [2, 2, 5, 4])).toEqual({ count: 4, mae: 1.25, rmse: 1.5, r2: 1 - 9 / 14 });
});

test('targets that do not vary have no R2', () => {
  expect(metricsOf([2, 2], [1, 3])).toEqual({ count: 2, mae: 1, rmse: 1, r2: null });
});

test('nothing to compare', () => {
  expect(metricsOf([], [])).toBeNull();
});
