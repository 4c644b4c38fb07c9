import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SweepFiles } from '../../pipeline/report/sweep-files.js';
import { disagreements, sweepPage } from '../../pipeline/report/sweep-page.js';
import { CHROMIUM, launch } from './chromium.js';
import { openPage, violationsOf } from './page.js';

const around = (mean: number, half: number) => ({
  count: 3,
  mean,
  interval: [mean - half, mean + half] as [number, number],
});
const LABELS = ['learning-rate 0.001', 'learning-rate <b>0.0001</b>'] as const;

/** Two settings of three seeds; seed s predicts s too long; photograph 0 trains always, 1 in all but one, 2 never. */
const FILES: SweepFiles = {
  folder: 'artifacts/rates',
  sweep: {
    name: 'rates',
    vary: 'all',
    seeds: [1, 2, 3],
    unit: 'cm',
    variants: LABELS.map((label, i) => {
      const metrics = { rmse: around(10 + i, 1), mae: around(8 + i, 1), r2: around(0.5, 0.1) };
      return { label, runs: 3, failed: 0, metrics };
    }),
    differences: [{ one: LABELS[0], other: LABELS[1], rmse: around(-1, 0.5) }],
    records: [],
    best: { label: LABELS[0], seed: 2, folder: 'artifacts/x', run: 'x' },
  },
  runs: LABELS.flatMap((label) =>
    [1, 2, 3].map((seed) => {
      const history = [1, 2, 3].map((epoch) => ({ epoch, loss: 1 / epoch, validationLoss: seed / epoch }));
      const parts = ['train', seed === 1 ? 'validation' : 'train', 'holdout'];
      const record = { settings: {}, failure: null, history, parts, predictions: [50, 60, 70 + seed] };
      return { label, seed, record };
    }),
  ),
  photographs: ['a', 'b', 'c'].map((name, i) => ({ id: `${name}.jpg`, target: 50 + 10 * i })),
  features: 'features',
  floor: 7.5,
};

it('measures disagreement on photographs that two seeds or more did not train on', () => {
  expect(disagreements(FILES)).toEqual([{ id: 'c.jpg', target: 70, prediction: 72, spread: 1, count: 3 }]);
  expect(disagreements({ ...FILES, sweep: { ...FILES.sweep, best: null } })).toEqual([]);
});

describe.skipIf(CHROMIUM === undefined)('the page of a sweep in chromium', () => {
  let root: string;
  let browser: Browser;
  let url: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'pool5-browser-'));
    const file = join(root, 'report.html');
    await writeFile(file, await sweepPage(FILES, disagreements(FILES), [], ['A note.']));
    url = pathToFileURL(file).href;
    browser = await launch();
  });
  afterAll(async () => {
    await browser.close();
    await rm(root, { recursive: true });
  });

  it('draws intervals, paired differences, the curves of all seeds and their disagreement', async () => {
    const { page, complaints, requests } = await openPage(browser, url, 1600);
    expect(await page.locator('.charts h3').allTextContents()).toEqual([
      'Error by setting',
      'Paired differences',
      'Learning curves of all seeds',
      'Disagreement between seeds',
    ]);
    expect(await page.locator('#chart-settings .mark-symbol.role-mark path').count()).toBe(2);
    // Two intervals and the noise floor.
    expect(await page.locator('#chart-settings .mark-rule.role-mark line').count()).toBe(3);
    expect(await page.locator('#chart-settings').getAttribute('aria-label')).toContain('the floor that chance');
    expect(await page.locator('#chart-curves .mark-line.role-mark path').count()).toBe(6);
    expect(await page.locator('#errors td').allTextContents()).toContain('-1.000 (-1.500 to -0.5000)');
    expect(await page.locator('#gallery .name').allTextContents()).toEqual([
      'c.jpg · unseen · error +2.0 · seeds differ by ±1.0',
    ]);
    await page.locator('#chart-spread .mark-symbol.role-mark path').hover({ force: true });
    expect(await page.locator('#card .name').textContent()).toContain('c.jpg');
    expect([complaints, requests]).toEqual([[], [url]]);
  });

  it.each([
    [360, 'light'],
    [360, 'dark'],
    [1600, 'light'],
    [1600, 'dark'],
  ] as const)('is accessible and fits at %i px in %s', async (width, scheme) => {
    const { page, complaints } = await openPage(browser, url, width, scheme);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    expect(await violationsOf(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
