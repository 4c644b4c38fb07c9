import { expect, it } from 'vitest';
import { basisOf, calibrate, NO_INTERVAL } from '../../../pipeline/head/calibration.js';

/** Photographs of a part whose errors are 1, 2, 3, ... */
const part = (split: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({ split, target: 10, prediction: 11 + i }));
const train = part('train', 30);

it('rests on the validation part, and says that it chose the epoch', () => {
  const outcomes = [...train, ...part('validation', 19), ...part('test', 50)];
  const interval = calibrate(outcomes, { epoch: 7 });
  expect(interval).toEqual({
    half: 18,
    coverage: 0.9,
    count: 19,
    part: 'validation',
    choseEpoch: true,
    beforeRefit: false,
  });
  expect(interval && basisOf(interval)).toBe('19 validation residuals, which chose the epoch');
});

it('says that the residuals are from before a refit', () => {
  const interval = calibrate(part('validation', 9), { epoch: 7, refitted: true });
  expect(interval && basisOf(interval)).toBe(
    '9 validation residuals, which chose the epoch, taken before the saved head was trained on them',
  );
});

it('prefers a holdout part that is large enough, of which all that does not hold', () => {
  const validation = part('validation', 19);
  const interval = calibrate([...validation, ...part('holdout', 9)], { epoch: 7, refitted: true });
  expect(interval).toMatchObject({ half: 9, part: 'holdout', choseEpoch: false, beforeRefit: false });
  expect(interval && basisOf(interval)).toBe('9 holdout residuals, which chose nothing');
  expect(calibrate([...validation, ...part('holdout', 8)], { epoch: 7 })?.part).toBe('validation');
});

it('knows that nothing chooses an epoch of ridge', () => {
  const interval = calibrate(part('validation', 9), { epoch: null });
  expect(interval && basisOf(interval)).toBe('9 validation residuals, which chose nothing');
});

it('gives none where neither part is large enough', () => {
  expect(calibrate([...train, ...part('validation', 8), ...part('holdout', 8)], { epoch: 7 })).toBeNull();
  expect(calibrate(part('validation', 8), { epoch: 7 }, 0.5)?.half).toBe(5);
  expect(NO_INTERVAL).toBe('No interval: it takes 9 validation or holdout photographs.');
});
