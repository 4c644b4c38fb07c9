import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import seedrandom from 'seedrandom';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FEATURE_LENGTH } from '../../pipeline/backbone/vgg16.js';
import { PACKAGE_ROOT } from '../../pipeline/package-root.js';
import { imageId, writeSample } from '../../pipeline/sample/folder.js';
import { writeCache } from '../pipeline/head/memory-cache.js';

const COUNT = 60;
const WRONG = 7;
const COPIES = [10, 30] as const;

let root: string;
let features: string;

function pool5(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const cli = join(PACKAGE_ROOT, 'dist', 'stages', 'cli.js');
  return spawnSync(process.execPath, [cli, ...args], { cwd: root, encoding: 'utf8' });
}

/** A tiger or a cat: each has channels of its own and some that tell its length; every photograph differs. */
function featureOf(k: number, length: number): Float32Array {
  const random = seedrandom(`feature ${k}`);
  const channels = Array.from(
    { length: 512 },
    (_, c) => (c % 2 === k % 2 ? 4 : 0.5) * random() + (c < 8 ? length / 20 : 0),
  );
  return Float32Array.from({ length: FEATURE_LENGTH }, (_, i) => channels[i % 512] ?? 0);
}

/** The copy's features are those of what it copies. */
const source = (k: number): number => (k === COPIES[1] ? COPIES[0] : k);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pool5-report-'));
  await writeSample(join(root, 'images'), {
    seed: 1,
    count: COUNT,
    signal: new AbortController().signal,
    drawn: () => undefined,
  });
  const numbers = Array.from({ length: COUNT }, (_, i) => ({
    id: imageId(i + 1),
    length: i % 2 === 0 ? 100 + i / 10 : 40 + i / 10,
  }));
  features = await writeCache(
    new Map(numbers.map(({ id }, k) => [id, featureOf(source(k), numbers[source(k)]?.length ?? 0)])),
  );
  const rows = numbers.map(({ id, length }, k) => [id, k === WRONG ? 190 : length]);
  await writeFile(join(root, 'labels.csv'), stringify(rows, { header: true, columns: ['image', 'length_cm'] }));
  const { status, stderr } = pool5(
    'train',
    '--labels',
    'labels.csv',
    '--features',
    features,
    '--run',
    'demo',
    '--validation',
    '0.3',
  );
  if (status !== 0) throw new Error(stderr);
});
afterAll(async () => {
  await Promise.all([root, features].map((folder) => rm(folder, { recursive: true })));
});

it('makes a page about the last run, with its photographs, look-alikes and doubtful labels', async () => {
  const { status, stdout, stderr } = pool5('report', '--images', 'images', '--json');
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const summary = JSON.parse(stdout);
  expect(summary).toEqual({
    file: 'artifacts/demo/report.html',
    name: 'demo',
    photographs: COUNT,
    pictures: COUNT,
    suspects: 1,
    duplicates: 1,
    bytes: expect.any(Number),
    seconds: expect.any(Number),
  });
  const page = await readFile(join(root, summary.file), 'utf8');
  expect(Buffer.byteLength(page)).toBe(summary.bytes);
  const [, lookAlikes = ''] = page.split('id="look-alikes"');
  expect(lookAlikes).toContain(`${imageId(WRONG + 1)} ·`);
  expect(lookAlikes).toContain(`${imageId(COPIES[0] + 1)} · ${imageId(COPIES[1] + 1)} · distance 0.0000`);
  expect(/<title>(.*)<\/title>/.exec(page)?.[1]).toBe('Run demo');
  expect(/<p>(Predicts .*?)<\/p>/.exec(page)?.[1]).toMatch(
    /^Predicts length_cm\. On the \d+ validation photographs it is off by \d+\.\d cm on average\. About 90\u00a0% of new photographs like these lie within ±\d+\.\d cm of the prediction\.$/,
  );
});

it('says in one line what it made', () => {
  expect(pool5('report', '--images', 'images').stdout).toMatch(
    /^artifacts\/demo\/report\.html: 60 photographs, doubtful labels: 1, near-duplicates: 1, \d\.\d MB\. Open it in a browser\.\n$/,
  );
});

it('says what is missing, on the page as in the terminal', async () => {
  const { status, stderr } = pool5('report', '--run', 'demo', '--features', 'nowhere', '--out', 'pages/page.html');
  expect(status).toBe(0);
  expect(stderr.trimEnd().split('\n')).toEqual([
    'This page shows no photographs: the cache that says where they are is gone. Name their folder with --images.',
    'Look-alikes were not examined: Expected a cache of features, got none (nowhere). Make it with pool5 extract --images DIR, or name another with --features.',
  ]);
  const page = await readFile(join(root, 'pages', 'page.html'), 'utf8');
  for (const line of stderr.trimEnd().split('\n')) expect(page).toContain(line);
});

it('refuses a run or a folder of photographs that is not there, and writes nothing', async () => {
  const none = pool5('report', '--run', 'other');
  expect([none.status, none.stderr]).toEqual([
    2,
    `pool5: Expected a run's folder or its name, got "other" (--run; searched in artifacts). pool5 train makes one.\n`,
  ]);
  const images = pool5('report', '--images', 'nothing', '--out', 'never.html');
  expect([images.status, images.stderr]).toEqual([
    2,
    'pool5: Expected a folder of photographs, got none (nothing). Name it with --images.\n',
  ]);
  await expect(stat(join(root, 'never.html'))).rejects.toThrow('ENOENT');
});

it('makes a page about a sweep', async () => {
  const labels = ['--labels', 'labels.csv', '--features', features];
  const swept = pool5('sweep', ...labels, '--name', 'rates', '--seeds', '1..3', '--learning-rate', '0.001,0.0001');
  expect(swept.status).toBe(0);
  const { status, stdout, stderr } = pool5('report', '--sweep', 'rates', '--images', 'images', '--json');
  expect([status, stderr]).toEqual([0, '']);
  const summary = JSON.parse(stdout);
  expect(summary).toMatchObject({
    file: 'artifacts/rates/report.html',
    name: 'rates',
    suspects: null,
    duplicates: null,
  });
  expect(summary.pictures).toBe(summary.photographs);
  expect(summary.photographs).toBeGreaterThan(0);
  const page = await readFile(join(root, summary.file), 'utf8');
  expect(/<p>(.* settings.*?)<\/p>/.exec(page)?.[1]).toMatch(
    /^2 settings, 3 seeds \(all\)\. By validation error, the best is learning-rate 0\.001, seed [123]\.$/,
  );
  const none = pool5('report', '--sweep', 'other');
  expect([none.status, none.stderr]).toEqual([
    2,
    `pool5: Expected a sweep's name, got "other" (--sweep; searched in artifacts). pool5 sweep makes one.\n`,
  ]);
});
