import { InputError } from '../errors.js';
import { metricsByPart } from './baselines.js';
import { crossValidate } from './cross-validation.js';
import { trainHead, type Experiment } from './experiment.js';
import type { Settings } from './settings.js';
import { splitExamples } from './split.js';
import type { SweepRecord } from './sweep-record.js';

/** Trains one head of a sweep; one that diverges gives a record that says so. */
export async function sweepRun(
  experiment: Experiment,
  settings: Settings,
  fingerprint: string,
  signal: AbortSignal,
): Promise<SweepRecord> {
  const started = performance.now();
  const { examples } = experiment;
  const parts = splitExamples(examples, settings);
  const common = { version: 1, fingerprint, settings, parts } as const;
  const seconds = (): number => (performance.now() - started) / 1000;
  try {
    const head = await trainHead(experiment, parts, settings, { signal });
    const { train, validation, holdout } = metricsByPart(examples, parts, head.predictions);
    const folds =
      settings.folds === null
        ? null
        : await crossValidate(experiment, settings, settings.folds, { signal }, () => undefined);
    return {
      ...common,
      failure: null,
      metrics: { train, validation, holdout: folds?.all ?? holdout },
      epoch: head.epoch,
      history: [...head.history],
      predictions: [...head.predictions],
      seconds: seconds(),
    };
  } catch (error) {
    if (!(error instanceof InputError) || !error.message.startsWith('Expected a finite loss')) throw error;
    const none = { train: null, validation: null, holdout: null };
    const { message: failure } = error;
    return { ...common, failure, metrics: none, epoch: null, history: [], predictions: [], seconds: seconds() };
  }
}
