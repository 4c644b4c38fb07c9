import {
  add,
  matMul,
  mean,
  mul,
  relu,
  reshape,
  scalar,
  square,
  sub,
  tensor1d,
  tensor2d,
  tidy,
  train,
  valueAndGrads,
  variable,
  type Optimizer,
  type Scalar,
  type Tensor,
  type Variable,
} from '@tensorflow/tfjs-core';
// oxlint-disable-next-line import/no-unassigned-import -- registers the gradients that the check needs
import '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { initialWeights, type LayerWeights } from '../../../pipeline/head/dense.js';
import { openPredictor, openTrainer } from '../../../pipeline/head/network.js';
import { normalNumbers } from '../../../pipeline/head/random.js';
import { useWasm } from '../../../pipeline/tensorflow/wasm.js';

beforeAll(useWasm);

const COUNT = 6;
const INPUTS = 20;
const rows = normalNumbers(COUNT * INPUTS, 1, 1, 'rows');
const targets = normalNumbers(COUNT, 1, 1, 'targets');

const plain = { optimizer: 'sgd', learningRate: 1, weightDecay: 0, batch: COUNT, dropout: 0 } as const;

const biased = (hidden: readonly number[]): LayerWeights[] =>
  initialWeights(INPUTS, INPUTS, hidden, 1).map((layer, index) => ({
    ...layer,
    bias: normalNumbers(layer.outputs, 0.3, index, 'bias'),
  }));

const numbersOf = (layers: readonly LayerWeights[]): Float32Array[] =>
  layers.flatMap(({ kernel, bias }) => [kernel, bias]);

const maskOf = (units: number): Float32Array =>
  normalNumbers(COUNT * units, 1, units, 'mask').map((value) => (value > 0 ? 2 : 0));

/** The loss in tfjs's own operations, over rows from `start` to before `end`. */
function lossOf(variables: readonly Tensor[], masks: readonly Tensor[], start: number, end: number): Scalar {
  let output: Tensor = tensor2d(rows.subarray(start * INPUTS, end * INPUTS), [end - start, INPUTS]);
  for (let layer = 0; layer < variables.length / 2; layer++) {
    const [kernel, bias] = variables.slice(2 * layer);
    if (kernel === undefined || bias === undefined) throw new Error('no weights');
    output = add(matMul(output, kernel), bias);
    if (layer < variables.length / 2 - 1) output = relu(output);
    output = mul(output, masks[layer] ?? scalar(1));
  }
  return mean(square(sub(reshape(output, [-1]), tensor1d(targets.subarray(start, end)))));
}

const tensorsOf = (layers: readonly LayerWeights[]): Tensor[] =>
  layers.flatMap(({ inputs, outputs, kernel, bias }) => [tensor2d(kernel, [inputs, outputs]), tensor1d(bias)]);

/** The loss and its gradients as tfjs differentiates it. */
function automatic(layers: readonly LayerWeights[], masks: readonly Float32Array[]) {
  return tidy(() => {
    const kept = masks.map((mask) => tensor2d(mask, [COUNT, mask.length / COUNT]));
    const { value, grads } = valueAndGrads((...variables: Tensor[]) => lossOf(variables, kept, 0, COUNT))(
      tensorsOf(layers),
    );
    return { loss: value.dataSync()[0] ?? Number.NaN, grads: grads.map((grad) => Float32Array.from(grad.dataSync())) };
  });
}

/** A step of gradient descent at rate 1 takes the gradient away. */
async function written(layers: readonly LayerWeights[], masks: readonly Float32Array[]) {
  const trainer = await openTrainer(layers, { ...plain, dropout: masks.length === 0 ? 0 : 0.5 });
  const losses = await trainer.train({ rows, targets, masks });
  const after = numbersOf(trainer.layers());
  await trainer.close();
  const grads = numbersOf(layers).map((before, index) => before.map((value, i) => value - (after[index]?.[i] ?? NaN)));
  return { losses, grads };
}

function expectNear(found: readonly Float32Array[], expected: readonly Float32Array[], digits: number): void {
  expect(found.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
  for (const [index, numbers] of expected.entries()) {
    for (const [i, value] of numbers.entries()) expect(found[index]?.[i]).toBeCloseTo(value, digits);
  }
}

describe('gradients', () => {
  test.each([
    [[8], []],
    [[8, 5], []],
    [[7, 6, 5], []],
    [
      [8, 5],
      [maskOf(8), maskOf(5)],
    ],
  ])('of %j hidden units equal those of tfjs', async (hidden, masks) => {
    const layers = biased(hidden);
    const { losses, grads } = await written(layers, masks);
    const theirs = automatic(layers, masks);
    expect(losses.length).toBe(1);
    expect(losses[0]).toBeCloseTo(theirs.loss, 5);
    expectNear(grads, theirs.grads, 5);
  });
});

describe('openTrainer', () => {
  const RATE = 0.01;
  const theirs: Readonly<Record<string, () => Optimizer>> = {
    sgd: () => train.sgd(RATE),
    momentum: () => train.momentum(RATE, 0.9),
    rmsprop: () => train.rmsprop(RATE, 0.9),
    adam: () => train.adam(RATE),
  };

  /** Ten rounds through batches of 4 and 2 rows with tf.train. */
  function reference(name: string, layers: readonly LayerWeights[]): { losses: number[]; numbers: Float32Array[] } {
    const variables: Variable[] = tidy(() =>
      tensorsOf(layers).map((tensor, index) => variable(tensor, true, `${name}/${index}`)),
    );
    const optimizer = theirs[name]?.();
    const losses: number[] = [];
    for (let round = 0; round < 10; round++) {
      for (const [start, end] of [
        [0, 4],
        [4, 6],
      ] as const) {
        const loss = optimizer?.minimize(() => lossOf(variables, [], start, end), true, variables);
        losses.push(loss?.dataSync()[0] ?? Number.NaN);
      }
    }
    const numbers = variables.map((each) => Float32Array.from(each.dataSync()));
    for (const each of variables) each.dispose();
    return { losses, numbers };
  }

  test.each(['sgd', 'momentum', 'rmsprop', 'adam'] as const)('%s takes the steps of tf.train', async (optimizer) => {
    const layers = biased([8, 5]);
    const trainer = await openTrainer(layers, { ...plain, optimizer, learningRate: RATE, batch: 4 });
    const losses: number[] = [];
    for (let round = 0; round < 10; round++) losses.push(...(await trainer.train({ rows, targets, masks: [] })));
    const expected = reference(optimizer, layers);
    expect(losses.length).toBe(20);
    expectNear([Float32Array.from(losses)], [Float32Array.from(expected.losses)], 4);
    expectNear(numbersOf(trainer.layers()), expected.numbers, 4);
    await trainer.close();
  });

  test('weight decay shrinks the kernels by rate times decay, and no bias', async () => {
    const layers = biased([8]);
    const after = async (weightDecay: number): Promise<Float32Array[]> => {
      const trainer = await openTrainer(layers, { ...plain, learningRate: RATE, weightDecay });
      await trainer.train({ rows, targets, masks: [] });
      await trainer.close();
      return numbersOf(trainer.layers());
    };
    const without = await after(0);
    const expected = without.map((numbers, index) =>
      index % 2 === 0 ? numbers.map((value) => 0.98 * value) : numbers,
    );
    expectNear(await after(2), expected, 6);
  });

  test('layers that were given out do not change', async () => {
    const trainer = await openTrainer(biased([8]), plain);
    const before = trainer.layers();
    const numbers = numbersOf(before).map((each) => each.slice());
    await trainer.train({ rows, targets, masks: [] });
    await trainer.train({ rows, targets, masks: [] });
    expect(numbersOf(before)).toEqual(numbers);
    expect(numbersOf(trainer.layers())).not.toEqual(numbers);
    await trainer.close();
  });
});

test('openPredictor gives what tfjs gives', async () => {
  const layers = biased([8, 5]);
  const predictor = await openPredictor(layers.length);
  const outputs = await predictor.predict(layers, rows);
  await predictor.close();
  const squares = outputs.reduce((sum, output, i) => sum + (output - (targets[i] ?? NaN)) ** 2, 0);
  expect(outputs.length).toBe(COUNT);
  expect(squares / COUNT).toBeCloseTo(automatic(layers, []).loss, 5);
});
