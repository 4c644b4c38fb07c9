// How often does the interval that pool5 prints hold the truth? `make bench-coverage`, after `make build`.
//
// Trains the default preset on the 240 photographs of ../shared/data/pets with other splits and seeds, calibrates the
// interval as predict and report do, and counts how many of the 600 of ../shared/data/pets-test it holds: photographs
// that chose nothing. Lengths are made up, anew for each set of labels (that what one set's chance does is not taken for
// a property of the intervals): cats max(10, N(40, 8)), dogs max(20, N(100, 30)) cm.
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
    sets: { type: 'string', default: '10' },
    splits: { type: 'string', default: '3' },
    work: { type: 'string', default: join(PACKAGE_ROOT, 'bench/.work') },
  },
});

const photographs = join(PACKAGE_ROOT, '../shared/data');
const features = join(values.work, 'features');
mkdirSync(values.work, { recursive: true });
const cli = (...args) =>
  execFileSync(process.execPath, [join(PACKAGE_ROOT, 'dist/stages/cli.js'), ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
if (!existsSync(join(features, 'current'))) cli('extract', '--images', photographs, '--features', features);

const effects = nodeEffects({ quiet: true, signal: new AbortController().signal });
const rules = ['--rule', 'cat: normal(40, 8) min 10', '--rule', 'dog: normal(100, 30) min 20', '--unit', 'cm'];

/** The photographs with made-up lengths. */
async function labelled(seed) {
  const labels = join(values.work, `labels-${seed}.csv`);
  cli('label', '--images', photographs, ...rules, '--seed', String(seed), '--out', labels);
  return (await prepare(features, { file: labels }, effects)).experiment;
}

/** The outcomes of a head: those of the 600 have the split `test`. */
async function outcomesOf(experiment, settings, seed) {
  const { examples } = experiment;
  const untouched = examples.map(({ id }) => id.startsWith('pets-test/'));
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

/** Of one set of labels: the share of the 600 that intervals of each coverage hold, on average over splits. */
async function sharesOf(experiment, settings, first) {
  const held = COVERAGES.map(() => 0);
  const splits = Number(values.splits);
  for (let seed = first; seed < first + splits; seed++) {
    const outcomes = await outcomesOf(experiment, settings, seed);
    const test = outcomes.filter(({ split }) => split === 'test');
    for (const [index, coverage] of COVERAGES.entries()) {
      const { half } = calibrate(outcomes, { epoch: 1, refitted: settings.refit }, coverage);
      const inside = test.filter(({ target, prediction }) => Math.abs(target - prediction) <= half).length;
      held[index] += inside / test.length / splits;
    }
  }
  return held;
}

const shares = new Map(Object.keys(heads).map((name) => [name, []]));
for (let set = 1; set <= Number(values.sets); set++) {
  const experiment = await labelled(set);
  for (const [name, settings] of Object.entries(heads)) {
    shares.get(name).push(await sharesOf(experiment, settings, 1 + (set - 1) * Number(values.splits)));
  }
  console.error(`set ${set} of ${values.sets}`);
}
const rows = [...shares].map(([name, sets]) => [
  name,
  ...COVERAGES.map((_, index) => {
    const { mean, interval } = estimate(sets.map((held) => held[index]));
    const [low, high] = interval ?? [NaN, NaN];
    return `${(100 * mean).toFixed(1)} (${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)})`;
  }),
]);
console.log(
  table(rows, {
    head: ['calibrated on', ...COVERAGES.map((coverage) => `${coverage * 100} %`)],
    right: [1, 2, 3, 4],
    width: 120,
  }),
);
