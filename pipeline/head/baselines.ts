import type { Example, Experiment } from './experiment.js';
import { metricsOf, type Metrics } from './metrics.js';
import { normalizedProducts } from './normalize.js';
import { fitRidge, predictRidge } from './ridge.js';
import type { Settings } from './settings.js';
import type { Part } from './split.js';

export type MetricsByPart = Readonly<Record<Part, Metrics | null>>;

/** What a head must beat, trained on the same examples. */
export interface Baselines {
  /** Predicts the mean of the training targets. */
  readonly mean: MetricsByPart;
  /** Null where there are more photographs than features. */
  readonly ridge: {
    /** For features after the head's `normalize`. */
    readonly lambda: number;
    /** On the training examples, each predicted by the ridge fitted to all others. */
    readonly leaveOneOut: Metrics | null;
    readonly parts: MetricsByPart;
  } | null;
}

export function metricsByPart(
  examples: readonly Example[],
  parts: readonly Part[],
  predictions: ArrayLike<number>,
): MetricsByPart {
  const of = (part: Part): Metrics | null => {
    const chosen = [...examples.keys()].filter((index) => parts[index] === part);
    return metricsOf(
      chosen.map((index) => examples[index]?.target ?? Number.NaN),
      chosen.map((index) => predictions[index] ?? Number.NaN),
    );
  };
  return { train: of('train'), validation: of('validation'), holdout: of('holdout'), test: of('test') };
}

export async function baselinesOf(
  { examples, gram }: Experiment,
  parts: readonly Part[],
  normalize: Settings['normalize'],
  onPenalty?: (done: number) => void,
): Promise<Baselines> {
  const training = examples.filter((_, index) => parts[index] === 'train');
  const targets = training.map(({ target }) => target);
  const mean = targets.reduce((sum, target) => sum + target, 0) / targets.length;
  const constant = metricsByPart(
    examples,
    parts,
    examples.map(() => mean),
  );
  if (gram === null) return { mean: constant, ridge: null };
  const digests = training.map(({ digest }) => digest);
  const products = normalizedProducts(normalize, gram);
  const ridge = await fitRidge(products.block(digests, digests), targets, onPenalty === undefined ? {} : { onPenalty });
  const predictions = products
    .block(
      examples.map(({ digest }) => digest),
      digests,
    )
    .map((row) => predictRidge(ridge, row));
  return {
    mean: constant,
    ridge: {
      lambda: ridge.lambda,
      leaveOneOut: metricsOf(targets, ridge.leaveOneOut),
      parts: metricsByPart(examples, parts, predictions),
    },
  };
}
