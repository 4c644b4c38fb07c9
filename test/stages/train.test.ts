import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { FEATURE_LENGTH } from '../../pipeline/backbone/vgg16.js';
import { openHead } from '../../pipeline/head/open.js';
import { PACKAGE_ROOT } from '../../pipeline/package-root.js';
import { randomFeature, writeCache } from '../pipeline/head/memory-cache.js';

const CLI = join(PACKAGE_ROOT, 'dist/stages/cli.js');

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

function pool5(...args: string[]): Outcome {
  return spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8' });
}

const folder = mkdtempSync(join(tmpdir(), 'pool5-train-'));
const labels = join(folder, 'labels.csv');
const artifacts = join(folder, 'artifacts');
let features = '';

/** Photographs that are alike but for a little noise and their number, which is written into some features. */
function photographs(count: number): Map<string, Float32Array> {
  return new Map(
    Array.from({ length: count }, (_, index) => {
      const noise = randomFeature(index);
      const feature = randomFeature(1000).map((value, i) => value + 0.2 * (noise[i] ?? 0));
      feature.fill(index, 1000, 1400);
      return [`p/${index}.jpg`, feature];
    }),
  );
}

function writeLabels(file: string, rows: readonly (string | number)[][], header = 'image,length_cm'): string {
  writeFileSync(file, `${header}\n${rows.map((row) => `${row.join(',')}\n`).join('')}`);
  return file;
}

const rowsOf = (count: number): [string, number][] =>
  Array.from({ length: count }, (_, index) => [`p/${index}.jpg`, 10 + index]);

beforeAll(async () => {
  features = await writeCache(photographs(40));
  writeLabels(labels, rowsOf(40));
});

const train = (...args: string[]): Outcome =>
  pool5('train', '--labels', labels, '--features', features, '--artifacts', artifacts, ...args);

describe('pool5 train', () => {
  test('prints the result, the seconds, the run and what to do next', () => {
    const { status, stdout, stderr } = train();
    expect(stderr).not.toContain('pool5:');
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^ +photographs +MAE \(cm\) +RMSE \(cm\) +R2$/);
    expect(lines.map((line) => line.split(/ {2,}|\d/)[0]).filter((name) => name !== '')).toEqual([
      'train',
      'validation',
      'ridge, leave-one-out',
      'The validation photographs chose the epoch, so their error is a little optimistic.',
      'Their error is from before the head was trained again with them included.',
      'Seconds: read ',
      'Saved:',
      'Next:',
    ]);
    expect(lines.at(-1)).toMatch(/^Next: {4}pool5 predict --run default-seed1-[0-9a-f]{8} --artifacts .+ IMAGE\.\.\.$/);
    expect(Math.max(...lines.slice(0, -3).map((line) => line.length))).toBeLessThanOrEqual(82);
  });

  test('--json gives one object, and learns what there is to learn', async () => {
    const { stdout } = train('--json', '--run', 'json', '--quiet');
    const summary = JSON.parse(stdout);
    expect(stdout.trimEnd().split('\n').length).toBe(1);
    expect(summary).toMatchObject({ run: 'json', folder: `${artifacts}/json`, unit: 'cm', photographs: 40 });
    expect(summary.metrics.validation.rmse).toBeLessThan(0.5 * summary.baselines.mean.validation.rmse);
    expect(summary.baselines.ridge.leaveOneOut.rmse).toBeLessThan(3);
    const head = await openHead(join(artifacts, 'json'));
    const table = readFileSync(join(artifacts, 'json', 'predictions.csv'), 'utf8')
      .trimEnd()
      .split('\n')
      .slice(1);
    const all = photographs(40);
    for (const row of table) {
      const [id = '', part, , prediction] = row.split(',');
      // Of validation photographs it has what the head said before it was trained on them as well.
      if (part === 'validation') continue;
      const feature = all.get(id) ?? new Float32Array(FEATURE_LENGTH);
      // The photographs are so alike here that float32 has few digits left for what parts them.
      expect(head.predict(feature)[0]).toBeCloseTo(Number(prediction), 2);
    }
    head.close();
  });

  test('tells how near the head is to the noise floor of made-up labels; a sweep does, too', () => {
    const header = '# pool5 label: made up, not measured\n# rule: p: normal(100,30)\nimage,length_cm';
    const made = writeLabels(join(folder, 'made.csv'), rowsOf(40), header);
    const common = ['--labels', made, '--features', features, '--artifacts', join(folder, 'made'), '--quiet'];
    const { stdout } = pool5('train', ...common, '--run', 'made');
    const { metrics, floor } = JSON.parse(readFileSync(join(folder, 'made', 'made', 'summary.json'), 'utf8'));
    expect(floor).toBe(30);
    expect(stdout).toMatch(/^noise floor \(labels made up\) +30\.00$/m);
    const ratio = (metrics.validation.rmse / 30).toFixed(2);
    expect(stdout).toContain(`\nThe head's RMSE is ${ratio} times what chance in the labels leaves on average.\n`);
    const sweep = pool5('sweep', ...common, '--seeds', '1,2', '--epochs', '3', '--name', 'several');
    const { variants } = JSON.parse(readFileSync(join(folder, 'made', 'several', 'sweep.json'), 'utf8'));
    const mean = (variants[0].metrics.rmse.mean / 30).toFixed(2);
    expect(sweep.stdout).toContain(
      `\nThe least mean RMSE is ${mean} times what chance in the labels leaves (30.00).\n`,
    );
  });

  test('is repeated from config.json to the bit', () => {
    train('--run', 'first', '--seed', '3', '--dropout', '0.2', '--hidden', '16,4');
    const config = join(artifacts, 'first', 'config.json');
    const again = join(folder, 'again');
    const { status, stderr } = pool5('train', '--config', config, '--artifacts', again, '--run', 'second');
    expect([status, stderr.includes('pool5:')]).toEqual([0, false]);
    for (const file of ['config.json', 'weights.bin', 'model.json', 'predictions.csv']) {
      expect(readFileSync(join(again, 'second', file))).toEqual(readFileSync(join(artifacts, 'first', file)));
    }
  });

  test('repeats nothing from changed labels', () => {
    train('--run', 'origin');
    const changed = writeLabels(join(folder, 'changed.csv'), rowsOf(39));
    const config = join(artifacts, 'origin', 'config.json');
    const { status, stderr } = pool5('train', '--config', config, '--labels', changed, '--quiet');
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^pool5: Expected the labels that the run was made from \(sha256 [0-9a-f]{12}\), got others \([0-9a-f]{12}\) \(.+changed\.csv\)\. Without --config, pool5 train makes a new run from them\.\n$/,
    );
  });

  test('another seed gives another run and leaves the first', () => {
    const own = join(folder, 'own');
    const seeded = (seed: string): Outcome =>
      pool5('train', '--labels', labels, '--features', features, '--artifacts', own, '--seed', seed, '--quiet');
    seeded('1');
    seeded('2');
    const names = readdirSync(own).toSorted();
    expect(names.map((name) => name.replace(/-[0-9a-f]{8}$/, ''))).toEqual([
      'default-seed1',
      'default-seed2',
      'latest',
    ]);
    expect(readFileSync(join(own, 'latest'), 'utf8').trim()).toBe(names[1]);
  });

  test('the tutorial preset trains on everything as it is', () => {
    const { stdout } = train('--preset', 'tutorial', '--steps', '3', '--json', '--quiet');
    expect(JSON.parse(stdout)).toMatchObject({
      epochs: 3,
      width: FEATURE_LENGTH,
      metrics: { train: { count: 40 }, validation: null },
    });
  });

  test('--head ridge saves ridge as a head', async () => {
    const { stdout } = train('--head', 'ridge', '--run', 'ridge', '--json', '--quiet', '--folds', '4');
    const summary = JSON.parse(stdout);
    expect(summary.metrics.validation.rmse).toBeCloseTo(summary.baselines.ridge.parts.validation.rmse, 4);
    expect(summary.crossValidation.all.count).toBe(40);
    expect(summary.crossValidation.byFold.length).toBe(4);
    const head = await openHead(join(artifacts, 'ridge'));
    const predictions = head.predict(photographs(1).get('p/0.jpg') ?? new Float32Array());
    head.close();
    const row = readFileSync(join(artifacts, 'ridge', 'predictions.csv'), 'utf8')
      .split('\n')
      .find((line) => line.startsWith('p/0.jpg'));
    expect(predictions[0]).toBeCloseTo(Number(row?.split(',')[3]), 3);
  });

  test('uses the labelled part of the cache and says so', () => {
    const third = writeLabels(join(folder, 'third.csv'), [...rowsOf(13), ['p/99.jpg', 3]]);
    const { status, stderr } = pool5('train', '--labels', third, '--features', features, '--artifacts', artifacts);
    expect(status).toBe(0);
    expect(stderr).toContain('Uses the 13 of 40 photographs in the cache that have a label.\n');
    expect(stderr).toContain(`1 label has no image (${third}): p/99.jpg (p/19.jpg?)\n`);
  });

  test('--split-by keeps a column’s groups together', () => {
    const grouped = writeLabels(
      join(folder, 'grouped.csv'),
      rowsOf(40).map(([id, length], index) => [id, length, `house ${index % 8}`]),
      'image,length_cm,house',
    );
    const args = ['--labels', grouped, '--features', features, '--artifacts', artifacts, '--quiet', '--json'];
    const { stdout } = pool5('train', ...args, '--split-by', 'house', '--run', 'grouped');
    expect(JSON.parse(stdout).photographs).toBe(40);
    const houses = new Map<number, Set<string>>();
    for (const row of readFileSync(join(artifacts, 'grouped', 'predictions.csv'), 'utf8')
      .trimEnd()
      .split('\n')
      .slice(1)) {
      const [id = '', part = ''] = row.split(',');
      const house = Number(/\d+/.exec(id)?.[0]) % 8;
      houses.set(house, (houses.get(house) ?? new Set()).add(part));
    }
    expect([...houses.values()].map((parts) => parts.size)).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    const { stderr } = pool5('train', ...args, '--split-by', 'home');
    expect(stderr).toBe(
      `pool5: Expected a column named "home" to split by, got the columns image, length_cm, house (${grouped}).\n`,
    );
  });
});

describe('bad input', () => {
  test.each([
    [['--learning-rate', '-1'], 'Expected a number above 0, got -1 (--learning-rate).'],
    [['--seed', '1.5'], 'Expected a whole number of at least 0, got 1.5 (--seed).'],
    [['--dropout', '1'], 'Expected a fraction from 0 to below 1, got 1 (--dropout).'],
    [['--batch', '0'], 'Expected a whole number above 0, got 0 (--batch).'],
    [['--hidden', '0,x'], 'Expected whole numbers above 0, such as 256 or 256,64, got 0,x (--hidden).'],
    [['--folds', '41'], 'Expected at most 40 folds for 40 photographs, got 41 (--folds).'],
    [['--folds', '1'], 'Expected a whole number of at least 2, got 1 (--folds).'],
    [
      ['--run', '../x'],
      'Expected a name of letters, digits and . _ - + =, got "../x" (--run). latest and records are taken.',
    ],
    [
      ['--optimizer', 'sgd', '--learning-rate', '1e30'],
      'Expected a finite loss, got NaN (step 2, epoch 1). Lower --learning-rate (now 1e+30). No run was saved.',
    ],
  ])('%j', (args, message) => {
    const before = readdirSync(artifacts).toSorted();
    const { status, stdout, stderr } = train('--quiet', ...args);
    expect({ status, stdout, stderr }).toEqual({ status: 2, stdout: '', stderr: `pool5: ${message}\n` });
    expect(readdirSync(artifacts).toSorted()).toEqual(before);
  });

  test('constant targets', () => {
    const constant = writeLabels(
      join(folder, 'constant.csv'),
      rowsOf(40).map(([id]) => [id, 5]),
    );
    const { status, stderr } = pool5('train', '--labels', constant, '--features', features, '--quiet');
    expect([status, stderr]).toEqual([
      2,
      'pool5: Expected targets that differ, got 5 for all 40 photographs. There is nothing to learn from them.\n',
    ]);
  });

  test('one picture', () => {
    const one = writeLabels(join(folder, 'one.csv'), rowsOf(1));
    const { status, stderr } = pool5('train', '--labels', one, '--features', features, '--quiet');
    expect([status, stderr]).toEqual([
      2,
      `pool5: Expected at least 2 images with a label, got only 1 of 40 (${one}). Add labels.\n`,
    ]);
  });

  test('no labels, no cache', () => {
    expect(pool5('train').stderr).toBe(
      'pool5: Expected --labels FILE, or --config FILE of a run to repeat, got neither. See pool5 train --help.\n',
    );
    const missing = join(folder, 'nowhere');
    expect(pool5('train', '--labels', labels, '--features', missing).stderr).toBe(
      `pool5: Expected a cache of features, got none (${missing}). ` +
        'Make it with pool5 extract --images DIR, or name another with --features.\n',
    );
  });
});
