import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readRun } from '../../pipeline/report/run-files.js';
import { runPage } from '../../pipeline/report/run-page.js';
import { runReport } from '../../pipeline/report/run-report.js';
import { thumbnailsOf } from '../../pipeline/report/thumbnails.js';
import { CHROMIUM, launch } from './chromium.js';
import { openPage, violationsOf } from './page.js';
import { HOSTILE, makeRun } from './run-fixture.js';

describe.skipIf(CHROMIUM === undefined)('the page of a run in chromium', () => {
  let root: string;
  let url: string;
  let browser: Browser;
  let page: Page;
  /** What the browser complained of, and what it asked anybody for. */
  let complaints: string[];
  let requests: string[];

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'pool5-browser-'));
    const { run, images } = await makeRun(root);
    const files = await readRun(run);
    const ids = files.outcomes.map(({ id }) => id);
    const [a = '', b = ''] = ids;
    const pair = { a, b, distance: 0.01, splits: ['validation', 'train'], targets: [1, 2] } as const;
    const suspect = { id: HOSTILE, target: 50, prediction: 80, expected: 90, score: 4.2 };
    const report = runReport(files, { duplicates: [pair], suspects: [suspect] }, []);
    const file = join(root, 'report.html');
    await writeFile(file, await runPage(report, await thumbnailsOf(ids.map((id) => join(images, id)))));
    url = pathToFileURL(file).href;
    browser = await launch();
  });
  afterAll(async () => {
    await browser.close();
    await rm(root, { recursive: true });
  });

  afterEach(async () => {
    await page.close();
    // oxlint-disable vitest/no-standalone-expect -- holds for each test of the page
    expect(complaints).toEqual([]);
    expect(requests).toEqual([url]);
    // oxlint-enable vitest/no-standalone-expect
  });

  async function open(width: number, colorScheme: 'light' | 'dark' = 'light'): Promise<void> {
    ({ page, complaints, requests } = await openPage(browser, url, width, colorScheme));
  }

  const names = (): Promise<string[]> => page.locator('#gallery .name').allTextContents();

  it('draws every chart, with a point for each photograph', async () => {
    await open(1600);
    expect(await page.locator('.charts h3').allTextContents()).toEqual([
      'Predicted against true',
      'Residuals by predicted value',
      'Residuals by group',
      'Learning curves',
      'Compared with simpler predictors',
      'Values: train',
      'Values: validation',
    ]);
    expect(await page.locator('.chart svg').count()).toBe(7);
    expect(await page.locator('#chart-predicted .mark-symbol.role-mark path').count()).toBe(24);
    expect(await page.locator('#chart-curves .mark-text.role-mark text').allTextContents()).toEqual([
      'noise floor',
      'ridge',
      'folder mean',
      'training mean',
    ]);
    expect(await page.locator('#chart-comparison .role-axis-label text').allTextContents()).toEqual(
      expect.arrayContaining(['training mean', 'ridge', 'this head', 'folder mean', 'noise floor']),
    );
  });

  it('shows the right photograph under the pointer, and pins it on a click', async () => {
    await open(1600);
    for (const k of [3, 17]) {
      const expected = await page.evaluate((index) => {
        const { photographs } = JSON.parse(document.querySelector('#data')?.textContent ?? '');
        return photographs[index];
      }, k);
      const point = page.locator('#chart-residuals .mark-symbol.role-mark path').nth(k);
      await point.hover({ force: true });
      const card = page.locator('#card');
      await card.waitFor({ state: 'visible' });
      expect(await card.locator('img').getAttribute('src')).toBe(`data:image/webp;base64,${expected.thumbnail}`);
      expect(await card.locator('.numbers').textContent()).toBe(
        `true ${expected.target.toFixed(1)} · predicted ${expected.prediction.toFixed(1)} cm`,
      );
      await point.click({ force: true });
      expect(await page.locator('#pins .name').last().textContent()).toContain(expected.id);
      await page.mouse.move(2, 2);
      await card.waitFor({ state: 'hidden' });
    }
    expect(await page.locator('#pins li').count()).toBe(2);
    await page.locator('#pins button').first().click();
    expect(await page.locator('#pins li').count()).toBe(1);
  });

  it('orders and filters the gallery from the keyboard', async () => {
    await open(1600);
    // Picture k is k - 12 off: the worst are the first and the last.
    expect((await names()).slice(0, 2)).toEqual([
      'tiger/tiger.0001.jpg · validation · error -12.0',
      'kittycat/kittycat.0001.jpg · train · error -11.0',
    ]);
    await page.locator('#order').focus();
    await page.keyboard.type('Best');
    expect((await names())[0]).toBe('tiger/tiger.0007.jpg · validation · error 0.0');
    await page.keyboard.press('Tab');
    await page.keyboard.type('val');
    expect(await names()).toHaveLength(8);
    await page.keyboard.press('Tab');
    await page.keyboard.type('kitty');
    expect(await names()).toHaveLength(4);
    expect(await page.locator('#count').textContent()).toBe('4 of 4 photographs shown');
  });

  it('sorts the table from the keyboard, and says in which order', async () => {
    await open(1600);
    await page.locator('summary').focus();
    await page.keyboard.press('Enter');
    const errors = (): Promise<string[]> => page.locator('#rows td:last-child').allTextContents();
    await page.locator('[data-column=residual]').focus();
    await page.keyboard.press('Enter');
    expect((await errors()).slice(0, 2)).toEqual(['-12.0', '-11.0']);
    await page.keyboard.press('Enter');
    expect((await errors()).slice(0, 2)).toEqual(['11.0', '10.0']);
    expect(await page.locator('th[aria-sort]').allTextContents()).toEqual(['Error']);
    expect(await page.locator('th[aria-sort]').getAttribute('aria-sort')).toBe('descending');
  });

  it('shows names as text, whatever is in them', async () => {
    await open(1600);
    await page.locator('#search').fill('onerror');
    expect(await names()).toEqual([`${HOSTILE} · train · error -8.0`]);
    expect(await page.locator('#look-alikes .name').first().textContent()).toContain(HOSTILE);
    expect(await page.locator('#settings').textContent()).toContain('<b>labels</b>.csv');
    expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
  });

  it.each([
    [360, 'light'],
    [360, 'dark'],
    [1600, 'light'],
    [1600, 'dark'],
  ] as const)('is accessible and fits at %i px in %s', async (width, scheme) => {
    await open(width, scheme);
    await page.locator('summary').click();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    const wide = await page.locator('.chart svg').evaluateAll((charts) => charts.map((chart) => chart.clientWidth));
    expect(Math.max(...wide)).toBeLessThan(width);
    expect(Math.min(...wide)).toBeGreaterThan(200);
    expect(await violationsOf(page)).toEqual([]);
  });

  it('fits on paper: nothing that only a pointer can use is printed', async () => {
    await open(1000);
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('.controls').isVisible()).toBe(false);
    expect(await page.locator('.chart svg').first().isVisible()).toBe(true);
    expect((await page.pdf({ format: 'A4' })).subarray(0, 5).toString()).toBe('%PDF-');
  });
});
