import { execFileSync } from 'node:child_process';
import { chmod, chown, cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../pipeline/package-root.js';
import { newFolder, pool5 } from '../stages/command-line.js';
import {
  cacheFolder,
  drawPicture,
  drawPictures,
  inspect,
  leftovers,
  start,
  succeed,
  type Ended,
} from './extraction.js';

const CLI = join(PACKAGE_ROOT, 'dist/stages/cli.js');
const SAFE = 'Everything finished before is intact; run the same command again to go on.';
const PICTURES = 6;
const root = process.getuid?.() === 0;

let folder: string;
let images: string;
let undisturbed: string;

const args = (features: string): string[] => {
  return ['extract', '--images', images, '--features', features, '--shard-rows', '2'];
};

/** Root ignores permissions: the command runs as nobody instead. */
const unprivileged = (features: string): Promise<Ended> => {
  const command = root
    ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, CLI]
    : undefined;
  return start(args(features), command).ended;
};

const can = (command: string, ...options: string[]): boolean => {
  try {
    execFileSync(command, options, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

const canBeNobody =
  !root || can('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, CLI, '--help');

beforeAll(async () => {
  folder = await newFolder();
  await chmod(folder, 0o755);
  images = join(folder, 'images');
  await drawPictures(images, PICTURES);
  await succeed(pool5(...args(join(folder, 'sound'))));
  undisturbed = (await inspect(join(folder, 'sound'))).contentDigest;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a full disk', () => {
  const mounted =
    root && can('sh', '-c', 'd=$(mktemp -d) && mount -t tmpfs -o size=1m tmpfs "$d" && umount "$d" && rmdir "$d"');

  it.skipIf(!mounted)('is named, and all that was finished stays (skips where tmpfs cannot be mounted)', async () => {
    const disk = join(folder, 'disk');
    await mkdir(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=520k', 'tmpfs', disk]);
    try {
      const features = join(disk, 'features');
      const { code, stderr } = await pool5(...args(features));
      expect(code).toBe(3);
      const last = stderr.trimEnd().split('\n').at(-1) ?? '';
      expect(last.startsWith(`pool5: The disk that holds ${await cacheFolder(features)}/`)).toBe(true);
      expect(last.endsWith(` is full. Free some space. ${SAFE}`)).toBe(true);
      expect(await leftovers(features)).toEqual([]);
      execFileSync('mount', ['-o', 'remount,size=16m', disk]);
      const again = await pool5(...args(features), '--json');
      expect(JSON.parse(again.stdout)).toMatchObject({ computed: PICTURES - 4, contentDigest: undisturbed });
      expect(await inspect(features)).toMatchObject({ contentDigest: undisturbed });
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  it('as a limit on the size of files (ulimit -f)', async () => {
    const features = join(folder, 'limited');
    const limited = ['bash', '-c', 'ulimit -f 100; trap "" XFSZ; exec "$@"', 'bash', process.execPath, CLI];
    const { code, stderr } = await start(args(features), limited).ended;
    expect(code).toBe(3);
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(
      new RegExp(`^pool5: .+\\.arrow grew past the largest file that is allowed here \\(ulimit -f\\)\\. ${SAFE}$`),
    );
    expect(await leftovers(features)).toEqual([]);
    await succeed(pool5(...args(features)));
    expect(await inspect(features)).toMatchObject({ contentDigest: undisturbed });
  });
});

describe.skipIf(!canBeNobody)('permissions (skips where root cannot become nobody)', () => {
  it('a folder that may not be written to: exit 3, and a complete cache in it can be used', async () => {
    const empty = join(folder, 'forbidden');
    await mkdir(empty, { mode: 0o555 });
    const { code, stderr } = await unprivileged(join(empty, 'features'));
    expect(code).toBe(3);
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(
      new RegExp(`^pool5: No permission to write ${empty}/.+\\. Give a folder that you may write to\\. ${SAFE}$`),
    );

    const complete = join(folder, 'read only');
    await cp(join(folder, 'sound'), complete, { recursive: true, preserveTimestamps: true });
    await succeed(pool5(...args(complete))); // times of the copies are new
    execFileSync('chmod', ['-R', 'a-w', complete]);
    const cache = await cacheFolder(complete);
    expect(await unprivileged(complete)).toEqual({
      code: 0,
      signal: null,
      stdout: `Nothing to compute: all features are in ${cache}.\n`,
      stderr: `fresh ${PICTURES} · new 0 · changed 0 · renamed 0 · missing 0 · rejected 0\n`,
    });
  });

  it('a picture and a folder that may not be read are set aside; --prune does not take them for deleted', async () => {
    const mixed = join(folder, 'mixed');
    await mkdir(join(mixed, 'locked'), { recursive: true });
    await drawPicture(join(mixed, 'open.jpg'), 1);
    await drawPicture(join(mixed, 'secret.jpg'), 2);
    await drawPicture(join(mixed, 'locked/inside.jpg'), 3);
    const features = join(folder, 'mixed features');
    const options = ['extract', '--images', mixed, '--features', features, '--json'];
    await succeed(pool5(...options));
    await chmod(join(mixed, 'secret.jpg'), 0);
    await chmod(join(mixed, 'locked'), 0);
    await writeFile(join(mixed, 'open.jpg'), '');
    await drawPicture(join(mixed, 'other.jpg'), 4);
    const command = root
      ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, CLI]
      : undefined;
    if (root) execFileSync('chown', ['-R', '65534:65534', features, mixed]);
    const { code, stdout, stderr } = await start([...options, '--rehash', '--prune'], command).ended;
    await chmod(join(mixed, 'locked'), 0o755);
    if (root) await chown(mixed, 0, 0);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const summary = JSON.parse(stdout);
    expect(summary.rejected).toEqual([
      { id: 'locked', reason: 'no permission to read it' },
      { id: 'secret.jpg', reason: 'no permission to read it' },
      { id: 'open.jpg', reason: 'empty file' },
    ]);
    expect(summary).toMatchObject({ computed: 1, tidied: { pruned: { images: 0, rows: 1 } } });
    expect((await inspect(features)).rows).toBe(3);
  });
});
