import { readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeAbandoned, writeAtomically } from '../../../pipeline/files/atomic.js';
import { newFolder } from '../../stages/command-line.js';

let folder: string;
beforeAll(async () => {
  folder = await newFolder();
});
afterAll(() => rm(folder, { recursive: true }));

it('removes what dead processes of this machine left, whatever their UUIDs look like, and nobody else', async () => {
  const host = hostname().replaceAll(/[^\w-]/g, '_');
  const dead = 2 ** 30;
  const digits = '12345678-1234-4321-8765-123456789012';
  const gone = [
    `.tmp-${host}-${dead}-a4f673c7-f798-4438-b783-642d368d0a8d`,
    `.tmp-${host}-${dead}-abcdefab-abcd-4abc-babc-abcdefabcdef`,
    `.tmp-${host}-${dead}-${digits}`,
  ];
  const old = `.tmp-${host}-1-another-${process.pid}-${digits}`;
  const stay = [
    `.tmp-${host}-${process.pid}-${digits}`,
    `.tmp-${host}-2-${dead}-${digits}`,
    `.tmp-another-1-${dead}-${digits}`,
    'x.arrow',
  ];
  const predecessor = `.tmp-${host}-${process.pid}-abcdefab-abcd-4abc-babc-abcdefabcdef`; // of a container, with its names
  for (const name of [...gone, ...stay, old, predecessor]) await writeFile(join(folder, name), '');
  await utimes(join(folder, predecessor), new Date(), new Date(Date.now() - process.uptime() * 1000 - 16_000));
  await utimes(join(folder, old), new Date(), new Date(Date.now() - 601_000));
  await removeAbandoned(folder);
  expect((await readdir(folder)).toSorted()).toEqual(stay.toSorted());
});

it('leaves nothing behind where it cannot write', async () => {
  const before = await readdir(folder);
  const target = join(folder, 'a folder');
  await writeAtomically(join(target, 'x'), 'x');
  await expect(writeAtomically(target, 'y')).rejects.toThrow(`Cannot write ${target}: EISDIR`);
  expect((await readdir(folder)).filter((name) => !before.includes(name))).toEqual(['a folder']);
});

it('writes parts as they come, under another name until the last one', async () => {
  const target = join(folder, 'parts');
  const seen: string[] = [];
  async function* parts(): AsyncGenerator<string> {
    for (const part of ['one\n', 'zw\u00f6lf\n', '']) {
      yield part;
      const name = (await readdir(folder)).find((each) => each.startsWith('.tmp-') && !earlier.has(each)) ?? '';
      seen.push(await readFile(join(folder, name), 'utf8'));
    }
  }
  const earlier = new Set(await readdir(folder));
  await writeAtomically(target, parts());
  expect(seen).toEqual(['one\n', 'one\nzwölf\n', 'one\nzwölf\n']);
  expect(await readFile(target, 'utf8')).toBe('one\nzwölf\n');
  await expect(
    writeAtomically(
      target,
      (async function* () {
        yield 'lost';
        throw new Error('no more');
      })(),
    ),
  ).rejects.toThrow(`Cannot write ${target}: no more.`);
  expect(await readFile(target, 'utf8')).toBe('one\nzwölf\n');
  expect((await readdir(folder)).filter((name) => !earlier.has(name))).toEqual(['parts']);
});
