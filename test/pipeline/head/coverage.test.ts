import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { calibrate } from '../../../pipeline/head/calibration.js';
import { trainHead, type Experiment } from '../../../pipeline/head/experiment.js';
import { prepare } from '../../../pipeline/head/prepare.js';
import { PRESETS, type Settings } from '../../../pipeline/head/settings.js';
import { splitExamples } from '../../../pipeline/head/split.js';
import { PACKAGE_ROOT } from '../../../pipeline/package-root.js';
import { newFolder, pool5 } from '../../stages/command-line.js';

/** Real photographs where they are at hand, else drawn ones: their features are real either way. */
const PETS = join(PACKAGE_ROOT, '../shared/data/pets');
const REAL = existsSync(PETS);
if (!REAL) console.warn('Coverage is measured on drawn pictures: ../shared/data/pets is absent.');

const EACH = 48;

let folder: string;
let experiment: Experiment;
const { signal } = new AbortController();

async function photographs(images: string): Promise<string> {
  const labels = join(images, 'labels.csv');
  if (!REAL) {
    await pool5('sample', '--out', images, '--count', String(2 * EACH), '--quiet');
    return labels;
  }
  for (const kind of ['cat', 'dog']) {
    await mkdir(join(images, kind), { recursive: true });
    const names = (await readdir(join(PETS, kind))).toSorted().slice(0, EACH);
    for (const name of names) await cp(join(PETS, kind, name), join(images, kind, name));
  }
  const rules = ['--rule', 'cat: normal(40,8) min 10', '--rule', 'dog: normal(100,30) min 20'];
  await pool5('label', '--images', images, ...rules, '--unit', 'cm', '--out', labels);
  return labels;
}

beforeAll(async () => {
  folder = await newFolder();
  const images = join(folder, 'images');
  const features = join(folder, 'features');
  const labels = await photographs(images);
  const { code, stderr } = await pool5('extract', '--images', images, '--features', features, '--quiet');
  if (code !== 0) throw new Error(stderr);
  const effects = {
    print: () => undefined,
    log: () => undefined,
    progress: () => ({ update: () => undefined, stop: () => undefined }),
    signal,
  };
  ({ experiment } = await prepare(features, { file: labels }, effects));
}, 240_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Coverage {
  readonly held: number;
  /** What split conformal prediction promises on average over splits, and the deviation of the average. */
  readonly promised: number;
  readonly deviation: number;
}

/**
 * The share of photographs that chose nothing (a third, held out anew with each seed) that the interval holds, averaged
 * over splits. Given the training part, which of the others calibrate and which are held out is chance, so that each
 * count is beta-binomial, with n residuals of which the k-th bounds the interval, and m held out: mean k / (n + 1),
 * variance of the share p (1 - p) (n + 1 + m) / (m (n + 2)) (Vovk, "Conditional validity of inductive conformal
 * predictors", 2012, for the beta). Splits are independent of each other.
 */
async function coverageOf(changes: Partial<Settings>, seeds: number, coverage: number): Promise<Coverage> {
  const { examples } = experiment;
  let [held, promised, variance] = [0, 0, 0];
  for (let seed = 1; seed <= seeds; seed++) {
    const settings = {
      ...PRESETS.default,
      holdout: 1 / 3,
      validation: 0.4,
      ...changes,
      splitSeed: seed,
      initSeed: seed,
    };
    const parts = splitExamples(examples, settings);
    const { predictions, epoch, refitted } = await trainHead(experiment, parts, settings, { signal });
    const outcomes = examples.map(({ target }, index) => ({
      split: parts[index] ?? '',
      target,
      prediction: predictions[index] ?? Number.NaN,
    }));
    const unseen = outcomes.filter(({ split }) => split === 'holdout');
    const others = outcomes.filter(({ split }) => split !== 'holdout');
    const interval = calibrate(others, { epoch, refitted }, coverage);
    if (interval === null) throw new Error(`Too few residuals with seed ${seed}`);
    const { half, count: n } = interval;
    const m = unseen.length;
    const p = Math.ceil((n + 1) * coverage - 1e-9) / (n + 1);
    held += unseen.filter(({ target, prediction }) => Math.abs(target - prediction) <= half).length / m;
    promised += p;
    variance += (p * (1 - p) * (n + 1 + m)) / (m * (n + 2));
  }
  return { held: held / seeds, promised: promised / seeds, deviation: Math.sqrt(variance) / seeds };
}

describe(`intervals of ${REAL ? 'real' : 'drawn'} photographs that chose nothing`, () => {
  it.each([0.5, 0.8, 0.9])('hold %f of them where the calibrating ones chose nothing either (ridge)', async (level) => {
    const { held, promised, deviation } = await coverageOf({ head: 'ridge' }, 150, level);
    expect(promised).toBeGreaterThanOrEqual(level);
    expect(Math.abs(held - promised)).toBeLessThan(3 * deviation);
  });

  it('hold 0.9 of them, within chance, for the head that train saves: the epoch chosen, then trained again', async () => {
    const { held, promised, deviation } = await coverageOf({}, 15, 0.9);
    expect(Math.abs(held - promised)).toBeLessThan(3 * deviation);
  });
});
