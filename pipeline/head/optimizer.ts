import { add, div, keep, mul, sqrt, square, sub, tidy, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import type { Settings } from './settings.js';

const MOMENTUM = 0.9;
/** RMSProp's decay, the default of TensorFlow and Keras. */
const DECAY = 0.9;
/** Adam's (Kingma and Ba, 2015). */
const BETA1 = 0.9;
const BETA2 = 0.999;
/** As in TensorFlow.js for float32. */
const EPSILON = 1e-7;

/** Takes steps down the gradients of variables; its moving averages live until dispose(). */
export interface Optimizer {
  /** @param pairs each variable with its gradient; the same variables in the same order at every step */
  step(pairs: readonly (readonly [Variable, Tensor])[]): void;
  dispose(): void;
}

/**
 * One variable's update from its gradient, its sums so far and the number of the step (from 1): what is subtracted, and
 * the new sums.
 */
type Rule = (gradient: Tensor, sums: readonly Tensor[], step: number) => { update: Tensor; sums: Tensor[] };

/** x decay + term: a moving average without its constant factor, which the rules put into the rate: fewer passes. */
const decayed = (sum: Tensor | undefined, decay: number, term: Tensor): Tensor =>
  sum === undefined ? term : add(mul(sum, decay), term);

function momentum(rate: number): Rule {
  return (gradient, [before]) => {
    const velocity = decayed(before, MOMENTUM, gradient);
    return { update: mul(velocity, rate), sums: [velocity] };
  };
}

/** rate g / sqrt(v + epsilon), v = (1 - decay) sum: Tieleman and Hinton, 2012, with epsilon as in TensorFlow. */
function rmsprop(rate: number): Rule {
  const share = 1 - DECAY;
  return (gradient, [before]) => {
    const sum = decayed(before, DECAY, square(gradient));
    const root = sqrt(add(sum, EPSILON / share));
    return { update: mul(div(gradient, root), rate / Math.sqrt(share)), sums: [sum] };
  };
}

/** rate m / (sqrt(v) + epsilon), m and v corrected for their beginning at 0. */
function adam(rate: number): Rule {
  return (gradient, [first, second], step) => {
    const m = decayed(first, BETA1, gradient);
    const v = decayed(second, BETA2, square(gradient));
    const mScale = (1 - BETA1) / (1 - BETA1 ** step);
    const vScale = Math.sqrt((1 - BETA2) / (1 - BETA2 ** step));
    const quotient = div(m, add(sqrt(v), EPSILON / vScale));
    return { update: mul(quotient, (rate * mScale) / vScale), sums: [m, v] };
  };
}

const RULES: Readonly<Record<Settings['optimizer'], (rate: number) => Rule>> = {
  sgd: (rate) => (gradient) => ({ update: mul(gradient, rate), sums: [] }),
  momentum,
  rmsprop,
  adam,
};

/** The rules of tf.train's optimizers, in two thirds of their passes over the parameters. */
export function openOptimizer({ optimizer, learningRate }: Pick<Settings, 'optimizer' | 'learningRate'>): Optimizer {
  const rule = RULES[optimizer](learningRate);
  let sums: Tensor[][] = [];
  let steps = 0;
  return {
    step(pairs) {
      steps += 1;
      const before = sums;
      sums = tidy(() =>
        pairs.map(([parameters, gradient], index) => {
          const { update, sums: after } = rule(gradient, before[index] ?? [], steps);
          parameters.assign(sub(parameters, update));
          return after.map((sum) => keep(sum));
        }),
      );
      for (const sum of before.flat()) sum.dispose();
    },
    dispose() {
      for (const sum of sums.flat()) sum.dispose();
      sums = [];
    },
  };
}
