import { memory, mul, square, sum, tensor1d, tidy, train, variable, type Scalar } from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { openOptimizer } from '../../../pipeline/head/optimizer.js';
import { useWasm } from '../../../pipeline/tensorflow/wasm.js';

beforeAll(useWasm);

const START = [1, -2, 0.5, 3];
const CURVATURE = [1, 0.1, 30, 1e-3];
const RATE = 0.02;

const theirs = {
  sgd: () => train.sgd(RATE),
  momentum: () => train.momentum(RATE, 0.9),
  rmsprop: () => train.rmsprop(RATE, 0.9),
  adam: () => train.adam(RATE),
} as const;

test.each(['sgd', 'momentum', 'rmsprop', 'adam'] as const)('%s takes the steps of tf.train', (name) => {
  const curvature = tensor1d(CURVATURE);
  const ours = tidy(() => variable(tensor1d(START), true, `ours-${name}`));
  const reference = tidy(() => variable(tensor1d(START), true, `reference-${name}`));
  const optimizer = openOptimizer({ optimizer: name, learningRate: RATE });
  const tfjs = theirs[name]();
  for (let step = 1; step <= 25; step++) {
    tidy(() => {
      // The gradient of sum(curvature x² / 2) is curvature x.
      optimizer.step([[ours, mul(curvature, ours)]]);
      tfjs.applyGradients({ [reference.name]: mul(curvature, reference) });
    });
    const expected = reference.dataSync();
    for (const [i, value] of ours.dataSync().entries()) expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 5);
  }
  const size = tidy(() => sum<Scalar>(square(mul(curvature, ours))).dataSync()[0]);
  expect(size).toBeLessThan(200);
  // Of tf.train's, momentum leaves one behind.
  tfjs.dispose();
  const sums = { sgd: 0, momentum: 1, rmsprop: 1, adam: 2 }[name];
  const before = memory().numTensors;
  optimizer.dispose();
  expect(memory().numTensors).toBe(before - sums);
  for (const tensor of [curvature, ours, reference]) tensor.dispose();
});
