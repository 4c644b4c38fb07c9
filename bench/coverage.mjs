// How often does the interval that pool5 prints hold the truth? `make bench-coverage`, after `make build`.
//
// Trains the default preset on the 240 photographs of ../shared/data/pets with other splits and seeds, calibrates the
// interval as predict and report do, and counts how many of the 600 of ../shared/data/pets-test it holds: photographs
// that chose nothing. Lengths are made up: cats max(10, N(40, 8)), dogs max(20, N(100, 30)) cm.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { calibrate } from '../dist/pipeline/head/calibration.js';
import { trainHead } from '../dist/pipeline/head/experiment.js';
import { prepare } from '../dist/pipeline/head/prepare.js';
import { PRESETS } from '../dist/pipeline/head/settings.js';
import { splitExamples } from '../dist/pipeline/head/split.js';
import { estimate } from '../dist/pipeline/head/statistics.js';
import { PACKAGE_ROOT } from '../dist/pipeline/package-root.js';
import { nodeEffects } from '../dist/pipeline/terminal/effects.js';
import { table } from '../dist/pipeline/terminal/table.js';

const { values } = parseArgs({
  options: {
    splits: { type: 'string', default: '20' },
    'label-seed': { type: 'string', default: '1' },
    work: { type: 'string', default: join(PACKAGE_ROOT, 'bench/.work') },
  },
});

const photographs = join(PACKAGE_ROOT, '../shared/data');
const features = join(values.work, 'features');
const labels = join(values.work, `labels-${values['label-seed']}.csv`);
mkdirSync(values.work, { recursive: true });
const cli = (...args) =>
  execFileSync(process.execPath, [join(PACKAGE_ROOT, 'dist/stages/cli.js'), ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
if (!existsSync(join(features, 'current'))) cli('extract', '--images', photographs, '--features', features);
const rules = ['--rule', 'cat: normal(40, 8) min 10', '--rule', 'dog: normal(100, 30) min 20', '--unit', 'cm'];
cli('label', '--images', photographs, ...rules, '--seed', values['label-seed'], '--out', labels);

const effects = nodeEffects({ quiet: true, signal: new AbortController().signal });
const { experiment } = await prepare(features, { file: labels }, effects);
const { examples } = experiment;
const untouched = examples.map(({ id }) => id.startsWith('pets-test/'));

/** The outcomes of a head: those of the 600 have the split `test`. */
async function outcomesOf(settings, seed) {
  const seeded = { ...settings, splitSeed: seed, initSeed: seed, batchSeed: seed };
  const parts = splitExamples(examples, seeded).map((part, index) => (untouched[index] ? 'test' : part));
  const { predictions } = await trainHead(experiment, parts, seeded, { signal: effects.signal });
  return examples.map(({ target }, index) => ({ split: parts[index], target, prediction: predictions[index] }));
}

const COVERAGES = [0.5, 0.8, 0.9, 0.95];
const heads = {
  'validation, before the refit': { ...PRESETS.default, refit: false },
  'validation, refitted': PRESETS.default,
  'holdout 0.2, refitted': { ...PRESETS.default, holdout: 0.2 },
};

const rows = [];
for (const [name, settings] of Object.entries(heads)) {
  const held = COVERAGES.map(() => []);
  const counts = [];
  for (let seed = 1; seed <= Number(values.splits); seed++) {
    const outcomes = await outcomesOf(settings, seed);
    const test = outcomes.filter(({ split }) => split === 'test');
    for (const [index, coverage] of COVERAGES.entries()) {
      const interval = calibrate(outcomes, { epoch: 1, refitted: settings.refit }, coverage);
      if (interval === null) continue;
      counts.push(interval.count);
      held[index].push(
        test.filter(({ target, prediction }) => Math.abs(target - prediction) <= interval.half).length / test.length,
      );
    }
  }
  const shares = held.map((each) => {
    const { mean, deviation } = estimate(each);
    return `${(100 * mean).toFixed(1)} ± ${(100 * deviation).toFixed(1)}`;
  });
  rows.push([name, `${Math.min(...counts)} to ${Math.max(...counts)}`, ...shares]);
}
console.log(
  table(rows, {
    head: ['calibrated on', 'residuals', ...COVERAGES.map((coverage) => `${coverage * 100} %`)],
    right: [1, 2, 3, 4, 5],
  }),
);
