// How good are heads on photographs that chose nothing? `make bench-heads`; the table is kept in bench/.work/heads.json.
//
// Trains each kind of head on the 240 photographs of ../shared/data/pets, ten times with another split into training
// and early stopping (80/20) and other seeds, and looks at the 600 of ../shared/data/pets-test. Lengths are made up:
// cats max(10, N(40, 8)), dogs max(20, N(100, 30)) cm. The default preset came out of cross-validation on the 240 (bench/choose.mjs); the
// last choice, one hidden layer or two, was made with results on the 600 in view, against the better of the two.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { prepare } from '../dist/pipeline/head/prepare.js';
import { trainHead } from '../dist/pipeline/head/experiment.js';
import { metricsOf } from '../dist/pipeline/head/metrics.js';
import { PRESETS } from '../dist/pipeline/head/settings.js';
import { splitExamples } from '../dist/pipeline/head/split.js';
import { estimate } from '../dist/pipeline/head/statistics.js';
import { noiseFloor } from '../dist/pipeline/labels/rules.js';
import { table } from '../dist/pipeline/terminal/table.js';
import { nodeEffects } from '../dist/pipeline/terminal/effects.js';
import { PACKAGE_ROOT } from '../dist/pipeline/package-root.js';

const { values } = parseArgs({
  options: {
    splits: { type: 'string', default: '10' },
    'label-seed': { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
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
cli('extract', '--images', photographs, '--features', features);
const rules = ['--rule', 'cat: normal(40, 8) min 10', '--rule', 'dog: normal(100, 30) min 20', '--unit', 'cm'];
cli('label', '--images', photographs, ...rules, '--seed', values['label-seed'], '--out', labels);

const effects = nodeEffects({ quiet: true, signal: new AbortController().signal });
const prepared = await prepare(features, { file: labels }, effects);
const { experiment } = prepared;
const { examples } = experiment;
const forTest = examples.map(({ id }) => id.startsWith('pets-test/'));

/** The tutorial's head, 25088 -> 256 -> 1, as in the study in PyTorch that this repeats. */
const study = {
  ...PRESETS.default,
  hidden: [256],
  dropout: 0,
  normalize: 'none',
  refit: false,
  optimizer: 'rmsprop',
  epochs: 100,
  patience: 10,
};
const heads = {
  'mean predictor': null,
  ridge: { ...study, head: 'ridge', validation: 0 },
  'ridge, layer-normalized': { ...study, head: 'ridge', validation: 0, normalize: 'layer' },
  'tutorial preset': PRESETS.tutorial,
  'full, RMSProp 3e-4': { ...study, space: 'full', learningRate: 3e-4 },
  'full, RMSProp 1e-3': { ...study, space: 'full' },
  'full, RMSProp 1e-3, features as they are': { ...study, space: 'full', squaredNorm: null },
  'span, RMSProp 1e-3': study,
  'span, RMSProp 3e-4': { ...study, learningRate: 3e-4 },
  'span, Adam 1e-3': { ...study, optimizer: 'adam' },
  'span, momentum 1e-2': { ...study, optimizer: 'momentum', learningRate: 0.01 },
  'span, RMSProp, layer-normalized': { ...study, normalize: 'layer' },
  'span, Adam, layer-normalized': { ...study, normalize: 'layer', optimizer: 'adam' },
  'default preset: Adam, layer-normalized, refit': PRESETS.default,
  'the same with layers 256, 64 and dropout 0.5': { ...PRESETS.default, hidden: [256, 64], dropout: 0.5 },
};

/** Test RMSE of each split's head. */
async function testErrors(settings) {
  const errors = [];
  for (let seed = 1; seed <= Number(values.splits); seed++) {
    const seeded = { ...(settings ?? study), splitSeed: seed, initSeed: seed, batchSeed: seed };
    const parts = splitExamples(examples, seeded).map((part, index) => (forTest[index] ? 'test' : part));
    const train = examples.filter((_, index) => parts[index] === 'train');
    const mean = train.reduce((sum, { target }) => sum + target, 0) / train.length;
    const predictions =
      settings === null
        ? examples.map(() => mean)
        : (await trainHead(experiment, parts, seeded, { signal: effects.signal })).predictions;
    const test = [...examples.keys()].filter((index) => forTest[index]);
    errors.push(
      metricsOf(
        test.map((index) => examples[index].target),
        test.map((index) => predictions[index]),
      ).rmse,
    );
    // Without a validation part, ridge has nothing that a seed could change.
    if (settings?.head === 'ridge') break;
  }
  return errors;
}

const rows = [];
const result = { labelSeed: Number(values['label-seed']), splits: Number(values.splits), heads: [] };
for (const [name, settings] of Object.entries(heads)) {
  if (!name.includes(values.only)) continue;
  const started = performance.now();
  const errors = await testErrors(settings);
  const seconds = (performance.now() - started) / 1000;
  const { mean, deviation } = estimate(errors);
  const spread = deviation === null ? '' : ` ± ${deviation.toFixed(1)}`;
  rows.push([name, `${mean.toFixed(1)}${spread}`]);
  result.heads.push({ name, settings, errors, mean, deviation, seconds });
  console.error(`${name}: ${mean.toFixed(2)}${spread} (${seconds.toFixed(0)} s)`);
}
const testIds = examples.filter((_, index) => forTest[index]).map(({ id }) => id);
result.floor = noiseFloor(prepared.table, testIds).rmse;
rows.push(['noise floor', result.floor.toFixed(1)]);
console.log(table(rows, { head: ['head', 'test RMSE (cm)'], right: [1] }));
writeFileSync(join(values.work, 'heads.json'), `${JSON.stringify(result, undefined, 2)}\n`);
