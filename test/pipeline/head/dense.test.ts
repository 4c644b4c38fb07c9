import {
  memory,
  mul,
  ones,
  scalar,
  tensor1d,
  tensor2d,
  tidy,
  transpose,
  valueAndGrads,
  mean,
  square,
  sub,
  reshape,
  add,
  matMul,
  relu,
  type Tensor,
} from '@tensorflow/tfjs-core';
// oxlint-disable-next-line import/no-unassigned-import -- registers the gradients that the check needs
import '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { DenseNetwork, initialWeights, scaleOutput, type LayerWeights } from '../../../pipeline/head/dense.js';
import { normalNumbers } from '../../../pipeline/head/random.js';
import { useWasm } from '../../../pipeline/tensorflow/wasm.js';

beforeAll(useWasm);

const rows = normalNumbers(6 * 20, 1, 1, 'rows');
const targets = normalNumbers(6, 1, 1, 'targets');

function lossOf(masks: readonly Tensor[], variables: readonly Tensor[]): Tensor {
  let output: Tensor = tensor2d(rows, [6, 20]);
  for (let layer = 0; layer < variables.length / 2; layer++) {
    const [kernel, bias] = variables.slice(2 * layer);
    if (kernel === undefined || bias === undefined) throw new Error('no weights');
    output = add(matMul(output, kernel), bias);
    if (layer < variables.length / 2 - 1) output = relu(output);
    output = mul(output, masks[layer] ?? scalar(1));
  }
  return mean(square(sub(reshape(output, [-1]), tensor1d(targets))));
}

/** The same loss in tfjs's own operations, differentiated by tfjs. */
function automatic(
  weights: readonly LayerWeights[],
  masks: readonly Tensor[],
): { loss: number; grads: Float32Array[] } {
  return tidy(() => {
    const flat = weights.flatMap(({ inputs, outputs, kernel, bias }) => [
      tensor2d(kernel, [inputs, outputs]),
      tensor1d(bias),
    ]);
    const { value, grads } = valueAndGrads((...variables: Tensor[]) => lossOf(masks, variables))(flat);
    return { loss: value.dataSync()[0] ?? Number.NaN, grads: grads.map((grad) => Float32Array.from(grad.dataSync())) };
  });
}

function written(weights: readonly LayerWeights[], masks: readonly Tensor[]): { loss: number; grads: Float32Array[] } {
  const network = new DenseNetwork(weights);
  const result = tidy(() => {
    const { loss, pairs } = network.gradients(
      tensor2d(rows, [6, 20]),
      tensor1d(targets),
      masks.map((mask) => transpose(mask)),
    );
    // Kernels are kept transposed while they are trained.
    const grads = weights.flatMap((_, layer) =>
      ['kernel', 'bias'].map((part) => {
        const grad = pairs.find(([{ name }]) => name.endsWith(`dense${layer}/${part}`))?.[1];
        return grad !== undefined && part === 'kernel' ? transpose(grad) : grad;
      }),
    );
    return {
      loss: loss.dataSync()[0] ?? Number.NaN,
      grads: grads.map((grad) => Float32Array.from(grad?.dataSync() ?? [])),
    };
  });
  network.dispose();
  return result;
}

const biased = (weights: LayerWeights[]): LayerWeights[] =>
  weights.map((layer, index) => ({ ...layer, bias: normalNumbers(layer.outputs, 0.3, index, 'bias') }));

const maskOf = (units: number): Tensor =>
  tensor2d(
    normalNumbers(6 * units, 1, units, 'mask').map((value) => (value > 0 ? 2 : 0)),
    [6, units],
  );

describe('gradients', () => {
  test.each([[[8]], [[8, 5]], [[7, 6, 5]]])('of %j hidden units equal those of tfjs', (hidden) => {
    const weights = biased(initialWeights(20, 20, hidden, 1));
    const mine = written(weights, []);
    const theirs = automatic(weights, []);
    expect(mine.loss).toBeCloseTo(theirs.loss, 5);
    expect(mine.grads.map((grad) => grad.length)).toEqual(theirs.grads.map((grad) => grad.length));
    for (const [index, grad] of theirs.grads.entries()) {
      for (const [i, value] of grad.entries()) expect(mine.grads[index]?.[i]).toBeCloseTo(value, 5);
    }
  });

  test('with dropout equal those of tfjs', () => {
    const weights = biased(initialWeights(20, 20, [8, 5], 2));
    const masks = [maskOf(8), maskOf(5)];
    const mine = written(weights, masks);
    const theirs = automatic(weights, masks);
    for (const each of masks) each.dispose();
    expect(mine.loss).toBeCloseTo(theirs.loss, 5);
    for (const [index, grad] of theirs.grads.entries()) {
      for (const [i, value] of grad.entries()) expect(mine.grads[index]?.[i]).toBeCloseTo(value, 5);
    }
  });
});

test('a network leaves no tensor behind', () => {
  const before = memory().numTensors;
  const network = new DenseNetwork(initialWeights(20, 20, [8, 5], 1));
  const input = ones<import('@tensorflow/tfjs-core').Rank.R2>([3, 20]);
  const snapshot = network.snapshot();
  network.shrink(0.5);
  network.restore(snapshot);
  const output = network.forward(input);
  for (const tensor of [input, output, ...snapshot]) tensor.dispose();
  network.dispose();
  expect(memory().numTensors).toBe(before);
});

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
