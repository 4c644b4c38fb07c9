import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFile,
  copyFile,
  cp,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import seedrandom from 'seedrandom';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../pipeline/package-root.js';
import { newFolder, pool5, type Outcome } from '../stages/command-line.js';

const COUNT = 10;
const KILLS = Number(process.env['POOL5_KILLS'] ?? 4);

let folder: string;
let images: string;
/** A cache that was made without any fault. */
let whole: string;
let expected: string;

interface Extracted {
  readonly computed: number;
  readonly contentDigest: string;
  readonly plan: Record<string, number>;
  readonly repaired: readonly { file: string; reason: string }[];
  readonly rejected: readonly { id: string; reason: string }[];
}

function summaryOf(outcome: Outcome): Extracted {
  if (outcome.code !== 0) throw new Error(outcome.stderr);
  return JSON.parse(outcome.stdout);
}

async function extract(features: string, ...more: string[]): Promise<Extracted> {
  return summaryOf(await pool5('extract', '--images', images, '--features', features, '--json', ...more));
}

/** A copy of the whole cache, to be injured. */
async function copyOfCache(): Promise<string> {
  const copy = join(await newFolder(), 'features');
  await cp(whole, copy, { recursive: true });
  return copy;
}

async function generation(features: string): Promise<string> {
  return join(features, (await readFile(join(features, 'current'), 'utf8')).trim());
}

async function temporaries(features: string): Promise<string[]> {
  return (await readdir(features, { recursive: true })).filter((name) => /\.tmp-|locks\/./.test(name));
}

function startExtract(features: string, ...more: string[]): ReturnType<typeof spawn> {
  const cli = join(PACKAGE_ROOT, 'dist/stages/cli.js');
  const args = [cli, 'extract', '--images', images, '--features', features, ...more];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

beforeAll(async () => {
  folder = await newFolder();
  images = join(folder, 'photos');
  whole = join(folder, 'whole');
  await pool5('sample', '--out', images, '--count', String(COUNT), '--quiet');
  const made = await extract(whole);
  expected = made.contentDigest;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the same features, bit for bit', () => {
  it('with two workers', async () => {
    const made = await extract(join(folder, 'workers'), '--workers', '2');
    expect(made).toMatchObject({ computed: COUNT, contentDigest: expected });
  });

  it('from three parts', async () => {
    const features = join(folder, 'parts');
    const counts = [];
    for (const part of ['1/3', '2/3', '3/3']) counts.push((await extract(features, '--shard', part)).computed);
    expect(counts.reduce((sum, count) => sum + count)).toBe(COUNT);
    expect(await extract(features)).toMatchObject({ computed: 0, contentDigest: expected });
  });

  it('from two runs at once, each photograph computed once', async () => {
    const features = join(folder, 'two');
    const both = await Promise.all([extract(features), extract(features)]);
    expect(both.map((made) => made.contentDigest)).toEqual([expected, expected]);
    expect(both.reduce((sum, made) => sum + made.computed, 0)).toBe(COUNT);
  });

  it(`after ${KILLS} kills at random moments (POOL5_KILLS), with nothing left over`, async () => {
    const features = join(folder, 'killed');
    const random = seedrandom('kills');
    for (let i = 0; i < KILLS; i++) {
      const run = startExtract(features);
      const done = once(run, 'exit');
      await Promise.race([wait(200 + random() * 3000), done]);
      run.kill('SIGKILL');
      await done;
      if (i % 3 === 2) await rm(features, { recursive: true, force: true });
    }
    const made = await extract(features);
    expect(made).toMatchObject({ contentDigest: expected, repaired: [] });
    expect(await temporaries(features)).toEqual([]);
  }, 600_000);

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s: exits %i, says how to go on, and loses nothing', async (signal, code) => {
    const features = join(folder, signal);
    const run = startExtract(features);
    let messages = '';
    run.stderr?.on('data', (data) => (messages += String(data)));
    while (!messages.includes('engine:')) await wait(20);
    await wait(300);
    run.kill(signal);
    expect(await once(run, 'exit')).toEqual([code, null]);
    expect(messages).toMatch(
      /Interrupted \(SIG\w+\)\. \d+ new features are safe; run the same command again to go on\./,
    );
    expect(await temporaries(features)).toEqual([]);
    expect(await extract(features)).toMatchObject({ contentDigest: expected });
  });
});

describe('damage', () => {
  let features: string;
  let cache: string;
  let shard: string;
  beforeEach(async () => {
    features = await copyOfCache();
    cache = await generation(features);
    const [name = ''] = await readdir(join(cache, 'shards'));
    shard = join(cache, 'shards', name);
  });

  async function flipBit(): Promise<void> {
    const { mtime, atime, size } = await stat(shard);
    const file = await open(shard, 'r+');
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, Math.floor(size / 2));
    byte[0] = (byte[0] ?? 0) ^ 4;
    await file.write(byte, 0, 1, Math.floor(size / 2));
    await file.close();
    await utimes(shard, atime, mtime); // as a failing disk would: no time tells
  }

  const train = (): Promise<Outcome> =>
    pool5(
      'train',
      '--labels',
      join(images, 'labels.csv'),
      '--features',
      features,
      '--artifacts',
      join(folder, 'runs'),
      '--quiet',
    );

  it.each([
    ['a flipped bit', flipBit, /^wrong checksum$/],
    ['a truncated shard', () => truncate(shard, 5000), /^5000 bytes instead of \d+$/],
    ['a shard of zero bytes', () => truncate(shard, 0), /^0 bytes instead of \d+$/],
    ['a longer shard', () => appendFile(shard, 'x'), /^\d+ bytes instead of \d+$/],
    ['a missing shard', () => rm(shard), /^missing$/],
  ])('%s: train refuses it by name, extract mends it', async (_, injure, reason) => {
    await injure();
    const refused = await train();
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain(shard);
    const inspected = await pool5('inspect', '--features', features, '--verify');
    expect(inspected.code).toBe(2);
    const mended = await extract(features);
    expect(mended.repaired).toEqual([{ file: shard.slice(cache.length + 1), reason: expect.stringMatching(reason) }]);
    expect(mended.contentDigest).toBe(expected);
    expect(await train()).toMatchObject({ code: 0 });
  });

  it('manifest.json cut in half', async () => {
    const manifest = join(cache, 'manifest.json');
    await truncate(manifest, (await stat(manifest)).size / 2);
    expect((await train()).stderr).toBe(
      `pool5: Expected a cache's manifest, got a damaged file (${manifest}). ` +
        'Run pool5 extract again: it mends the manifest.\n',
    );
    const mended = await extract(features);
    expect(mended).toMatchObject({ computed: 0, contentDigest: expected });
    expect(mended.repaired).toEqual([{ file: 'manifest.json', reason: 'not a manifest' }]);
  });

  it("a shard's entry cut in half", async () => {
    const [entry = ''] = await readdir(join(cache, 'manifest'));
    await truncate(join(cache, 'manifest', entry), 100);
    expect((await train()).stderr).toContain(join(cache, 'manifest', entry));
    const mended = await extract(features);
    expect(mended).toMatchObject({ computed: 0, contentDigest: expected });
    expect(mended.repaired).toEqual([{ file: `manifest/${entry}`, reason: 'not a shard entry' }]);
  });

  it('a cache of a newer pool5 is refused and left as it is', async () => {
    const manifest = join(cache, 'manifest.json');
    const newer = JSON.stringify({ ...JSON.parse(await readFile(manifest, 'utf8')), format: 99 });
    await writeFile(manifest, newer);
    const message =
      `pool5: Expected a cache of format 1, got format 99, written by a newer pool5 (${manifest}). ` +
      'Update pool5, or give another --features folder; nothing was changed.\n';
    expect(await pool5('extract', '--images', images, '--features', features, '--quiet')).toEqual({
      code: 2,
      stdout: '',
      stderr: message,
    });
    expect((await train()).stderr).toBe(message);
    expect(await readFile(manifest, 'utf8')).toBe(newer);
  });
});

describe('a folder that changes', () => {
  it('renames and copies cost nothing; a rewritten picture is computed; a deleted one stays', async () => {
    const features = await copyOfCache();
    const photos = join(await newFolder(), 'photos');
    await cp(images, photos, { recursive: true });
    const run = async (...more: string[]): Promise<Extracted> =>
      summaryOf(await pool5('extract', '--images', photos, '--features', features, '--json', ...more));
    await rename(join(photos, 'tiger/tiger.0001.jpg'), join(photos, 'tiger/renamed.jpg'));
    await copyFile(join(photos, 'tiger/tiger.0002.jpg'), join(photos, 'copy of 0002.jpg'));
    const first = await run();
    expect(first.plan).toEqual({ fresh: COUNT - 1, new: 0, changed: 0, renamed: 2, missing: 1, rejected: 0 });
    expect(first).toMatchObject({ computed: 0, contentDigest: expected });
    // Same size, same times: only its content tells, and the file is "racily clean".
    const target = join(photos, 'tiger/renamed.jpg');
    const bytes = await readFile(target);
    bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 1;
    const { atime, mtime } = await stat(target);
    await writeFile(target, bytes);
    await utimes(target, atime, mtime);
    const second = await run();
    expect(second.plan).toMatchObject({ changed: 1 });
    expect(second.computed + second.rejected.length).toBe(1);
  });

  it('what is no photograph is named and set aside', async () => {
    const features = await copyOfCache();
    const photos = join(await newFolder(), 'odd names');
    await mkdir(photos);
    const good = join(images, 'tiger/tiger.0001.jpg');
    for (const name of ["it's.jpg", '"quoted".jpg', 'new\nline.jpg', '🐯.jpg', ' space .jpg']) {
      await copyFile(good, join(photos, name));
    }
    await copyFile(good, Buffer.concat([Buffer.from(`${photos}/caf`), Buffer.from([0xe9]), Buffer.from('.jpg')]));
    await symlink(photos, join(photos, 'loop'));
    await symlink(join(photos, 'nowhere'), join(photos, 'dangling.jpg'));
    await symlink(good, join(photos, 'outside.jpg'));
    const fifo = spawn('mkfifo', [join(photos, 'fifo.jpg')]);
    await once(fifo, 'exit');
    await writeFile(join(photos, 'drawing.jpg'), '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    await writeFile(join(photos, 'paper.jpg'), '%PDF-1.4\n%%EOF');
    const made = summaryOf(await pool5('extract', '--images', photos, '--features', features, '--json'));
    expect(made.plan).toMatchObject({ new: 2, renamed: 6, rejected: 5 });
    expect(made.rejected).toHaveLength(5);
    expect(made.rejected).toEqual(
      expect.arrayContaining([
        { id: 'caf\xe9.jpg', reason: 'the name is not UTF-8: rename it' },
        { id: 'dangling.jpg', reason: 'no such file or folder' },
        { id: 'fifo.jpg', reason: 'not a regular file' },
        { id: 'drawing.jpg', reason: expect.stringMatching(/^not a picture: /) },
        { id: 'paper.jpg', reason: 'not a picture: application/pdf' },
      ]),
    );
    expect(made).toMatchObject({ computed: 0, contentDigest: expected });
  });
});

describe('a world that is at fault', () => {
  it('a largest file size that is too small: exit 3, names the file, and goes on later', async () => {
    const features = join(folder, 'limited');
    const cli = join(PACKAGE_ROOT, 'dist/stages/cli.js');
    const command = `ulimit -f 200; exec "${process.execPath}" "${cli}" extract --images "${images}" --features "${features}" --quiet`;
    const run = spawn('bash', ['-c', `trap '' XFSZ; ${command}`]);
    let messages = '';
    run.stderr.on('data', (data) => (messages += String(data)));
    expect(await once(run, 'exit')).toEqual([3, null]);
    expect(messages).toMatch(
      /grew past the largest file that is allowed here \(ulimit -f\)\. Everything finished before is intact/,
    );
    expect(await temporaries(features)).toEqual([]);
    expect(await extract(features)).toMatchObject({ contentDigest: expected });
  });

  it.skipIf(process.getuid?.() !== 0)(
    'a full disk: exit 3, names it (skips where no tmpfs can be mounted)',
    async () => {
      const disk = await newFolder();
      const mount = spawn('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
      const [code] = await once(mount, 'exit');
      if (code !== 0) {
        console.warn('The full-disk test skips: no tmpfs can be mounted here.');
        return;
      }
      try {
        const full = await pool5('extract', '--images', images, '--features', join(disk, 'features'), '--quiet');
        expect(full).toMatchObject({ code: 3, stdout: '' });
        expect(full.stderr).toMatch(
          /^pool5: The disk that holds .* is full\. Free some space\. Everything finished before/,
        );
        expect(await temporaries(join(disk, 'features'))).toEqual([]);
      } finally {
        await once(spawn('umount', [disk]), 'exit');
      }
    },
  );
});
