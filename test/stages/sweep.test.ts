import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../pipeline/package-root.js';
import { randomFeature, writeCache } from '../pipeline/head/memory-cache.js';

const CLI = join(PACKAGE_ROOT, 'dist/stages/cli.js');
const folder = mkdtempSync(join(tmpdir(), 'pool5-sweep-'));
const labels = join(folder, 'labels.csv');
let features = '';

beforeAll(async () => {
  const photographs = new Map(
    Array.from({ length: 50 }, (_, index) => {
      const feature = randomFeature(index);
      feature.fill(index, 1000, 1400);
      return [`${index}.jpg`, feature] as const;
    }),
  );
  features = await writeCache(photographs);
  writeFileSync(labels, `image,length_cm\n${[...photographs.keys()].map((id, i) => `${id},${10 + i}\n`).join('')}`);
});

const argsOf = (artifacts: string, ...args: string[]): string[] => [
  CLI,
  'sweep',
  '--labels',
  labels,
  '--features',
  features,
  '--artifacts',
  artifacts,
  ...args,
];

function sweep(artifacts: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, argsOf(artifacts, ...args), { encoding: 'utf8' });
}

describe('pool5 sweep', () => {
  const artifacts = join(folder, 'artifacts');
  const grid = ['--seeds', '1..4', '--learning-rate', '0.001,0.003', '--epochs', '6', '--hidden', '16'];

  test('trains all combinations, compares them on what chose nothing, saves the best', () => {
    const { status, stdout } = sweep(artifacts, ...grid, '--json', '--quiet');
    expect(status).toBe(0);
    const summary = JSON.parse(stdout);
    expect(summary).toMatchObject({ seeds: [1, 2, 3, 4], vary: 'all', unit: 'cm', computed: 8 });
    expect(
      summary.variants.map(({ label, runs, failed }: { label: string; runs: number; failed: number }) => [
        label,
        runs,
        failed,
      ]),
    ).toEqual([
      ['learning-rate 0.001', 4, 0],
      ['learning-rate 0.003', 4, 0],
    ]);
    const [one, other] = summary.variants;
    const [difference] = summary.differences;
    expect(difference.rmse.mean).toBeCloseTo(one.metrics.rmse.mean - other.metrics.rmse.mean, 9);
    expect(readdirSync(join(artifacts, 'records')).length).toBe(8);
    // The figure is that of the holdout part, computed here from the record.
    const record = JSON.parse(readFileSync(join(artifacts, 'records', `${summary.records[0]}.json`), 'utf8'));
    const squares = record.parts.flatMap((part: string, i: number) =>
      part === 'holdout' ? [(record.predictions[i] - (10 + i)) ** 2] : [],
    );
    const rmse = Math.sqrt(squares.reduce((sum: number, value: number) => sum + value, 0) / squares.length);
    expect(record.metrics.holdout.rmse).toBeCloseTo(rmse, 9);
    expect(existsSync(join(summary.best.folder, 'model.json'))).toBe(true);
    const best = JSON.parse(readFileSync(join(summary.best.folder, 'summary.json'), 'utf8'));
    expect(best.metrics.validation.rmse).toBeCloseTo(summary.best.validationRmse, 9);
    expect(JSON.parse(readFileSync(join(artifacts, summary.name, 'sweep.json'), 'utf8'))).toEqual(summary);
  });

  test('repeats no finished run; a longer sweep trains the new ones alone', () => {
    const before = JSON.parse(sweep(artifacts, ...grid, '--json', '--quiet').stdout);
    expect(before.computed).toBe(0);
    const longer = ['--seeds', '1..5', ...grid.slice(2)];
    expect(JSON.parse(sweep(artifacts, ...longer, '--json', '--quiet').stdout).computed).toBe(2);
  });

  test('prints a table with intervals and a verdict', () => {
    const { stdout } = sweep(artifacts, ...grid, '--quiet');
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('On photographs that chose nothing:');
    expect(lines[1]).toMatch(/^setting +runs +mean ± sd +95% interval$/);
    expect(lines[2]).toMatch(/^learning-rate 0\.001 +4 +RMSE \(cm\) +[\d.]+ ± [\d.]+ +[-\d.]+ to [\d.]+$/);
    expect(stdout).toMatch(
      /learning-rate 0\.001 - learning-rate 0\.003 +-?[\d.]+ +-?[\d.]+ to -?[\d.]+ +(no difference seen|learning-rate 0\.00[13] is better)\n/,
    );
    expect(stdout).toContain('Runs:    0 trained, 8 known');
  });

  test('--refit trains the best on all photographs', () => {
    const { best } = JSON.parse(sweep(artifacts, ...grid, '--json', '--quiet', '--refit').stdout);
    const { metrics } = JSON.parse(readFileSync(join(best.folder, 'summary.json'), 'utf8'));
    expect([best.refitted, metrics.train.count, metrics.validation]).toEqual([true, 50, null]);
  });

  test('a diverging setting fails alone', () => {
    const { status, stdout } = sweep(
      join(folder, 'diverging'),
      '--seeds',
      '1,2',
      '--optimizer',
      'sgd',
      '--learning-rate',
      '1e30,0.01',
      '--epochs',
      '3',
      '--quiet',
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/^learning-rate 1e\+30 +0 of 2 +RMSE \(cm\) +- +-$/m);
    expect(stdout).toContain('Some losses did not stay finite: learning-rate 1e+30.\n');
    expect(stdout).toMatch(/^Best: {4}learning-rate 0\.01, seed [12] /m);
  });

  test('goes on after an interruption', async () => {
    const stopped = join(folder, 'stopped');
    const long = ['--seeds', '1..12', '--epochs', '40', '--patience', '40', '--hidden', '64'];
    const child = spawn(process.execPath, argsOf(stopped, ...long, '--quiet'), { stdio: ['ignore', 'pipe', 'pipe'] });
    const errors: string[] = [];
    child.stderr.on('data', (chunk) => errors.push(String(chunk)));
    const records = join(stopped, 'records');
    while (!existsSync(records) || readdirSync(records).length === 0) await setTimeout(20);
    child.kill('SIGINT');
    const [code] = await once(child, 'exit');
    expect([code, errors.join('')]).toEqual([
      130,
      'pool5: Interrupted (SIGINT). Finished runs are kept; the same command goes on from there.\n',
    ]);
    const done = readdirSync(records).filter((name) => name.endsWith('.json')).length;
    expect(done).toBeLessThan(12);
    const { stdout } = sweep(stopped, ...long, '--json', '--quiet');
    expect(JSON.parse(stdout).computed).toBe(12 - done);
  });

  test('a value that is none of the choices', () => {
    const { status, stderr } = sweep(join(folder, 'none'), '--optimizer', 'adam,adm');
    expect([status, stderr]).toEqual([
      2,
      'pool5: Expected one of sgd, momentum, rmsprop, adam, got adm (--optimizer).\n',
    ]);
  });

  test('a backward range of seeds', () => {
    const { status, stderr } = sweep(join(folder, 'none'), '--seeds', '5..1');
    expect([status, stderr]).toEqual([
      2,
      'pool5: Expected a range of seeds with the lower one first, got 5..1 (--seeds). Write 1..5.\n',
    ]);
  });
});

describe('pool5 runs', () => {
  const artifacts = join(folder, 'runs');
  const train = (...args: string[]): void => {
    const command = ['train', '--labels', labels, '--features', features, '--artifacts', artifacts, '--quiet'];
    spawnSync(process.execPath, [CLI, ...command, '--hidden', '8', '--epochs', '4', ...args]);
  };
  const runs = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [CLI, 'runs', '--artifacts', artifacts, ...args], { encoding: 'utf8' });

  beforeAll(() => {
    train('--run', 'one');
    train('--run', 'two', '--seed', '2', '--learning-rate', '0.003');
    train('--run', 'ridge', '--head', 'ridge');
  });

  test('lists runs, the least validation error first', () => {
    const { runs: listed } = JSON.parse(runs('--json').stdout);
    const errors = listed.map(({ metrics }: { metrics: { validation: { rmse: number } } }) => metrics.validation.rmse);
    expect(errors).toEqual(errors.toSorted((a: number, b: number) => a - b));
    expect(listed.length).toBe(3);
    expect(runs().stdout.split('\n')[0]).toMatch(
      /^run +photographs +validation RMSE +MAE +holdout RMSE +test RMSE +unit$/,
    );
  });

  test('filters', () => {
    const names = (...args: string[]): string[] =>
      JSON.parse(runs('--json', ...args).stdout).runs.map(({ run }: { run: string }) => run);
    expect(names('--where', 'head=ridge')).toEqual(['ridge']);
    expect(names('--where', 'learning-rate=0.003')).toEqual(['two']);
    expect(names('--where', 'head=dense', '--where', 'split-seed=1')).toEqual(['one']);
    expect(runs('--where', 'colour=red').stderr).toBe(
      'pool5: Expected a condition such as learning-rate=0.001 or head=ridge, got "colour=red" (--where).\n',
    );
  });

  test('compares two configs', () => {
    expect(JSON.parse(runs('one', 'two', '--json').stdout).differences).toEqual([
      { setting: 'settings.learningRate', values: ['0.001', '0.003'] },
      { setting: 'settings.splitSeed', values: ['1', '2'] },
      { setting: 'settings.initSeed', values: ['1', '2'] },
      { setting: 'settings.batchSeed', values: ['1', '2'] },
    ]);
    expect(runs('one', 'one').stdout).toBe('The two runs have the same config.\n');
    expect(runs('one').stderr).toBe(
      'pool5: Expected two runs to compare, or none to list them all, got 1. See pool5 runs --help.\n',
    );
  });

  test('names a damaged run and lists the others', () => {
    writeFileSync(join(artifacts, 'ridge', 'summary.json'), '{}');
    const { damaged, runs: listed } = JSON.parse(runs('--json').stdout);
    expect(listed.length).toBe(2);
    const file = join(artifacts, 'ridge', 'summary.json');
    expect(damaged).toEqual([
      { name: 'ridge', reason: `Expected a run's summary.json, got a damaged or missing file (${file}).` },
    ]);
  });
});
