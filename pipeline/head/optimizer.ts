import type { Graph, Value } from './graph.js';
import type { Settings } from './settings.js';

const MOMENTUM = 0.9;
/** RMSProp's decay, the default of TensorFlow and Keras. */
const DECAY = 0.9;
/** Adam's (Kingma and Ba, 2015). */
const BETA1 = 0.9;
const BETA2 = 0.999;
/** As in TensorFlow.js for float32. */
const EPSILON = 1e-7;

/** From a parameter's gradient and its sums so far: what is subtracted from it, and the sums then. */
type Rule = (gradient: Value, sums: readonly Value[]) => { readonly update: Value; readonly sums: readonly Value[] };

interface Optimizer {
  /** What it keeps for each parameter, in the parameter's shape, at first 0. */
  readonly sums: readonly string[];
  /** @param step int64 [1], from 1 */
  open(graph: Graph, rate: number, step: Value): Rule;
}

/** x decay + term: a moving average without its constant factor, which the rules put into the rate: fewer passes. */
function decayed(graph: Graph, sum: Value | undefined, decay: number, term: Value): Value {
  return sum === undefined ? term : graph.op('Add', [graph.op('Mul', [sum, graph.scalar(decay)]), term]);
}

const sgd: Optimizer = {
  sums: [],
  open: (graph, rate) => (gradient) => ({ update: graph.op('Mul', [gradient, graph.scalar(rate)]), sums: [] }),
};

const momentum: Optimizer = {
  sums: ['velocity'],
  open:
    (graph, rate) =>
    (gradient, [before]) => {
      const velocity = decayed(graph, before, MOMENTUM, gradient);
      return { update: graph.op('Mul', [velocity, graph.scalar(rate)]), sums: [velocity] };
    },
};

/** rate g / sqrt(v + epsilon), v = (1 - decay) sum: Tieleman and Hinton, 2012, with epsilon as in TensorFlow. */
const rmsprop: Optimizer = {
  sums: ['squares'],
  open(graph, rate) {
    const share = 1 - DECAY;
    return (gradient, [before]) => {
      const squares = decayed(graph, before, DECAY, graph.op('Mul', [gradient, gradient]));
      const root = graph.op('Sqrt', [graph.op('Add', [squares, graph.scalar(EPSILON / share)])]);
      const quotient = graph.op('Div', [gradient, root]);
      return { update: graph.op('Mul', [quotient, graph.scalar(rate / Math.sqrt(share))]), sums: [squares] };
    };
  },
};

/** rate m / (sqrt(v) + epsilon), m and v corrected for their beginning at 0. */
const adam: Optimizer = {
  sums: ['gradients', 'squares'],
  open(graph, rate, step) {
    // In float64: 1 - 0.999 has four digits in float32.
    const count = graph.op('CastLike', [step, graph.double(0)]);
    /** (1 - beta) / (1 - beta ^ step): what makes a sum an average. */
    const share = (beta: number): Value => {
      const left = graph.op('Sub', [graph.double(1), graph.op('Pow', [graph.double(beta), count])]);
      return graph.op('Div', [graph.double(1 - beta), left]);
    };
    const single = (value: Value): Value => graph.op('CastLike', [value, graph.scalar(0)]);
    const root = graph.op('Sqrt', [share(BETA2)]);
    const epsilon = single(graph.op('Div', [graph.double(EPSILON), root]));
    const scale = single(graph.op('Div', [graph.op('Mul', [graph.double(rate), share(BETA1)]), root]));
    return (gradient, [first, second]) => {
      const m = decayed(graph, first, BETA1, gradient);
      const v = decayed(graph, second, BETA2, graph.op('Mul', [gradient, gradient]));
      const quotient = graph.op('Div', [m, graph.op('Add', [graph.op('Sqrt', [v]), epsilon])]);
      return { update: graph.op('Mul', [quotient, scale]), sums: [m, v] };
    };
  },
};

/** The rules of tf.train's optimizers. */
export const RULES: Readonly<Record<Settings['optimizer'], Optimizer>> = { sgd, momentum, rmsprop, adam };
