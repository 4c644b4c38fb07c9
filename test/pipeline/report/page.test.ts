import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namePlaces } from '../../../pipeline/report/curves.js';
import { errorsOf } from '../../../pipeline/report/errors-of.js';
import { html, Html, jsonScript, table } from '../../../pipeline/report/html.js';
import { decimalsFor, groupsOf, splitsOf } from '../../../pipeline/report/outcome.js';
import { findRun, readRun } from '../../../pipeline/report/run-files.js';
import { runPage } from '../../../pipeline/report/run-page.js';
import { flatten, runReport } from '../../../pipeline/report/run-report.js';
import { thumbnailsOf } from '../../../pipeline/report/thumbnails.js';
import { makeRun } from '../../browser/run-fixture.js';

let root: string;
let run: string;
let images: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pool5-page-'));
  ({ run, images } = await makeRun(root));
});
afterAll(() => rm(root, { recursive: true }));

function outcomeOf(index: number, split: string, error: number) {
  return { id: `${split}/${index}`, split, target: 10, prediction: 10 + error };
}

describe('html', () => {
  it('escapes what is inserted, but not HTML', () => {
    const name = `<img src=x onerror='a("b")'>&`;
    expect(
      html`<p title="${name}">${1}${undefined}${html`<b>${'<'}</b>`}${[new Html('<i>'), new Html('</i>')]}</p>`.source,
    ).toBe('<p title="&lt;img src=x onerror=&#39;a(&quot;b&quot;)&#39;&gt;&amp;">1<b>&lt;</b><i></i></p>');
  });

  it('keeps a script element closed, whatever is in the data', () => {
    const { source } = jsonScript('data', { name: '</script><script>\u2028' });
    expect(source).toBe(
      String.raw`<script type="application/json" id="data">{"name":"\u003c/script>\u003cscript>\u2028"}</script>`,
    );
  });

  it('heads the columns and rows of a table', () => {
    const { source } = table('Caption', ['a', 'b'], [['x', '1']]);
    expect(source.replaceAll(/\s+(?=<)|(?<=>)\s+/g, '')).toContain(
      '<caption>Caption</caption><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead><tbody><tr><th scope="row">x</th><td>1</td></tr></tbody>',
    );
  });
});

describe('outcomes', () => {
  it('orders splits as they are used', () => {
    const outcome = { id: 'a', target: 1, prediction: 1 };
    const splits = ['test', 'other', 'validation', 'train', 'holdout', 'test'];
    expect(splitsOf(splits.map((split) => ({ ...outcome, split })))).toEqual([
      'train',
      'validation',
      'holdout',
      'test',
      'other',
    ]);
  });

  it('groups by the first folder that differs, unless that tells nothing or too much', () => {
    expect([...groupsOf(['a/1.jpg', 'b/2.jpg', '3.jpg']).values()]).toEqual(['a', 'b', '(no folder)']);
    expect([...groupsOf(['a/1.jpg', 'a/2.jpg']).values()]).toEqual(['', '']);
    expect([...groupsOf(['a/b/1.jpg', 'a/c/d/2.jpg', 'a/3.jpg']).values()]).toEqual(['b', 'c', '(no folder)']);
    const many = Array.from({ length: 13 }, (_, i) => `${i}/x.jpg`);
    expect(new Set(groupsOf(many).values())).toEqual(new Set(['']));
  });

  it('shows as many decimals as the range of targets needs', () => {
    expect(
      [
        [10, 150],
        [0, 1],
        [0, 0.01],
        [5, 5],
        [0, 90_000],
      ].map(decimalsFor),
    ).toEqual([1, 2, 4, 1, 1]);
  });

  it('computes MAE, RMSE and R2', () => {
    const pairs = [
      [1, 2],
      [2, 2],
      [6, 3],
    ] as const;
    const outcomes = pairs.map(([target, prediction]) => ({ id: '', split: 'train', target, prediction }));
    expect(errorsOf(outcomes)).toEqual({ count: 3, mae: 4 / 3, rmse: Math.sqrt(10 / 3), r2: 1 - 10 / 14 });
    expect(errorsOf([outcomes[0] ?? { id: '', split: '', target: 0, prediction: 0 }]).r2).toBeUndefined();
  });

  it('flattens settings', () => {
    expect(flatten({ a: { b: [1, 2], c: null }, d: true, e: 'x' })).toEqual([
      ['a.b', '1, 2'],
      ['a.c', '–'],
      ['d', 'true'],
      ['e', 'x'],
    ]);
  });
});

describe('readRun', () => {
  it('finds a run by its folder, its name, or as the last one', async () => {
    const artifacts = join(root, 'artifacts');
    expect(await findRun(run, 'elsewhere')).toBe(run);
    expect(await findRun('demo', artifacts)).toBe(run);
    await expect(findRun(undefined, artifacts)).rejects.toThrow(
      `Expected a run's folder or its name, got no run yet (${artifacts}). pool5 train makes one.`,
    );
    await writeFile(join(artifacts, 'latest'), 'demo\n');
    expect(await findRun(undefined, artifacts)).toBe(run);
    await expect(findRun('other', artifacts)).rejects.toThrow(
      `Expected a run's folder or its name, got "other" (--run; searched in ${artifacts}). pool5 train makes one.`,
    );
  });

  it('names a file that is damaged or missing', async () => {
    const broken = join(root, 'broken');
    await expect(readRun(broken)).rejects.toThrow(
      `got none (${broken}). Name a run with --run; pool5 train makes one.`,
    );
    await makeRun(broken);
    const folder = join(broken, 'artifacts', 'demo');
    const file = join(folder, 'predictions.csv');
    await writeFile(file, 'id,split,target,prediction\na.jpg,train,1,x\n');
    await expect(readRun(folder)).rejects.toThrow(
      `Expected a run's file as pool5 train wrote it, got Invalid input: expected number, received NaN at 0.prediction (${file}).`,
    );
    await rm(file);
    await expect(readRun(folder)).rejects.toThrow(`Expected a run with predictions.csv, got none (${folder}).`);
  });
});

describe('runReport', () => {
  it('gives curves in the unit, baselines, and the mean of the folder', async () => {
    const files = await readRun(run);
    const { curves, references, interval } = runReport(files, undefined, []);
    const targets = files.outcomes.filter(({ split }) => split === 'train').map(({ target }) => target);
    const mean = targets.reduce((sum, target) => sum + target, 0) / targets.length;
    const deviation = Math.sqrt(targets.reduce((sum, target) => sum + (target - mean) ** 2, 0) / targets.length);
    expect(curves.inUnit).toBe(true);
    expect(curves.best).toBe(9);
    expect(curves.points[0]).toEqual({ epoch: 1, series: 'train', value: deviation });
    expect(references).toEqual([
      { name: 'training mean', mae: 31, rmse: 38.75 },
      { name: 'ridge', mae: 14, rmse: 17.5 },
      { name: 'folder mean', mae: expect.any(Number), rmse: expect.any(Number) },
      { name: 'noise floor', rmse: 7.5, floor: true },
    ]);
    // Eight validation residuals are too few for 90 %: that takes nine.
    expect(interval).toBeUndefined();
  });

  it('knows no floor where labels were measured', async () => {
    const files = await readRun(run);
    const { references } = runReport({ ...files, summary: { ...files.summary, floor: null } }, undefined, []);
    expect(references.map(({ name }) => name)).toEqual(['training mean', 'ridge', 'folder mean']);
  });

  it('calibrates on validation and says how a test split and each group kept the promise', async () => {
    const files = await readRun(run);
    const validation = Array.from({ length: 19 }, (_, i) => outcomeOf(i, 'validation', i + 1));
    const test = [outcomeOf(0, 'test', 18), outcomeOf(1, 'test', -18.5), outcomeOf(2, 'test', 3)];
    const all = { ...files, outcomes: [...validation, ...test] };
    const { interval, notes } = runReport(all, undefined, ['last']);
    expect(interval).toMatchObject({ half: 18, coverage: 0.9, count: 19, part: 'validation' });
    expect(notes).toEqual([
      'The validation photographs chose the epoch, so their error is a little optimistic.',
      'The 90 % interval rests on 19 validation residuals, which chose the epoch.',
      'The 90 % interval holds 2 of 3 test photographs.',
      'last',
    ]);
    const animals = all.outcomes.map((each, i) => ({ ...each, id: `${i % 2 === 0 ? 'cat' : 'dog'}/${each.id}` }));
    const refitted = runReport(
      { ...all, outcomes: animals, summary: { ...all.summary, refitted: true } },
      undefined,
      [],
    );
    expect(refitted.notes.slice(1)).toEqual([
      'The 90 % interval rests on 19 validation residuals, which chose the epoch, taken before the saved head was trained on them.',
      'The 90 % interval holds 2 of 3 test photographs.',
      'It is as wide for all: of those that it rests on, it holds 9 of 10 in cat, 9 of 9 in dog.',
    ]);
  });

  it('says where a run was made and how long it took, as far as it is recorded', async () => {
    const files = await readRun(run);
    const { facts } = runReport(files, undefined, []);
    expect(facts.slice(-2)).toEqual([
      {
        title: 'Timings (seconds)',
        rows: [
          ['read', '0.40'],
          ['train', '2.20'],
        ],
      },
      {
        title: 'Machine',
        rows: [
          ['Processor', 'A <b>processor</b>'],
          ['Cores', '4; a quota allows 1.5 of them'],
          ['Memory', '8.0 GB'],
          ['Node', 'v20'],
          ['Platform', 'linux x64'],
        ],
      },
    ]);
    const { machine: _machine, seconds: _seconds, ...old } = files.summary;
    expect(runReport({ ...files, summary: old }, undefined, []).facts.slice(-2)).toEqual([
      { title: 'Timings (seconds)', rows: [] },
      { title: 'Machine', rows: [['Machine', 'not recorded']] },
    ]);
  });
});

describe('namePlaces', () => {
  it('keeps names of close lines apart: on the left, on the right, in the middle', () => {
    expect(namePlaces([100, 103, 140, 154, 155, 156])).toEqual(['left', 'right', 'left', 'right', 'left', 'center']);
  });
});

describe('runPage', () => {
  it('stays under 5 MB for 1,000 photographs and forbids requests', async () => {
    const files = await readRun(run);
    const ids: string[] = [];
    // Noise is what compresses worst.
    const noise = await sharp({
      create: {
        width: 400,
        height: 300,
        channels: 3,
        noise: { type: 'gaussian', mean: 128, sigma: 60 },
        background: '#000',
      },
    })
      .png()
      .toBuffer();
    await writeFile(join(images, 'noise.png'), noise);
    for (let i = 0; i < 1000; i++) ids.push(i % 2 === 0 ? 'noise.png' : 'tiger/tiger.0001.jpg');
    const outcomes = ids.map((id, i) => ({
      id: `${i}/${'long-name-'.repeat(4)}${id}`,
      split: 'train',
      target: i,
      prediction: i + 1,
    }));
    const thumbnails = await thumbnailsOf(ids.map((id) => join(images, id)));
    expect(thumbnails.every((each) => each !== undefined)).toBe(true);
    const page = await runPage(runReport({ ...files, outcomes }, undefined, []), thumbnails);
    expect(Buffer.byteLength(page)).toBeLessThan(5_000_000);
    expect(page.slice(0, 2000)).toContain('content="default-src &#39;none&#39;; img-src data:;');
  });

  it('leaves out a picture that cannot be read', async () => {
    await copyFile(join(run, 'config.json'), join(images, 'text.jpg'));
    const [good, text, absent] = await thumbnailsOf(
      ['tiger/tiger.0001.jpg', 'text.jpg', 'absent.jpg'].map((id) => join(images, id)),
    );
    expect((await sharp(Buffer.from(good ?? '', 'base64')).metadata()).format).toBe('webp');
    expect([text, absent]).toEqual([undefined, undefined]);
  });
});
