import { trainHead, type Experiment, type TrainHooks } from './experiment.js';
import { metricsOf, type Metrics } from './metrics.js';
import type { Settings } from './settings.js';
import { splitExamples } from './split.js';

export interface CrossValidation {
  readonly folds: number;
  /** Over all examples, each predicted by the head that had not seen it. */
  readonly all: Metrics | null;
  readonly byFold: readonly (Metrics | null)[];
}

/** Trains a head for each fold; the fold itself chooses nothing, not even the epoch. */
export async function crossValidate(
  experiment: Experiment,
  settings: Settings,
  folds: number,
  hooks: TrainHooks,
  onFold: (done: number) => void,
): Promise<CrossValidation> {
  const { examples } = experiment;
  const targets: number[] = [];
  const predictions: number[] = [];
  const byFold: (Metrics | null)[] = [];
  for (let fold = 0; fold < folds; fold++) {
    const parts = splitExamples(examples, settings, fold);
    const head = await trainHead(experiment, parts, settings, hooks);
    const held = [...examples.keys()].filter((index) => parts[index] === 'holdout');
    const foldTargets = held.map((index) => examples[index]?.target ?? Number.NaN);
    const foldPredictions = held.map((index) => head.predictions[index] ?? Number.NaN);
    targets.push(...foldTargets);
    predictions.push(...foldPredictions);
    byFold.push(metricsOf(foldTargets, foldPredictions));
    onFold(fold + 1);
  }
  return { folds, all: metricsOf(targets, predictions), byFold };
}
