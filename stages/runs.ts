import { join } from 'node:path';
import { InputError } from '../pipeline/errors.js';
import { resolveRun } from '../pipeline/head/open.js';
import { shortNumber } from '../pipeline/head/result-table.js';
import { readRunConfig } from '../pipeline/head/run-config.js';
import { diffConfigs, listRuns, matches, type ListedRun } from '../pipeline/head/runs.js';
import { table } from '../pipeline/terminal/table.js';
import { defineStage } from './stage.js';

interface RunsSummary {
  readonly runs: readonly (Omit<ListedRun['summary'], 'unit'> & { readonly run: string; readonly unit: string })[];
  /** Null unless two runs were named. */
  readonly differences: readonly { readonly setting: string; readonly values: readonly [string, string] }[] | null;
  readonly damaged: readonly { readonly name: string; readonly reason: string }[];
}

function listText({ runs, damaged }: RunsSummary): string {
  const rows = runs.map(({ run, photographs, unit, metrics }) => [
    run,
    String(photographs),
    ...[metrics.validation?.rmse, metrics.validation?.mae, metrics.holdout?.rmse, metrics.test?.rmse].map(shortNumber),
    unit,
  ]);
  const head = ['run', 'photographs', 'validation RMSE', 'MAE', 'holdout RMSE', 'test RMSE', 'unit'];
  return [
    runs.length === 0 ? 'No runs.' : table(rows, { head, right: [1, 2, 3, 4, 5] }),
    ...damaged.map(({ name, reason }) => `Left out ${name}: ${reason}`),
  ].join('\n');
}

export const stage = defineStage({
  options: (yargs) =>
    yargs
      .positional('runs', { type: 'string', array: true, default: [], describe: 'Two runs to compare' })
      .option('artifacts', { type: 'string', default: 'artifacts', describe: 'Folder of the runs' })
      .option('where', {
        type: 'string',
        array: true,
        default: [],
        describe: 'Only runs with this value, e.g. learning-rate=0.001',
      })
      .example('$0 runs --where head=dense', 'Runs of dense heads, the best validation error first')
      .example('$0 runs one other', 'What differs between the settings of two runs'),

  async run({ runs: named, artifacts, where }): Promise<RunsSummary> {
    const [one, other, ...more] = named;
    if (one !== undefined) {
      if (other === undefined || more.length > 0) {
        throw new InputError({
          expected: 'two runs to compare, or none to list them all',
          found: String(named.length),
          fix: 'See pool5 runs --help.',
        });
      }
      const [a, b] = await Promise.all(
        [one, other].map(async (run) => readRunConfig(join(await resolveRun(run, artifacts), 'config.json'))),
      );
      const rows = a === undefined || b === undefined ? [] : diffConfigs(a, b);
      const differences = rows.map(([setting, x, y]) => ({ setting, values: [x, y] as const }));
      return { runs: [], differences, damaged: [] };
    }
    const { runs, damaged } = await listRuns(artifacts);
    const chosen = runs.filter(({ config }) => matches(config, where));
    return { runs: chosen.map(({ name, summary }) => ({ run: name, ...summary })), differences: null, damaged };
  },

  text(summary, { runs }) {
    if (summary.differences === null) return listText(summary);
    if (summary.differences.length === 0) return 'The two runs have the same config.';
    return table(
      summary.differences.map(({ setting, values }) => [setting, ...values]),
      { head: ['', ...runs] },
    );
  },
});
