import { expect, test } from 'vitest';
import { fitTransform, toTraining, toUnit } from '../../../pipeline/head/target.js';

test('standard: mean 0, variance 1, and back', () => {
  const transform = fitTransform('standard', [10, 20, 60]);
  expect(transform).toEqual({ kind: 'standard', shift: 30, scale: Math.sqrt(1400 / 3) });
  const trained = toTraining(transform, [10, 20, 60]);
  expect(trained.reduce((sum, value) => sum + value ** 2, 0)).toBeCloseTo(3, 5);
  expect([...toUnit(transform, trained)].map((value) => Math.round(value * 1e4) / 1e4)).toEqual([10, 20, 60]);
});

test('log comes back in the original unit', () => {
  const transform = fitTransform('log', [1, Math.E ** 2]);
  expect(transform.shift).toBeCloseTo(1, 12);
  expect([...toTraining(transform, [1, Math.E])]).toEqual([-1, 0]);
  expect(toUnit(transform, [0])[0]).toBeCloseTo(Math.E, 6);
});

test('raw leaves targets as they are', () => {
  expect([...toTraining(fitTransform('raw', [3, 4]), [5])]).toEqual([5]);
});

test('constant targets', () => {
  expect(() => fitTransform('raw', [7, 7, 7])).toThrow(
    'Expected targets that differ, got 7 for all 3 training photographs. There is nothing to learn from them.',
  );
});

test('logarithm of a target that is not positive', () => {
  expect(() => fitTransform('log', [0, 1])).toThrow(
    'Expected targets above 0 for --target log, got 0. Use --target standard.',
  );
});
