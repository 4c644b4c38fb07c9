import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Effects } from '../../pipeline/terminal/effects.js';
import { stage } from '../../stages/sample.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pool5-sample-'));
});
afterAll(() => rm(root, { recursive: true }));

function quiet(signal = new AbortController().signal): Effects {
  return {
    print: () => undefined,
    log: () => undefined,
    progress: () => ({ update: () => undefined, stop: () => undefined }),
    signal,
  };
}

async function run(out: string, count: number, seed: number): Promise<{ drawn: number; text: string }> {
  const options = { out, count, seed };
  const summary = await stage.run(options, quiet());
  return { drawn: summary.drawn, text: stage.text(summary, options) };
}

async function digests(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  const list = await Promise.all(
    files.map(
      async (file) =>
        [
          file.slice(folder.length + 1),
          createHash('sha256')
            .update(await readFile(file))
            .digest('hex'),
        ] as const,
    ),
  );
  return Object.fromEntries(list);
}

it('draws the same bytes for the same seed, and picture k whatever the count', async () => {
  const [a, b, c] = [join(root, 'a'), join(root, 'b'), join(root, 'c')];
  await run(a, 6, 1);
  await run(b, 6, 1);
  await run(c, 9, 1);
  expect(await digests(b)).toEqual(await digests(a));
  const { 'labels.csv': _labels, 'sample.json': _record, ...pictures } = await digests(a);
  expect(await digests(c)).toMatchObject(pictures);
  expect(Object.keys(pictures)).toHaveLength(6);
});

it('writes JPEGs of changing sizes and labels whose column carries the unit', async () => {
  const out = join(root, 'files');
  await run(out, 6, 5);
  const rows: Record<string, string>[] = parse(await readFile(join(out, 'labels.csv')), { columns: true });
  expect(Object.keys(rows[0] ?? {})).toEqual(['image', 'length_cm', 'species']);
  expect(rows.map(({ image }) => image)).toEqual([
    'kittycat/kittycat.0001.jpg',
    'kittycat/kittycat.0002.jpg',
    'kittycat/kittycat.0003.jpg',
    'tiger/tiger.0001.jpg',
    'tiger/tiger.0002.jpg',
    'tiger/tiger.0003.jpg',
  ]);
  for (const { image = '', length_cm = '', species } of rows) {
    expect(length_cm).toMatch(/^\d+\.\d$/);
    expect(image.split('/')[0]).toBe(species);
    const { format, width, height } = await sharp(join(out, image)).metadata();
    expect(format).toBe('jpeg');
    expect(Math.min(width, height)).toBeGreaterThanOrEqual(427);
  }
});

it('does nothing where the same sample is in place, and says so', async () => {
  const out = join(root, 'again');
  expect((await run(out, 4, 1)).drawn).toBe(4);
  const before = await digests(out);
  expect(await run(out, 4, 1)).toEqual({ drawn: 0, text: `Nothing to draw: ${out} holds the 4 pictures of seed 1.` });
  expect(await digests(out)).toEqual(before);
});

it('replaces an earlier sample of other arguments, or one with missing pictures', async () => {
  const out = join(root, 'replaced');
  await run(out, 8, 2);
  await run(out, 4, 1);
  const whole = await digests(out);
  expect(Object.keys(whole)).toHaveLength(6);
  await rm(join(out, 'tiger', 'tiger.0001.jpg'));
  expect((await run(out, 4, 1)).drawn).toBe(4);
  expect(await digests(out)).toEqual(whole);
});

it('refuses a folder with anything of somebody else in it, and touches nothing', async () => {
  const out = join(root, 'mine');
  await mkdir(out);
  await writeFile(join(out, 'labels.csv'), 'image,length_cm\n');
  const fix = 'Nothing was touched. Name another folder with --out.';
  await expect(run(out, 4, 1)).rejects.toThrow(
    `Expected an empty folder or an earlier sample, got a folder with labels.csv, which pool5 sample did not make (${out}). ${fix}`,
  );
  expect(await readdir(out)).toEqual(['labels.csv']);

  const sample = join(root, 'edited');
  await run(sample, 4, 1);
  await writeFile(join(sample, 'labels.csv'), 'image,length_cm\ntiger/tiger.0001.jpg,3\n');
  const before = await digests(sample);
  await expect(run(sample, 4, 2)).rejects.toThrow(
    `Expected an empty folder or an earlier sample, got a folder with labels.csv, which changed since pool5 sample made it (${sample}). ${fix}`,
  );
  expect(await digests(sample)).toEqual(before);
});

it('refuses a file in place of the folder, and numbers that are none', async () => {
  const file = join(root, 'file');
  await writeFile(file, '');
  await expect(run(file, 4, 1)).rejects.toThrow(`Expected a folder, got a file (${file}). Name a folder with --out.`);
  await expect(run(root, 1, 1)).rejects.toThrow('Expected a whole number of 2 or more, got 1 (--count).');
  await expect(run(root, 4, 1.5)).rejects.toThrow('Expected a whole number of 0 or more, got 1.5 (--seed).');
});

it('leaves nothing half-made behind when it is interrupted', async () => {
  const out = join(root, 'interrupted');
  const controller = new AbortController();
  const progress: Effects['progress'] = () => ({
    update: (done) => (done === 2 ? controller.abort('SIGINT') : undefined),
    stop: () => undefined,
  });
  const interrupted = stage.run({ out, count: 40, seed: 1 }, { ...quiet(controller.signal), progress });
  await expect(interrupted).rejects.toThrow('Interrupted (SIGINT). Nothing was changed; run it again.');
  expect(await readdir(out)).toEqual([]);
});
