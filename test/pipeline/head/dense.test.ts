import { describe, expect, test } from 'vitest';
import { initialWeights, scaleOutput } from '../../../pipeline/head/dense.js';

describe('initialWeights', () => {
  test("has Glorot's variance for the features, not for the coordinates", () => {
    const [first] = initialWeights(500, 25088, [256], 1);
    const squares = first?.kernel.reduce((sum, value) => sum + value ** 2, 0) ?? 0;
    expect(squares / (500 * 256) / (2 / (25088 + 256))).toBeCloseTo(1, 1);
  });

  test('depends on the seed alone', () => {
    expect(initialWeights(4, 4, [3], 1)).toEqual(initialWeights(4, 4, [3], 1));
    expect(initialWeights(4, 4, [3], 1)).not.toEqual(initialWeights(4, 4, [3], 2));
  });
});

test('scaleOutput undoes a standardised target', () => {
  const layers = [
    { inputs: 1, outputs: 2, kernel: Float32Array.of(1, 2), bias: Float32Array.of(3, 4) },
    { inputs: 2, outputs: 1, kernel: Float32Array.of(5, 6), bias: Float32Array.of(7) },
  ];
  expect(scaleOutput(layers, 10, 100)[1]).toEqual({
    inputs: 2,
    outputs: 1,
    kernel: Float32Array.of(50, 60),
    bias: Float32Array.of(170),
  });
  expect(scaleOutput(layers, 10, 100)[0]).toEqual(layers[0]);
});
