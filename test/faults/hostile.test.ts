import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCache } from '../../pipeline/features/cache.js';
import { findImages } from '../../pipeline/images/find.js';
import { newFolder, pool5 } from '../stages/command-line.js';
import { drawPicture, inspect, start, succeed } from './extraction.js';

let folder: string;
let outside: string;

const extract = async (images: string, features: string, ...more: string[]): Promise<Record<string, unknown>> => {
  const options = ['extract', '--images', images, '--features', features, '--shard-rows', '2', '--json'];
  return JSON.parse((await succeed(pool5(...options, ...more))).stdout);
};

beforeAll(async () => {
  folder = await newFolder();
  outside = join(folder, 'outside');
  await mkdir(outside);
  await drawPicture(join(outside, 'linked.jpg'), 100);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const nameOf = (i: number): string => `${String(i).padStart(6, '0')}.jpg`;

describe('a hostile folder', () => {
  it('uses what can be used and says why the rest cannot', async () => {
    const images = join(folder, 'hostile');
    const at = (name: string): string => join(images, name);
    await mkdir(at('deep/er'), { recursive: true });
    const good = ['a b.jpg', `it's "quoted".jpg`, 'two\nlines.jpg', 'tiger 🐅.jpg', 'ümlaut.JPEG', 'deep/er/-x.jpg'];
    for (const [i, name] of good.entries()) await drawPicture(at(name), i);
    await writeFile(Buffer.concat([Buffer.from(`${images}/`), Buffer.from([0xff, 0xfe]), Buffer.from('.jpg')]), 'x');
    await symlink('..', at('deep/loop'));
    await symlink('self.jpg', at('self.jpg'));
    await symlink('nowhere', at('dangling.png'));
    await symlink('nowhere', at('notes.txt'));
    await symlink(outside, at('store'));
    execFileSync('mkfifo', [at('pipe.jpg')]);
    const socket = createServer();
    await new Promise<void>((resolve) => socket.listen(at('socket.jpg'), resolve));
    await writeFile(at('drawing.jpg'), '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    await writeFile(at('paper.jpg'), '%PDF-1.7\n1 0 obj <<>> endobj');
    await writeFile(at('page.jpg'), '<!doctype html><title>404</title>');
    await writeFile(at('empty.jpg'), '');
    // 289 megapixels in a few kB: more than sharp decodes.
    await sharp({ create: { width: 16_000, height: 16_000, channels: 3, background: '#fff' }, limitInputPixels: false })
      .extend({ right: 1_000, bottom: 1_000, background: '#fff' })
      .png({ compressionLevel: 9, palette: true, colours: 2 })
      .toFile(at('bomb.png'));

    const summary = await extract(images, join(folder, 'hostile features'));
    socket.close();
    expect(summary['rejected']).toEqual([
      { id: 'dangling.png', reason: 'no such file or folder' },
      { id: 'pipe.jpg', reason: 'not a regular file' },
      { id: 'self.jpg', reason: 'a link that leads to itself' },
      { id: 'socket.jpg', reason: 'not a regular file' },
      { id: 'ÿþ.jpg', reason: 'the name is not UTF-8: rename it' },
      { id: 'bomb.png', reason: 'cannot be decoded: Input image exceeds pixel limit' },
      { id: 'drawing.jpg', reason: 'not a picture: an SVG drawing' },
      { id: 'empty.jpg', reason: 'empty file' },
      { id: 'page.jpg', reason: 'not a picture: an HTML page' },
      { id: 'paper.jpg', reason: 'not a picture: application/pdf' },
    ]);
    expect(summary).toMatchObject({ computed: good.length + 1 });
    const cache = await openCache(join(folder, 'hostile features'));
    expect([...cache.images.keys()].toSorted()).toEqual([...good, 'store/linked.jpg'].toSorted());
  });

  it('a picture of 100 megapixels is none too large', async () => {
    const images = join(folder, 'large');
    await mkdir(images);
    await sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: '#456' } }).toFile(
      join(images, 'large.jpg'),
    );
    expect(await extract(images, join(folder, 'large features'))).toMatchObject({ computed: 1, rejected: [] });
  });

  it('folders that link to each other end', async () => {
    const images = join(folder, 'knot');
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    for (const name of names) await mkdir(join(images, name), { recursive: true });
    for (const name of names) for (const other of names) await symlink(join(images, other), join(images, name, other));
    await writeFile(join(images, 'a/x.jpg'), '');
    const { images: found, rejected } = await findImages(images);
    expect(found.length).toBeGreaterThan(0);
    expect(found.length).toBeLessThanOrEqual(32);
    expect(rejected.length).toBeGreaterThan(0);
    expect(rejected[0]?.reason).toBe('a folder that links reach in more than 32 ways');
  });

  const many = process.env['POOL5_LARGE'] === undefined ? 10_000 : 100_000;
  it(`${many} tiny files are listed (POOL5_LARGE: 100,000)`, async () => {
    const images = join(folder, 'tiny');
    await mkdir(images);
    for (let i = 0; i < many; i++) writeFileSync(join(images, nameOf(i)), '');
    const { images: found, rejected } = await findImages(images);
    expect(rejected).toEqual([]);
    expect(found.map(({ id }) => id)).toEqual(Array.from({ length: many }, (_, i) => nameOf(i)));
    await rm(images, { recursive: true });
  });
});

describe('a folder that changes', () => {
  it('while the run goes on: what is gone or rewritten is set aside, and the next run mends it', async () => {
    const images = join(folder, 'moving');
    await mkdir(images);
    for (let i = 0; i < 16; i++) await drawPicture(join(images, `p${i}.jpg`), i);
    const features = join(folder, 'moving features');
    const run = start(['extract', '--images', images, '--features', features, '--shard-rows', '2', '--json']);
    const shards = async (): Promise<string[]> =>
      (await readdir(features, { recursive: true }).catch(() => [])).filter((name) => name.endsWith('.arrow'));
    while ((await shards()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await rm(join(images, 'p0.jpg'));
    for (let i = 1; i < 16; i++) await drawPicture(join(images, `p${i}.jpg`), 50 + i);
    const { code, stdout } = await run.ended;
    const summary: { computed: number; rejected: { id: string; reason: string }[] } = JSON.parse(stdout);
    const reasons = new Map(summary.rejected.map(({ id, reason }) => [id, reason]));
    expect(code).toBe(0);
    expect(summary.computed + reasons.size).toBe(16);
    expect(reasons.size).toBeGreaterThan(0);
    const allowed = ['no such file or folder', 'rewritten while the run went on: run extract again'];
    for (const reason of reasons.values()) expect(allowed).toContain(reason);
    const again = await extract(images, features);
    expect(again).toMatchObject({ rejected: [], plan: { missing: 1 } });
    expect((await openCache(features)).images.size).toBe(15 + (reasons.has('p0.jpg') ? 0 : 1));
  });

  it('renames and copies cost nothing; prune drops what is deleted; one new picture rewrites no shard', async () => {
    const images = join(folder, 'renamed');
    const features = join(folder, 'renamed features');
    await mkdir(images);
    for (let i = 0; i < 4; i++) await drawPicture(join(images, `p${i}.jpg`), i);
    await extract(images, features);
    const before = await inspect(features);
    await rename(join(images, 'p0.jpg'), join(images, 'renamed.jpg'));
    await copyFile(join(images, 'p1.jpg'), join(images, 'copied.jpg'));
    expect(await extract(images, features)).toMatchObject({
      computed: 0,
      plan: { fresh: 3, new: 0, changed: 0, renamed: 2, missing: 1, rejected: 0 },
      contentDigest: before.contentDigest,
    });
    const copies = (await openCache(features)).images;
    expect(copies.get('copied.jpg')).toBe(copies.get('p1.jpg'));

    await drawPicture(join(images, 'p9.jpg'), 9);
    expect(await extract(images, features)).toMatchObject({ computed: 1, plan: { fresh: 5, new: 1 } });
    expect(await inspect(features)).toMatchObject({ rows: 5, shards: before.shards + 1 });

    await rm(join(images, 'p2.jpg'));
    await drawPicture(join(images, 'p3.jpg'), 33);
    expect(await extract(images, features, '--prune', '--compact')).toMatchObject({
      computed: 1,
      plan: { changed: 1, missing: 2 },
      tidied: { pruned: { images: 2, rows: 2, folders: [] }, compacted: { after: 1 } },
    });
    const fresh = join(folder, 'fresh features');
    await extract(images, fresh);
    expect((await inspect(features)).contentDigest).toBe((await inspect(fresh)).contentDigest);
  });

  it('a file that was rewritten with its old size and time is read again (racily clean)', async () => {
    const images = join(folder, 'racy');
    const features = join(folder, 'racy features');
    await mkdir(images);
    const size = 20_000;
    const draw = async (number: number): Promise<void> => {
      const path = join(folder, 'padded.jpg');
      await drawPicture(path, number);
      const bytes = Buffer.alloc(size);
      (await sharp(path).jpeg().toBuffer()).copy(bytes);
      await writeFile(join(images, 'p.jpg'), bytes);
      const now = new Date(Math.floor(Date.now() / 1000) * 1000);
      await utimes(join(images, 'p.jpg'), now, now);
    };
    await draw(1);
    const first = await extract(images, features);
    await draw(2);
    await utimes(join(images, 'p.jpg'), new Date(0), new Date(0)); // size as before, time in the past: ctime tells
    const second = await extract(images, features);
    expect([first['computed'], second['computed']]).toEqual([1, 1]);
    expect(second).toMatchObject({ plan: { changed: 1 } });
  });

  it('names why everything is stale, and --plan changes nothing', async () => {
    const images = join(folder, 'stale');
    const features = join(folder, 'stale features');
    await mkdir(images);
    await drawPicture(join(images, 'p.jpg'), 1);
    await extract(images, features);
    const options = ['extract', '--images', images, '--features', features, '--dtype', 'float16'];
    const kept = join(folder, 'kept');
    await cp(features, kept, { recursive: true });
    const { stdout, stderr } = await succeed(pool5(...options, '--plan'));
    expect(stderr).toMatch(
      /^stale 1 \(dtype float32 → float16\); they stay in .+ until --prune\nfresh 0 · new 1 · changed 0 · renamed 0 · missing 0 · rejected 0\n$/,
    );
    expect(stdout).toBe('1 to compute; nothing was (--plan).\n');
    expect(execFileSync('diff', ['-r', features, kept]).toString()).toBe('');
    await succeed(pool5(...options));
    const { stdout: compared } = await succeed(pool5('inspect', '--features', features, '--compare', kept, '--json'));
    const { compared: difference } = JSON.parse(compared);
    expect(difference).toMatchObject({ tolerance: 1e-3, within: true, onlyHere: 0, onlyThere: 0 });
    expect(difference.largest).toBeGreaterThan(1e-6);
    expect(difference.largest).toBeLessThan(2 ** -11);
  });
});
