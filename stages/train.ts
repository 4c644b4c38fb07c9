import { InputError } from '../pipeline/errors.js';
import { baselinesOf, metricsByPart, type Baselines, type MetricsByPart } from '../pipeline/head/baselines.js';
import { crossValidate, type CrossValidation } from '../pipeline/head/cross-validation.js';
import { trainHead, type Experiment } from '../pipeline/head/experiment.js';
import { SETTING_OPTIONS, settingsFrom } from '../pipeline/head/options.js';
import { prepare, type Prepared } from '../pipeline/head/prepare.js';
import { resultTable } from '../pipeline/head/result-table.js';
import { checkInputs, fingerprint, pool5Version, readRunConfig, type RunConfig } from '../pipeline/head/run-config.js';
import { checkRunName, saveRun } from '../pipeline/head/run-folder.js';
import { PRESET_NAMES, type Settings } from '../pipeline/head/settings.js';
import { splitExamples, type Part } from '../pipeline/head/split.js';
import { noiseFloor } from '../pipeline/labels/rules.js';
import type { Effects } from '../pipeline/terminal/effects.js';
import { defineStage } from './stage.js';

/** summary.json of a run, and what --json prints. */
interface TrainSummary {
  readonly run: string;
  readonly folder: string;
  readonly unit: string;
  readonly photographs: number;
  readonly unlabelled: number;
  readonly metrics: MetricsByPart;
  readonly baselines: Baselines;
  readonly crossValidation: CrossValidation | null;
  /** The least RMSE that made-up labels allow on the photographs compared; null where they were measured. */
  readonly floor: number | null;
  /** The epoch that the weights are from; null for ridge. */
  readonly epoch: number | null;
  readonly epochs: number;
  /** Columns of the space that the first layer was trained in. */
  readonly width: number;
  readonly randomWeights: boolean;
  readonly seconds: Readonly<Record<'read' | 'span' | 'baselines' | 'train' | 'folds' | 'save', number>>;
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

function epochProgress({ patience, steps, epochs }: Settings, effects: Effects, label: string) {
  const total = steps ?? epochs;
  const bar = effects.progress(label, total, steps === null ? 'epochs' : 'steps');
  return {
    stop: () => bar.stop(),
    onEpoch: (record: { epoch: number; loss: number; validationLoss: number | null }) => {
      const held = record.validationLoss === null ? '' : ` · validation ${record.validationLoss.toPrecision(4)}`;
      const stops = patience === null || total <= patience ? '' : ` · stops after ${patience} without a better one`;
      bar.update(record.epoch, `loss ${record.loss.toPrecision(4)}${held}${held === '' ? '' : stops}`);
    },
  };
}

function seedText({ splitSeed, initSeed, batchSeed }: Settings): string {
  const same = splitSeed === initSeed && initSeed === batchSeed;
  return same ? `seed${splitSeed}` : `seeds${splitSeed}-${initSeed}-${batchSeed}`;
}

function defaultName(config: RunConfig): string {
  return `${config.preset}-${seedText(config.settings)}-${fingerprint(config).slice(0, 8)}`;
}

/** Of the photographs that the head is judged by. */
function floorOf({ table, experiment }: Prepared, parts: readonly Part[]): number | null {
  const judged = (['test', 'holdout', 'validation', 'train'] as const).find((part) => parts.includes(part));
  const ids = experiment.examples.filter((_, index) => parts[index] === judged).map(({ id }) => id);
  return noiseFloor(table, ids)?.rmse ?? null;
}

async function validateFolds(
  settings: Settings,
  effects: Effects,
  experiment: Experiment,
): Promise<CrossValidation | null> {
  const { folds } = settings;
  if (folds === null) return null;
  const bar = effects.progress('Cross-validation', folds, 'folds');
  const { signal } = effects;
  const result = await crossValidate(experiment, settings, folds, { signal }, (done) => bar.update(done));
  bar.stop();
  return result;
}

export const stage = defineStage({
  options: (yargs) =>
    yargs
      .option('labels', { type: 'string', describe: 'Table with a number for each photograph (csv or tsv)' })
      .option('id', { type: 'string', describe: "The labels' column of photographs; found by itself" })
      .option('column', { type: 'string', describe: "The labels' column of numbers; found by itself" })
      .option('split-by', { type: 'string', describe: 'Column whose equal cells stay together in a split' })
      .option('features', { type: 'string', describe: 'Folder of the features  [default: features]' })
      .option('artifacts', { type: 'string', default: 'artifacts', describe: 'Folder of the runs' })
      .option('run', { type: 'string', describe: 'Name of the run; made from preset, seed and settings' })
      .option('preset', {
        choices: PRESET_NAMES,
        default: PRESET_NAMES[0],
        describe: 'Settings to begin with',
      })
      .option('config', { type: 'string', describe: 'Repeat the run of this config.json, to the bit' })
      .options(SETTING_OPTIONS)
      .conflicts('config', ['id', 'column', 'split-by', ...Object.keys(SETTING_OPTIONS)])
      .example('$0 train --labels labels.csv', 'A head with the default preset')
      .example('$0 train --labels labels.csv --head ridge', 'Ridge regression as the head'),

  async run(options, effects): Promise<TrainSummary> {
    const lap = timer();
    const repeated = options.config === undefined ? undefined : await readRunConfig(options.config);
    const settings = repeated?.settings ?? settingsFrom(options.preset, options);
    const preset = repeated?.preset ?? options.preset;
    const file = options.labels ?? repeated?.labels.file;
    if (file === undefined) {
      throw new InputError({
        expected: '--labels FILE, or --config FILE of a run to repeat',
        found: 'neither',
        fix: 'See pool5 train --help.',
      });
    }
    const prepared = await prepare(
      options.features ?? repeated?.features.folder ?? 'features',
      repeated === undefined
        ? { file, id: options.id, target: options.column, splitBy: options.splitBy }
        : {
            file,
            id: repeated.labels.id ?? undefined,
            target: repeated.labels.target,
            splitBy: repeated.labels.splitBy ?? undefined,
          },
      effects,
    );
    const { experiment, source } = prepared;
    if (repeated !== undefined) checkInputs(repeated, source);
    const config: RunConfig = { version: 1, pool5: await pool5Version(), preset, ...source, settings };
    const name = options.run ?? defaultName(config);
    await checkRunName(options.artifacts, name, config);
    if (source.features.random) effects.log('The features come from random weights: the numbers mean nothing.');
    const parts = splitExamples(experiment.examples, settings);
    lap();
    const baselines = baselinesOf(experiment, parts, settings.normalize);
    const baselineSeconds = lap();

    const bar = epochProgress(settings, effects, 'Training');
    const { signal } = effects;
    const head = await trainHead(experiment, parts, settings, { signal, onEpoch: bar.onEpoch });
    bar.stop();
    const trainSeconds = lap();
    const crossValidation = await validateFolds(settings, effects, experiment);
    const foldSeconds = lap();

    const layers = await head.layers();
    const summary: TrainSummary = {
      run: name,
      folder: `${options.artifacts}/${name}`,
      unit: source.labels.unit,
      photographs: experiment.examples.length,
      unlabelled: prepared.unlabelled,
      metrics: metricsByPart(experiment.examples, parts, head.predictions),
      baselines,
      crossValidation,
      floor: floorOf(prepared, parts),
      epoch: head.epoch,
      epochs: head.history.length,
      width: head.width,
      randomWeights: source.features.random,
      seconds: {
        ...prepared.seconds,
        baselines: baselineSeconds,
        train: trainSeconds,
        folds: foldSeconds,
        save: 0,
      },
    };
    const { examples } = experiment;
    const { history, predictions } = head;
    await saveRun(options.artifacts, name, { config, history, examples, parts, predictions, layers, summary });
    return { ...summary, seconds: { ...summary.seconds, save: lap() } };
  },

  text(summary, options) {
    const { seconds, folder, run, epoch, epochs } = summary;
    const chosen = epoch === null ? '' : `, weights of epoch ${epoch} of ${epochs}`;
    const timings = Object.entries(seconds).filter(([name, value]) => name !== 'folds' || value > 0.01);
    const artifacts = options.artifacts === 'artifacts' ? '' : ` --artifacts ${options.artifacts}`;
    return [
      resultTable(summary),
      ...(summary.metrics.validation === null || epoch === null
        ? []
        : ['The validation photographs chose the epoch, so their error is a little optimistic.']),
      ...(summary.randomWeights ? ['Random weights: the numbers mean nothing.'] : []),
      '',
      `Seconds: ${timings.map(([name, value]) => `${name} ${value.toFixed(2)}`).join(' · ')}`,
      `Saved:   ${folder} (${summary.width.toLocaleString('en')} directions${chosen})`,
      `Next:    pool5 predict --run ${run}${artifacts} IMAGE...`,
    ].join('\n');
  },
});
