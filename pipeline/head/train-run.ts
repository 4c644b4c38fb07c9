import { FEATURE_LENGTH } from '../backbone/vgg16.js';
import { InputError } from '../errors.js';
import { noiseFloor } from '../labels/rules.js';
import { thisMachine, type Machine } from '../machine.js';
import type { Effects } from '../terminal/effects.js';
import { withProgress } from '../terminal/with-progress.js';
import { baselinesOf, metricsByPart, type Baselines, type MetricsByPart } from './baselines.js';
import { crossValidate, type CrossValidation } from './cross-validation.js';
import { trainHead, type Experiment } from './experiment.js';
import type { EpochRecord } from './fit.js';
import type { Prepared } from './prepare.js';
import { fingerprint, pool5Version, type RunConfig } from './run-config.js';
import { throwIfInterrupted } from './interruption.js';
import { PENALTIES } from './ridge.js';
import { checkRunName, saveRun } from './run-folder.js';
import type { PresetName, Settings } from './settings.js';
import { splitExamples, type Part } from './split.js';

/** summary.json of a run, and what train prints. */
export interface TrainSummary {
  readonly run: string;
  readonly folder: string;
  readonly unit: string;
  readonly photographs: number;
  /** Photographs of the cache without a label. */
  readonly unlabelled: number;
  readonly metrics: MetricsByPart;
  readonly baselines: Baselines;
  readonly crossValidation: CrossValidation | null;
  /** The least RMSE that made-up labels allow on the photographs compared; null where they were measured. */
  readonly floor: number | null;
  /** The epoch that the weights are from; null for ridge. */
  readonly epoch: number | null;
  readonly epochs: number;
  /** Whether the head was trained again on training and validation photographs. */
  readonly refitted: boolean;
  /** Columns of the space that the first layer was trained in. */
  readonly width: number;
  readonly randomWeights: boolean;
  /** Where it was trained. */
  readonly machine: Machine;
  readonly seconds: Readonly<Record<'read' | 'span' | 'baselines' | 'train' | 'folds' | 'save', number>>;
}

export interface TrainRunOptions {
  readonly prepared: Prepared;
  readonly preset: PresetName;
  readonly settings: Settings;
  readonly artifacts: string;
  /** By default made from preset, seeds and fingerprint. */
  readonly name?: string | undefined;
}

export async function runConfig({ source }: Prepared, preset: PresetName, settings: Settings): Promise<RunConfig> {
  return { version: 1, pool5: await pool5Version(), preset, ...source, settings };
}

function defaultName(config: RunConfig): string {
  const { splitSeed, initSeed, batchSeed } = config.settings;
  const same = splitSeed === initSeed && initSeed === batchSeed;
  const seeds = same ? `seed${splitSeed}` : `seeds${splitSeed}-${initSeed}-${batchSeed}`;
  return `${config.preset}-${seeds}-${fingerprint(config).slice(0, 8)}`;
}

function timer(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const seconds = (now - last) / 1000;
    last = now;
    return seconds;
  };
}

/** The part that a head is judged by: the one that chose the least. */
function judgedPart(parts: readonly Part[]): Part {
  return (['test', 'holdout', 'validation'] as const).find((part) => parts.includes(part)) ?? 'train';
}

function floorOf({ table, experiment }: Prepared, parts: readonly Part[]): number | null {
  const judged = judgedPart(parts);
  const ids = experiment.examples.filter((_, index) => parts[index] === judged).map(({ id }) => id);
  return noiseFloor(table, ids)?.rmse ?? null;
}

function epochNote({ loss, validationLoss }: EpochRecord): string {
  const held = validationLoss === null ? '' : ` · validation ${validationLoss.toPrecision(4)}`;
  return `loss ${loss.toPrecision(4)}${held}`;
}

async function validateFolds(
  experiment: Experiment,
  settings: Settings,
  effects: Effects,
): Promise<CrossValidation | null> {
  const { folds } = settings;
  if (folds === null) return null;
  const { signal } = effects;
  return withProgress(['Cross-validation', folds, 'folds'], effects, (update) =>
    crossValidate(experiment, settings, folds, { signal }, update),
  );
}

function checkRidge({ gram }: Experiment, { head }: Settings): void {
  if (head !== 'ridge' || gram !== null) return;
  throw new InputError({
    expected: `at most ${FEATURE_LENGTH.toLocaleString('en')} photographs for ridge`,
    found: 'more',
    where: '--head',
    fix: 'Use --head dense.',
  });
}

/**
 * Trains a head and saves it as a run.
 * @throws InputError where its name is taken by another run, a part of the split is empty, or training diverges;
 *   InterruptedError; WorldError where it cannot be written. No run is changed then.
 */
export async function trainRun(options: TrainRunOptions, effects: Effects): Promise<TrainSummary> {
  const { prepared, preset, settings, artifacts } = options;
  const { experiment, source } = prepared;
  const { examples } = experiment;
  const { signal } = effects;
  checkRidge(experiment, settings);
  const config = await runConfig(prepared, preset, settings);
  const name = options.name ?? defaultName(config);
  await checkRunName(artifacts, name, config);
  if (source.features.random) effects.log('The features come from random weights: the numbers mean nothing.');
  const parts = splitExamples(examples, settings);

  const lap = timer();
  const baselines = await withProgress(['Ridge', PENALTIES, 'penalties'], effects, (update) =>
    baselinesOf(experiment, parts, settings.normalize, (done) => {
      update(done);
      throwIfInterrupted(signal);
    }),
  );
  const baselineSeconds = lap();
  const { steps, epochs } = settings;
  const length = ['Training', steps ?? epochs, steps === null ? 'epochs' : 'steps'] as const;
  const head = await withProgress(length, effects, (update) =>
    trainHead(experiment, parts, settings, { signal, onEpoch: (record) => update(record.epoch, epochNote(record)) }),
  );
  const trainSeconds = lap();
  const crossValidation = await validateFolds(experiment, settings, effects);
  const foldSeconds = lap();

  const layers = await head.layers();
  const { history, predictions } = head;
  const summary: TrainSummary = {
    run: name,
    folder: `${artifacts}/${name}`,
    unit: source.labels.unit,
    photographs: examples.length,
    unlabelled: prepared.unlabelled,
    metrics: metricsByPart(examples, parts, predictions),
    baselines,
    crossValidation,
    floor: floorOf(prepared, parts),
    epoch: head.epoch,
    epochs: history.length,
    refitted: head.refitted,
    width: head.width,
    randomWeights: source.features.random,
    machine: await thisMachine(),
    seconds: {
      ...prepared.seconds,
      baselines: baselineSeconds,
      train: trainSeconds,
      folds: foldSeconds,
      save: 0,
    },
  };
  await saveRun(artifacts, name, { config, history, examples, parts, predictions, layers, summary });
  return { ...summary, seconds: { ...summary.seconds, save: lap() } };
}
