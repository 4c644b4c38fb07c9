import { InputError } from '../pipeline/errors.js';
import { SETTING_OPTIONS, settingsFrom } from '../pipeline/head/options.js';
import { prepare } from '../pipeline/head/prepare.js';
import { resultTable } from '../pipeline/head/result-table.js';
import { checkInputs, readRunConfig } from '../pipeline/head/run-config.js';
import { PRESET_NAMES } from '../pipeline/head/settings.js';
import { trainRun, type TrainSummary } from '../pipeline/head/train-run.js';
import { defineStage } from './stage.js';

function notesOf({ metrics, baselines, floor, epoch, refitted, randomWeights }: TrainSummary): string[] {
  const notes: string[] = [];
  const judged = metrics.test ?? metrics.holdout ?? metrics.validation ?? metrics.train;
  if (floor !== null && judged !== null) {
    notes.push(
      `The head's RMSE is ${(judged.rmse / floor).toFixed(2)} times what chance in the labels leaves on average.`,
    );
  }
  if (baselines.ridge === null) notes.push('There are more photographs than features: no ridge to compare with.');
  if (metrics.validation !== null && epoch !== null) {
    notes.push('The validation photographs chose the epoch, so their error is a little optimistic.');
  }
  if (refitted) notes.push('Their error is from before the head was trained again with them included.');
  if (randomWeights) notes.push('Random weights: the numbers mean nothing.');
  return notes;
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
    if (repeated !== undefined) checkInputs(repeated, prepared.source);
    return trainRun({ prepared, preset, settings, artifacts: options.artifacts, name: options.run }, effects);
  },

  text(summary, options) {
    const { seconds, folder, run, epoch, epochs } = summary;
    const chosen = epoch === null ? '' : `, weights of epoch ${epoch} of ${epochs}`;
    const timings = Object.entries(seconds).filter(([name, value]) => name !== 'folds' || value > 0.01);
    const artifacts = options.artifacts === 'artifacts' ? '' : ` --artifacts ${options.artifacts}`;
    return [
      resultTable(summary),
      ...notesOf(summary),
      '',
      `Seconds: ${timings.map(([name, value]) => `${name} ${value.toFixed(2)}`).join(' · ')}`,
      `Saved:   ${folder} (${summary.width.toLocaleString('en')} directions${chosen})`,
      `Next:    pool5 predict --run ${run}${artifacts} IMAGE...`,
    ].join('\n');
  },
});
