import { expect, test } from 'vitest';
import { inverseCholesky } from '../../../pipeline/head/inverse.js';
import { normalNumbers } from '../../../pipeline/head/random.js';

// Sizes that plain loops do, and that are halved once, unevenly, and twice.
test.each([1, 5, 64, 65, 131, 260])('L⁻¹ A L⁻ᵀ = I for %i rows, L⁻¹ lower triangular', async (size) => {
  const numbers = normalNumbers(size * size, 1, size, 'numbers');
  const data = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      let sum = i === j ? 1 : 0;
      for (let k = 0; k < size; k++) sum += (numbers[i * size + k] ?? 0) * (numbers[j * size + k] ?? 0);
      data[i * size + j] = sum;
    }
  }
  const before = data.slice();
  const inverse = await inverseCholesky({ size, data });
  expect(data).toEqual(before);
  const half = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < size; k++) {
      const value = inverse.data[i * size + k] ?? Number.NaN;
      if (k > i && value !== 0) throw new Error(`${value} above the diagonal`);
      for (let j = 0; j < size; j++) half[i * size + j] = (half[i * size + j] ?? 0) + value * (data[k * size + j] ?? 0);
    }
  }
  let largest = 0;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      let sum = i === j ? -1 : 0;
      for (let k = 0; k <= j; k++) sum += (half[i * size + k] ?? 0) * (inverse.data[j * size + k] ?? 0);
      largest = Math.max(largest, Math.abs(sum));
    }
  }
  expect(largest).toBeLessThan(1e-10);
});
