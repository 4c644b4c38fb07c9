import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../pipeline/package-root.js';
import { newFolder, pool5, type Outcome } from './command-line.js';

const PETS = join(PACKAGE_ROOT, '../shared/data/pets');

function json({ stdout }: Outcome): Record<string, unknown> {
  return JSON.parse(stdout);
}

describe('from photographs to a number', () => {
  let folder: string;
  let images: string;
  let features: string;
  let artifacts: string;
  const labels = (): string => join(images, 'labels.csv');
  const extract = (...more: string[]): Promise<Outcome> =>
    pool5('extract', '--images', images, '--features', features, '--quiet', ...more);
  const train = (...more: string[]): Promise<Outcome> =>
    pool5('train', '--features', features, '--artifacts', artifacts, '--quiet', '--json', ...more);

  beforeAll(async () => {
    folder = await newFolder();
    [images, features, artifacts] = [join(folder, 'my photos'), join(folder, 'features'), join(folder, 'artifacts')];
    await pool5('sample', '--out', images, '--count', '12', '--quiet');
    await extract();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('computes each photograph once', async () => {
    const again = json(await extract('--json'));
    expect(again).toMatchObject({ computed: 0, plan: { fresh: 12, new: 0, changed: 0, missing: 0, rejected: 0 } });
    expect(again['contentDigest']).toMatch(/^[0-9a-f]{64}$/);
  });

  it('sets unusable files aside with their reasons and goes on', async () => {
    await writeFile(join(images, 'page.jpg'), '<!DOCTYPE html><p>no picture here');
    await writeFile(join(images, 'empty.jpg'), '');
    const whole = await readFile(join(images, 'tiger/tiger.0001.jpg'));
    await writeFile(join(images, 'broken.jpg'), whole.subarray(0, whole.length / 2));
    const summary = json(await extract('--json'));
    const rejected = [
      { id: 'broken.jpg', reason: expect.stringMatching(/^cannot be decoded: /) },
      { id: 'empty.jpg', reason: 'empty file' },
      { id: 'page.jpg', reason: 'not a picture: an HTML page' },
    ];
    expect(summary).toMatchObject({ computed: 0, plan: { fresh: 12, rejected: 3 } });
    expect(summary['rejected']).toHaveLength(3);
    expect(summary['rejected']).toEqual(expect.arrayContaining(rejected));
    for (const { id } of rejected) await rm(join(images, id));
  });

  it('trains the same head from the same seed, bit for bit', async () => {
    expect(await train('--labels', labels(), '--run', 'first')).toMatchObject({ code: 0 });
    expect(await train('--labels', labels(), '--run', 'second')).toMatchObject({ code: 0 });
    const weights = async (run: string): Promise<Buffer> => readFile(join(artifacts, run, 'weights.bin'));
    expect((await weights('first')).equals(await weights('second'))).toBe(true);
    expect(await readdir(join(artifacts, 'first'))).toEqual(
      expect.arrayContaining([
        'config.json',
        'metrics.jsonl',
        'model.json',
        'predictions.csv',
        'summary.json',
        'weights.bin',
      ]),
    );
  });

  it('predicts what the run recorded, and draws it', async () => {
    const id = 'kittycat/kittycat.0001.jpg';
    const picture = join(folder, 'lengths.png');
    const run = await pool5(
      'predict',
      '--run',
      join(artifacts, 'first'),
      join(images, id),
      '--picture',
      picture,
      '--json',
    );
    const recorded = (await readFile(join(artifacts, 'first/predictions.csv'), 'utf8'))
      .split('\n')
      .find((line) => line.startsWith(id));
    const { predictions, unfamiliar } = JSON.parse(run.stdout);
    const [prediction] = predictions;
    expect(unfamiliar).toEqual([]);
    expect(prediction).toEqual({ image: join(images, id), prediction: expect.any(Number), unit: 'cm' });
    expect(prediction.prediction).toBeCloseTo(Number(recorded?.split(',')[3]), 2);
    expect(existsSync(picture)).toBe(true);
  });

  it('shows the photographs in a report wherever they were extracted from, while they are there', async () => {
    const page = join(folder, 'page.html');
    const report = (): Promise<Outcome> => pool5('report', '--run', join(artifacts, 'first'), '--out', page, '--json');
    expect(json(await report())).toMatchObject({ photographs: 12, pictures: 12 });

    const moved = join(folder, 'moved photos');
    await rename(images, moved);
    const gone = await report();
    const reason = `This page shows no photographs: ${images} is gone. Name their folder with --images.`;
    expect([json(gone)['pictures'], gone.stderr]).toEqual([0, `${reason}\n`]);
    expect(await readFile(page, 'utf8')).toContain(reason);

    // Where they lie is no part of what is computed or of its content.
    const before = json(await pool5('inspect', '--features', features, '--json'));
    const again = json(await pool5('extract', '--images', moved, '--features', features, '--json', '--quiet'));
    expect(again).toMatchObject({ computed: 0, contentDigest: before['contentDigest'] });
    expect(json(await report())).toMatchObject({ pictures: 12 });
    await rename(moved, images);
    expect(json(await report())).toMatchObject({ pictures: 12 });
  });

  it("runs the README's example of the library", async () => {
    const readme = await readFile(join(PACKAGE_ROOT, 'README.md'), 'utf8');
    const image = join(images, 'kittycat/kittycat.0001.jpg');
    const program = (/```ts\n(?<code>.*?)```/s.exec(readme)?.groups?.['code'] ?? '')
      .replace(/artifacts\/[\w-]+/, join(artifacts, 'first'))
      .replace("'cat.jpg', 'tiger.jpg'", JSON.stringify(image));
    const file = join(PACKAGE_ROOT, 'dist/readme-example.mjs'); // inside the package, so that 'pool5' is itself
    await writeFile(file, program);
    const { stdout } = await promisify(execFile)(process.execPath, [file]);
    expect(stdout).toMatch(/image: '.*kittycat\.0001\.jpg',\n {2}prediction: [\d.]+,\n {2}unit: 'cm'/);
    await rm(file);
  });

  it('refuses a head that was trained on other weights', async () => {
    const outcome = await pool5(
      'predict',
      '--run',
      'first',
      '--artifacts',
      artifacts,
      '--weights',
      'random:1',
      labels(),
    );
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toMatch(/^pool5: Expected the weights of the backbone that the head was trained on/);
  });

  it.skipIf(!existsSync(PETS))('reads real photographs (skips without ../shared/data/pets)', async () => {
    const pets = join(folder, 'pets');
    for (const kind of ['cat', 'dog']) {
      await mkdir(join(pets, kind), { recursive: true });
      for (const i of [0, 1, 2, 3, 10])
        await cp(join(PETS, kind, `${kind}.${i}.jpg`), join(pets, kind, `${kind}.${i}.jpg`)).catch(() => undefined);
    }
    const count = (await readdir(pets, { recursive: true })).filter((name) => name.endsWith('.jpg')).length;
    expect(count).toBeGreaterThan(4);
    const sheet = join(folder, 'pets.csv');
    const rules = ['--rule', 'cat: normal(40,8) min 10', '--rule', 'dog: normal(100,30) min 20'];
    expect(await pool5('label', '--images', pets, ...rules, '--unit', 'cm', '--out', sheet)).toMatchObject({ code: 0 });
    const out = join(folder, 'pets features');
    const extracted = await pool5('extract', '--images', pets, '--features', out, '--json');
    expect(json(extracted)).toMatchObject({ computed: count, rejected: [] });
    const trained = await pool5('train', '--labels', sheet, '--features', out, '--artifacts', artifacts, '--json');
    expect(trained).toMatchObject({ code: 0 });
  });
});

describe('wrong arguments', () => {
  it.each([
    [['extract', '--imges', 'x'], 'pool5: Expected a known option, got --imges. Did you mean --images?\n'],
    [['extract'], 'pool5: Expected --images, got nothing. See pool5 extract --help.\n'],
    [['extrat'], 'pool5: Expected a stage, got "extrat". Did you mean extract?\n'],
    [
      ['extract', '--images', '/no/such'],
      'pool5: Expected a folder of photographs, got no such file or folder (/no/such). ' +
        'Give the folder of photographs with --images.\n',
    ],
  ])('%j', async (args, message) => {
    expect(await pool5(...args)).toEqual({ code: 2, stdout: '', stderr: message });
  });

  it('an empty folder', async () => {
    const folder = await newFolder();
    expect(await pool5('extract', '--images', folder)).toEqual({
      code: 2,
      stdout: '',
      stderr:
        `pool5: Expected at least one photograph, got none (${folder}). ` +
        'pool5 reads JPEG, PNG, WebP, AVIF, TIFF and GIF files.\n',
    });
    await rm(folder, { recursive: true });
  });

  it('prints its help without loading a stage', async () => {
    const { code, stdout } = await pool5('--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/pool5 extract +Compute the pool5 features/);
  });
});
