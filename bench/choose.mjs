// How the default preset was chosen: `node bench/choose.mjs`, after bench/heads.mjs has extracted the features.
//
// 5-fold cross-validation on the 240 photographs of ../shared/data/pets, repeated over ten draws of made-up lengths; the
// held-out fold chooses nothing, not even the epoch. (The last choice, one hidden layer or two, was not made by this alone:
// see README, "How good a head is".)
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { crossValidate } from '../dist/pipeline/head/cross-validation.js';
import { prepare } from '../dist/pipeline/head/prepare.js';
import { PRESETS } from '../dist/pipeline/head/settings.js';
import { estimate } from '../dist/pipeline/head/statistics.js';
import { table } from '../dist/pipeline/terminal/table.js';
import { nodeEffects } from '../dist/pipeline/terminal/effects.js';
import { PACKAGE_ROOT } from '../dist/pipeline/package-root.js';

const { values } = parseArgs({
  options: {
    draws: { type: 'string', default: '10' },
    work: { type: 'string', default: join(PACKAGE_ROOT, 'bench/.work') },
  },
});

const effects = nodeEffects({ quiet: true, signal: new AbortController().signal });
const rules = ['--rule', 'cat: normal(40, 8) min 10', '--rule', 'dog: normal(100, 30) min 20', '--unit', 'cm'];
const photographs = join(PACKAGE_ROOT, '../shared/data');
const experiments = [];
for (let draw = 1; draw <= Number(values.draws); draw++) {
  const labels = join(values.work, `choose-${draw}.csv`);
  execFileSync(
    process.execPath,
    [join(PACKAGE_ROOT, 'dist/stages/cli.js'), 'label', '--images', photographs, ...rules, '--seed', `${draw}`].concat([
      '--out',
      labels,
    ]),
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const { experiment } = await prepare(join(values.work, 'features'), { file: labels }, effects);
  experiments.push({ ...experiment, examples: experiment.examples.filter(({ id }) => id.startsWith('pets/')) });
}

const plain = { ...PRESETS.default, hidden: [256], dropout: 0, normalize: 'none', refit: false };
const layer = { ...plain, normalize: 'layer', refit: true };
const candidates = {
  ridge: { ...plain, head: 'ridge' },
  'ridge, layer-normalized': { ...layer, head: 'ridge' },
  RMSProp: { ...plain, optimizer: 'rmsprop' },
  Adam: plain,
  'Adam, refit': { ...plain, refit: true },
  'RMSProp, layer-normalized, refit': { ...layer, optimizer: 'rmsprop' },
  'Adam, layer-normalized': { ...layer, refit: false },
  'Adam, layer-normalized, refit (the default)': layer,
  '  squared norm 4': { ...layer, squaredNorm: 4 },
  '  squared norm 64': { ...layer, squaredNorm: 64 },
  '  rate 3e-4': { ...layer, learningRate: 3e-4 },
  '  weight decay 1': { ...layer, weightDecay: 1 },
  '  dropout 0.5': { ...layer, dropout: 0.5 },
  '  256, 64': { ...layer, hidden: [256, 64] },
  '  256, 64, dropout 0.3': { ...layer, hidden: [256, 64], dropout: 0.3 },
  '  256, 64, dropout 0.5': { ...layer, hidden: [256, 64], dropout: 0.5 },
};

const rows = [];
for (const [name, settings] of Object.entries(candidates)) {
  const errors = [];
  for (const [index, experiment] of experiments.entries()) {
    const seed = index + 1;
    const seeded = { ...settings, folds: 5, splitSeed: seed, initSeed: seed, batchSeed: seed };
    const { all } = await crossValidate(experiment, seeded, 5, { signal: effects.signal }, () => undefined);
    errors.push(all.rmse);
  }
  const { mean, deviation } = estimate(errors);
  rows.push([name, `${mean.toFixed(2)} ± ${deviation.toFixed(1)}`]);
  console.error(rows.at(-1).join('  '));
}
console.log(table(rows, { head: ['head', '5-fold RMSE (cm)'], right: [1] }));
