import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../../pipeline/package-root.js';
import { fitRidge, PENALTIES, predictRidge } from '../../../pipeline/head/ridge.js';

const ROWS = 12;
const COLUMNS = 30;
const x = Array.from({ length: ROWS }, (_, i) =>
  Float64Array.from({ length: COLUMNS }, (__, j) => ((i * 7 + j * 13 + i * j) % 11) / 11),
);
const y = x.map((row, i) => row.reduce((sum, value, j) => sum + value * (((j * 5) % 3) - 1), 0) + ((i * i) % 5) / 3);
const unseen = Float64Array.from({ length: COLUMNS }, (_, j) => ((5 + j * 3) % 7) / 7);

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
const gramOf = (rows: readonly Float64Array[]): Float64Array[] =>
  rows.map((a) => Float64Array.from(rows, (b) => dot(a, b)));

/** What test/peers/ridge.py prints with scikit-learn 1.9.1. */
const SCIKIT_LEARN = {
  alpha: 10,
  squaredErrors: [
    0.3633864861935742, 0.1706718743679871, 0.34296485295902923, 1.6274985870066159, 0.001260826744889341,
    1.548633193083528, 0.00041988071913526644, 0.005807825722602395, 1.0192516668505966, 0.0941129905255261,
    0.8160815965077143, 0.034588878875169884,
  ],
  intercept: 0.6418981279616423,
  prediction: 0.5212000049587059,
};

describe('fitRidge', () => {
  test("chooses and predicts as scikit-learn's RidgeCV", async () => {
    const ridge = await fitRidge(gramOf(x), y, { penalties: [0.01, 0.1, 1, 10, 100] });
    expect(ridge.lambda).toBe(SCIKIT_LEARN.alpha);
    for (const [i, squared] of SCIKIT_LEARN.squaredErrors.entries()) {
      expect(((y[i] ?? 0) - (ridge.leaveOneOut[i] ?? 0)) ** 2).toBeCloseTo(squared, 10);
    }
    expect(ridge.intercept).toBeCloseTo(SCIKIT_LEARN.intercept, 10);
    const products = Float64Array.from(x, (row) => dot(row, unseen));
    expect(predictRidge(ridge, products)).toBeCloseTo(SCIKIT_LEARN.prediction, 10);
  });

  const python = process.env['POOL5_PYTHON'];
  test.skipIf(python === undefined)('scikit-learn still says so (skipped without POOL5_PYTHON)', () => {
    const peer = JSON.parse(
      execFileSync(python ?? '', [join(PACKAGE_ROOT, 'test/peers/ridge.py')], { encoding: 'utf8' }),
    );
    const column = [0.01, 0.1, 1, 10, 100].indexOf(peer.alpha);
    expect(peer.alpha).toBe(SCIKIT_LEARN.alpha);
    for (const [i, errors] of peer.squaredErrors.entries()) {
      expect(errors[column]).toBeCloseTo(SCIKIT_LEARN.squaredErrors[i] ?? Number.NaN, 10);
    }
    expect(peer.prediction[0]).toBeCloseTo(SCIKIT_LEARN.prediction, 10);
  });

  test('leave-one-out errors are those of really leaving one out', async () => {
    const all = await fitRidge(gramOf(x), y, { penalties: [0.7] });
    for (let left = 0; left < ROWS; left++) {
      const keep = x.filter((_, i) => i !== left);
      const ridge = await fitRidge(
        gramOf(keep),
        y.filter((_, i) => i !== left),
        { penalties: [0.7] },
      );
      const row = x[left] ?? unseen;
      const predicted = predictRidge(
        ridge,
        Float64Array.from(keep, (other) => dot(row, other)),
      );
      expect(all.leaveOneOut[left]).toBeCloseTo(predicted, 9);
    }
  });

  test('the default grid spans seven decades around the mean squared norm', async () => {
    const exact = x.map((row) => row.reduce((sum, value) => sum + value, 0));
    const noise = x.map((_, i) => ((i * 5) % 3) - 1);
    expect((await fitRidge(gramOf(x), exact)).lambda).toBeLessThan(0.05);
    expect((await fitRidge(gramOf(x), noise)).lambda).toBeGreaterThan(1);
  });

  test('tells of each penalty; what its listener throws ends it', async () => {
    const done: number[] = [];
    await fitRidge(gramOf(x), y, { onPenalty: (count) => void done.push(count) });
    expect(done).toEqual(Array.from({ length: PENALTIES }, (_, index) => index + 1));
    const stop = new Error('stop');
    const onPenalty = (count: number): void => {
      if (count === 3) throw stop;
    };
    await expect(fitRidge(gramOf(x), y, { onPenalty })).rejects.toBe(stop);
  });

  test('copies and rows that are all equal', async () => {
    const copies = await fitRidge(gramOf([...x, ...x]), [...y, ...y], { penalties: [1] });
    const twice = await fitRidge(gramOf(x), y, { penalties: [0.5] });
    const products = Float64Array.from(x, (row) => dot(row, unseen));
    expect(predictRidge(copies, Float64Array.of(...products, ...products))).toBeCloseTo(
      predictRidge(twice, products),
      9,
    );
    const constant = await fitRidge(gramOf([unseen, unseen, unseen]), [1, 2, 6], { penalties: [1] });
    expect(
      predictRidge(
        constant,
        Float64Array.from({ length: 3 }, () => dot(unseen, unseen)),
      ),
    ).toBeCloseTo(3, 9);
  });
});
