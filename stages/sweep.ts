import { join } from 'node:path';
import { writeAtomically } from '../pipeline/files/atomic.js';
import { SETTING_OPTIONS } from '../pipeline/head/options.js';
import { prepare } from '../pipeline/head/prepare.js';
import { checkName } from '../pipeline/head/run-folder.js';
import { shortNumber } from '../pipeline/head/result-table.js';
import { PRESET_NAMES, PRESETS } from '../pipeline/head/settings.js';
import { runBest, runVariants, sweepName, type SweepSummary } from '../pipeline/head/sweep.js';
import { listsFrom, parseSeeds, sweepVariants } from '../pipeline/head/sweep-grid.js';
import { differenceTable, variantTable } from '../pipeline/head/sweep-table.js';
import { defineStage } from './stage.js';

const { seed: _, refit: __, ...VARIED_OPTIONS } = SETTING_OPTIONS;

/** A sweep takes several values of each option of train: separated by commas, or the option given again. */
const LIST_OPTIONS = Object.fromEntries(
  Object.entries(VARIED_OPTIONS).map(([name, { describe, group }]) => [
    name,
    { type: 'string', array: true, describe, group } as const,
  ]),
);

export const stage = defineStage({
  options(yargs) {
    const declared = yargs
      .option('labels', { type: 'string', demandOption: true, describe: 'Table with a number for each photograph' })
      .option('seeds', { type: 'string', default: '1..10', describe: 'Seeds, e.g. 1..10 or 1,2,5' })
      .option('vary', {
        choices: ['init', 'split', 'batch', 'all'] as const,
        default: 'all' as const,
        describe: 'Which of the three seeds they are',
      })
      .option('refit', { type: 'boolean', default: false, describe: 'Train the best run on all photographs' })
      .option('name', { type: 'string', describe: 'Name of the sweep; made from what it varies' })
      .option('id', { type: 'string', describe: "The labels' column of photographs; found by itself" })
      .option('column', { type: 'string', describe: "The labels' column of numbers; found by itself" })
      .option('split-by', { type: 'string', describe: 'Column whose equal cells stay together in a split' })
      .option('features', { type: 'string', default: 'features', describe: 'Folder of the features' })
      .option('artifacts', { type: 'string', default: 'artifacts', describe: 'Folder of the runs' })
      .option('preset', { choices: PRESET_NAMES, default: PRESET_NAMES[0], describe: 'Settings to begin with' })
      .example('$0 sweep --labels labels.csv --seeds 1..10', 'How much does chance matter?')
      .example('$0 sweep --labels labels.csv --learning-rate 0.001,0.0003', 'Which rate is better?')
      .example('$0 sweep --labels labels.csv --hidden 256 --hidden 256,64', 'Which layers are better?');
    // Apart, since their types would make all options strings.
    declared.options(LIST_OPTIONS);
    return declared;
  },

  async run(options, effects): Promise<SweepSummary> {
    const seeds = parseSeeds(options.seeds);
    const lists = listsFrom(Object.keys(VARIED_OPTIONS), options);
    // Heads are compared on photographs that chose nothing: without folds, a part is held out for that.
    const comparing = 'folds' in lists || 'holdout' in lists || PRESETS[options.preset].holdout > 0;
    const base = comparing ? {} : { holdout: 0.2 };
    const variants = sweepVariants(options.preset, lists, seeds, options.vary, base);
    const prepared = await prepare(
      options.features,
      { file: options.labels, id: options.id, target: options.column, splitBy: options.splitBy },
      effects,
    );
    const { artifacts, preset } = options;
    const name = options.name ?? sweepName(prepared, variants);
    checkName(name, '--name');
    const result = await runVariants({ prepared, preset, variants, artifacts }, effects);
    const best = await runBest({ prepared, preset, artifacts, name, refit: options.refit }, result, effects);
    const summary = { name, vary: options.vary, seeds, ...result.summary, best };
    await writeAtomically(join(artifacts, name, 'sweep.json'), `${JSON.stringify(summary, undefined, 2)}\n`);
    return summary;
  },

  text({ unit, variants, differences, floor, computed, seconds, vary, best }) {
    const fixed = vary === 'all' ? [] : [`Only the ${vary} seed varies: the intervals cover nothing else.`];
    const least = Math.min(...variants.map(({ metrics }) => metrics.rmse?.mean ?? Infinity));
    const chance =
      floor === null || least === Infinity
        ? []
        : [
            `The least mean RMSE is ${(least / floor).toFixed(2)} times what chance in the labels leaves (${shortNumber(floor)}).`,
          ];
    const failed = variants.filter((variant) => variant.failed > 0).map(({ label }) => label);
    return [
      'On photographs that chose nothing:',
      variantTable(variants, unit),
      ...(differences.length === 0 ? [] : ['', differenceTable(differences)]),
      ...chance,
      ...fixed,
      ...(failed.length === 0 ? [] : [`Some losses did not stay finite: ${failed.join('; ')}.`]),
      '',
      `Runs:    ${computed} trained, ${variants.reduce((sum, { runs }) => sum + runs, 0) - computed} known, ` +
        `${seconds.toFixed(1)} s`,
      ...(best === null
        ? ['No run has a validation error to choose by.']
        : [
            `Best:    ${best.label}, seed ${best.seed} (validation RMSE ${best.validationRmse.toPrecision(4)})`,
            `Saved:   ${best.folder}${best.refitted ? ', trained again on all photographs' : ''}`,
          ]),
    ].join('\n');
  },
});
