import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { CLI, runCommand } from './command.mjs';

/** The command line's own runs: a line each. */
const ROWS = [
  { name: 'pool5 extract', args: [] },
  { name: 'pool5 extract --precision int8', args: ['--precision', 'int8'] },
];

/** pool5 extract from files to a cache, a new process and a new cache each time. */
export function wholeContestants(photographs, scratch) {
  return ROWS.map(({ name, args }) => {
    const runs = [];
    const most = (what) => Math.max(...runs.map((run) => run[what]));
    return {
      name,
      /** Images/s once the engine is open. */
      async measureFiles() {
        const run = await timeExtract(photographs, join(scratch, 'features'), args);
        runs.push(run);
        return run.rate;
      },
      megabytes: () => most('megabytes'),
      held: () => most('held'),
      /** The descriptions of the engines that the runs chose: each begins a cache of its own. */
      engine: () => [...new Set(runs.map((run) => run.summary.engine))].join(' or '),
      /** Each run's rate, but the first's, which warms up, to that of the engine which it chose: `rateOf(description)`. */
      shares: (rateOf) => runs.slice(1).map((run) => run.rate / rateOf(run.summary.engine)),
      /** Seconds from the process's start until the engine is open, a value a run. */
      starts: () => runs.map(({ opened }) => opened),
    };
  });
}

/** Extracts into a cache of its own, which is removed. */
export async function timeExtract(photographs, features, args) {
  const run = await runCommand(CLI, ['extract', '--images', photographs, '--features', features, '--json', ...args]);
  rmSync(features, { recursive: true, force: true });
  return { ...run, rate: run.summary.computed / (run.printed - run.opened) };
}
