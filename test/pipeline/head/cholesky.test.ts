import { describe, expect, test } from 'vitest';
import { pivotedCholesky, solveLower, solveUpper } from '../../../pipeline/head/cholesky.js';
import { normalNumbers } from '../../../pipeline/head/random.js';

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);

/** K of `count` rows in `dimensions`. */
function gramOf(count: number, dimensions: number): Float64Array[] {
  const rows = Array.from({ length: count }, (_, i) => Float64Array.from(normalNumbers(dimensions, 1, i, 'row')));
  return rows.map((a) => Float64Array.from(rows, (b) => dot(a, b)));
}

describe('pivotedCholesky', () => {
  // More pivots than one panel has, and than two have.
  test.each([
    [10, 20, 10],
    [100, 200, 100],
    [200, 300, 200],
    [200, 150, 150],
    [150, 1, 1],
  ])('%i rows in %i dimensions have %i pivots and coordinates with their products', async (count, dimensions, rank) => {
    const expected = gramOf(count, dimensions);
    const { pivots, lower, coordinates } = await pivotedCholesky(gramOf(count, dimensions));
    expect([pivots.length, new Set(pivots).size]).toEqual([rank, rank]);
    let largest = 0;
    for (const [i, one] of coordinates.entries()) {
      expect(one.length).toBe(rank);
      for (const [j, other] of coordinates.entries()) {
        largest = Math.max(largest, Math.abs(dot(one, other) - (expected[i]?.[j] ?? Number.NaN)) / dimensions);
      }
    }
    expect(largest).toBeLessThan(1e-12);
    for (const [k, pivot] of pivots.entries()) {
      expect(lower[k]).toEqual(coordinates[pivot]?.subarray(0, k + 1));
      expect(coordinates[pivot]?.subarray(k + 1).every((value) => value === 0)).toBe(true);
    }
  });

  test('a row that is left out has coordinates from its products with the pivots', async () => {
    const gram = gramOf(81, 81);
    const { pivots, lower, coordinates } = await pivotedCholesky(gramOf(81, 81));
    for (const row of [0, 40, 80]) {
      const products = Float64Array.from(pivots, (pivot) => gram[row]?.[pivot] ?? Number.NaN);
      const solved = solveLower(lower, products);
      for (const [k, value] of solved.entries()) expect(value).toBeCloseTo(coordinates[row]?.[k] ?? Number.NaN, 9);
    }
  });

  test('solveUpper undoes Lᵀ', async () => {
    const { lower } = await pivotedCholesky(gramOf(70, 90));
    const values = normalNumbers(70 * 3, 1, 1, 'values');
    const solved = solveUpper(lower, values, 3);
    for (let column = 0; column < 3; column++) {
      for (let k = 0; k < 70; k++) {
        let sum = 0;
        for (let j = k; j < 70; j++) sum += (lower[j]?.[k] ?? Number.NaN) * (solved[j * 3 + column] ?? Number.NaN);
        expect(sum).toBeCloseTo(values[k * 3 + column] ?? Number.NaN, 9);
      }
    }
  });
});
