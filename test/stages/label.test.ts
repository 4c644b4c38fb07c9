import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { joinLabels } from '../../pipeline/labels/join.js';
import { readLabels } from '../../pipeline/labels/read.js';
import { noiseFloor } from '../../pipeline/labels/rules.js';
import { PACKAGE_ROOT } from '../../pipeline/package-root.js';

const RULES = ['--rule', 'tiger: normal(100,30) min 20', '--rule', 'kittycat: normal(40,8) min 10', '--unit', 'cm'];

let folder: string;
let images: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pool5-label-'));
  images = join(folder, 'photos');
  for (const [name, count] of Object.entries({ tiger: 30, kittycat: 20 })) {
    await mkdir(join(images, name), { recursive: true });
    for (let index = 0; index < count; index++) {
      // What labels are made from is the bytes; whether they are a picture is for extract to say.
      await writeFile(join(images, name, `${index}.jpg`), `${name} ${index}`);
    }
  }
});
afterEach(() => rm(folder, { recursive: true }));

async function label(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const cli = join(PACKAGE_ROOT, 'dist/stages/cli.js');
  const child = spawn(process.execPath, [cli, 'label', '--images', images, ...args], { cwd: folder });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const [code]: unknown[] = await once(child, 'close');
  return { code, ...output };
}

async function rowsOf(file: string): Promise<Map<string, number>> {
  return new Map((await readLabels(join(folder, file))).rows.map(({ id, target }) => [id, target]));
}

const SUMMARY = z.object({
  rows: z.number(),
  target: z.string(),
  unit: z.string(),
  account: z.array(z.string()),
  noiseFloor: z.number().optional(),
  picture: z.string().optional(),
});

describe('pool5 label --rule', () => {
  it('writes labels that train reads, with rules that tell the noise floor', async () => {
    const { code, stdout, stderr } = await label(...RULES, '--out', 'labels.csv', '--picture', 'h.svg', '--json');
    expect([code, stderr]).toEqual([0, '']);
    const summary = SUMMARY.parse(JSON.parse(stdout));
    expect(summary).toMatchObject({ rows: 50, target: 'length_cm', unit: 'cm', account: [], picture: 'h.svg' });
    expect(existsSync(join(folder, 'h.svg'))).toBe(true);
    const table = await readLabels(join(folder, 'labels.csv'));
    expect(table).toMatchObject({ target: 'length_cm', unit: 'cm' });
    expect(table.comments).toEqual([
      'pool5 label: made up, not measured',
      'seed: 1',
      'unit: cm',
      'rule: tiger: normal(100,30) min 20',
      'rule: kittycat: normal(40,8) min 10',
    ]);
    expect(noiseFloor(table)?.rmse).toBe(summary.noiseFloor);
    const known = new Map(table.rows.map(({ id }) => [id, id]));
    expect(joinLabels(table, known).labelled).toHaveLength(50);
  });

  it('gives the same photographs the same numbers when others come and go, other ones with another seed', async () => {
    await label(...RULES, '--out', 'a.csv');
    const before = await rowsOf('a.csv');
    await rm(join(images, 'tiger/3.jpg'));
    await writeFile(join(images, 'tiger/00-new.jpg'), 'new');
    await writeFile(join(images, 'tiger/copy.jpg'), 'tiger 5');
    await label(...RULES, '--out', 'a.csv');
    const after = await rowsOf('a.csv');
    expect([...after.keys()].filter((id) => !before.has(id))).toEqual(['tiger/00-new.jpg', 'tiger/copy.jpg']);
    const kept = [...before].filter(([id]) => id !== 'tiger/3.jpg');
    expect(kept.map(([id]) => [id, after.get(id)])).toEqual(kept);
    expect(after.get('tiger/copy.jpg')).toBe(after.get('tiger/5.jpg'));
    await label(...RULES, '--out', 'b.csv', '--seed', '2');
    expect((await rowsOf('b.csv')).get('tiger/5.jpg')).not.toBe(after.get('tiger/5.jpg'));
  });

  it('prints a histogram by folder and what is left to chance', async () => {
    const { stdout } = await label('--rule', 'tiger: normal(100,0)', '--unit', 'cm');
    expect(stdout.split('\n')).toEqual([
      '       cm  tiger 30',
      `100 – 101 │${'█'.repeat(68)}`,
      '20 images are in a folder without a rule',
      '30 labels in labels.csv',
      'No model can do better than RMSE 0.00 cm on these made-up numbers: the rest is chance',
      '',
    ]);
  });

  it('does not overwrite what somebody measured', async () => {
    await writeFile(join(folder, 'labels.csv'), 'image,length\ntiger/1.jpg,5\n');
    expect(await label(...RULES)).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'pool5: Expected no file, or one that pool5 label wrote, got another file (labels.csv). Move it away, or name another with --out.\n',
    });
  });
});

describe('pool5 label --from', () => {
  it('joins a table by the names of the files, with an account', async () => {
    await writeFile(
      join(folder, 'sheet.tsv'),
      'photo\tnote\tlength_cm\ntiger/1.jpg\tx\t5.5\ntiger/2.jpgg\t\t6\ntiger\\3.jpg\t\t\n',
    );
    const { code, stdout } = await label('--from', 'sheet.tsv', '--target', 'length_cm', '--id', 'photo', '--json');
    expect(code).toBe(0);
    expect(SUMMARY.parse(JSON.parse(stdout))).toMatchObject({
      rows: 1,
      unit: 'cm',
      account: [
        '2 images matched (2 by path)',
        '1 row means no image: tiger/2.jpgg (line 3; tiger/2.jpg?)',
        '48 images have no row: kittycat/0.jpg, kittycat/1.jpg, kittycat/10.jpg, kittycat/11.jpg, kittycat/12.jpg, ...',
        '1 image has a row without a number: tiger/3.jpg (line 4)',
      ],
    });
    expect(await readFile(join(folder, 'labels.csv'), 'utf8')).toBe(
      '# pool5 label: joined from sheet.tsv\n# unit: cm\nimage,length_cm\ntiger/1.jpg,5.5\n',
    );
  });

  it('joins a parquet file', async () => {
    await mkdir(join(images, 'cat'));
    for (const name of ['cat/a.jpg', 'tiger/b.jpg', 'tiger/c.jpg']) await writeFile(join(images, name), name);
    const table = join(PACKAGE_ROOT, 'test/golden/tables/zstd.parquet');
    const { stdout } = await label('--from', table, '--target', 'length_cm', '--json');
    expect(SUMMARY.parse(JSON.parse(stdout)).account[0]).toBe(
      '3 images matched (1 by path, 1 by file name, 1 by name without ending)',
    );
    expect((await readLabels(join(folder, 'labels.csv'))).rows.map(({ id, target }) => [id, target])).toEqual([
      ['cat/a.jpg', 40.5],
      ['tiger/c.jpg', 101],
    ]);
  });

  it('says so where nothing matches', async () => {
    await writeFile(join(folder, 'sheet.csv'), 'photo,length\nlion.jpg,5\n');
    const { code, stderr } = await label('--from', 'sheet.csv');
    expect([code, stderr]).toEqual([
      2,
      [
        '0 images matched',
        '1 row means no image: lion.jpg (line 2)',
        '50 images have no row: kittycat/0.jpg, kittycat/1.jpg, kittycat/10.jpg, kittycat/11.jpg, kittycat/12.jpg, ...',
        'pool5: Expected rows that mean images, got none by column photo (sheet.csv). Name the column of image names with --id.',
        '',
      ].join('\n'),
    ]);
  });
});

describe('pool5 label --check', () => {
  it('explains a file that is wrong, and one that is in order', async () => {
    await writeFile(join(folder, 'bad.csv'), 'image,length\ntiger/1.jpg,5\ntiger/1.jpg,6\ntiger/2.jpg,long\n');
    const bad = await label('--check', 'bad.csv');
    expect([bad.code, bad.stdout]).toEqual([2, '']);
    expect(bad.stderr.split('\n').slice(-5)).toEqual([
      '  6 – 6.1 │' + '█'.repeat(68),
      'pool5: Expected labels in order, got 2 problems (bad.csv):',
      '- 1 row without a number in length: line 4: "long"',
      '- 1 image has several rows: tiger/1.jpg (lines 2, 3)',
      '',
    ]);
    await label(...RULES);
    const good = await label('--check', 'labels.csv');
    expect(good.code).toBe(0);
    expect(good.stdout.trim().split('\n').slice(-2)).toEqual([
      '50 images matched (50 by path)',
      'labels.csv is in order',
    ]);
  });
});

it.each([
  [[], 'Expected one of --rule, --from and --check, got none.'],
  [['--check', 'a.csv', '--from', 'b.csv'], 'Expected one of --rule, --from and --check, got --from and --check.'],
  [['--rule', 'tiger'], `Expected a rule such as 'tiger: normal(100, 30) min 20', got "tiger" (--rule).`],
  [['--rule', 'tiger: normal(1,1)', '--seed', 'x'], 'Expected a whole number, got NaN (--seed).'],
  [['--check', 'absent.csv'], 'Expected a table, got no such file (absent.csv).'],
  [['--check', 'a.csv', '--picture', 'h.pdf'], 'Expected a name that ends in .png or .svg, got h.pdf (--picture).'],
])('pool5 label %j is refused', async (args, message) => {
  expect(await label(...args)).toEqual({ code: 2, stdout: '', stderr: `pool5: ${message}\n` });
});
