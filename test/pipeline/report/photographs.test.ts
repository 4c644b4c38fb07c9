import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { currentFolder, openCache } from '../../../pipeline/features/cache.js';
import { readFolders, recordFolder } from '../../../pipeline/features/folders.js';
import { missingNotes, photographsIn, photographsOf } from '../../../pipeline/report/photographs.js';
import { newFolder } from '../../stages/command-line.js';
import { randomFeatures, writeCache } from '../head/memory-cache.js';

let root: string;
let features: string;
let folder: string;
const IDS = ['0.jpg', '1.jpg', '2.jpg'] as const;

/** A photograph whose bytes are its id: the made-up cache takes the id's sha256 for the photograph's. */
async function photographs(name: string, ids: readonly string[]): Promise<string> {
  const path = join(root, name);
  await mkdir(path);
  for (const id of ids) await writeFile(join(path, id), id);
  return path;
}

beforeEach(async () => {
  root = await newFolder();
  features = await writeCache(randomFeatures(3));
  folder = (await currentFolder(features)) ?? '';
});
afterEach(() => Promise.all([root, features].map((path) => rm(path, { recursive: true }))));

const note = (reason: string): string[] => [
  `This page shows no photographs: ${reason}. Name their folder with --images.`,
];

it('remembers the folders, the last one first, each once and no more than eight', async () => {
  expect(await readFolders(folder)).toEqual([]);
  const [one, two] = [await photographs('one', []), await photographs('two', [])];
  for (const path of [one, two, one]) await recordFolder(folder, path);
  expect(await readFolders(folder)).toEqual([one, two]);
  for (let i = 0; i < 9; i++) await recordFolder(folder, join(root, String(i)));
  expect(await readFolders(folder)).toEqual(Array.from({ length: 8 }, (_, i) => join(root, String(8 - i))));
});

it('takes a damaged record for none, and writes it anew', async () => {
  await writeFile(join(folder, 'folders.json'), '["/x');
  expect(await readFolders(folder)).toEqual([]);
  await recordFolder(folder, root);
  expect(await readFolders(folder)).toEqual([root]);
});

it('finds each photograph in the last folder that has it unchanged', async () => {
  const older = await photographs('older', IDS);
  const newer = await photographs('newer', ['0.jpg']);
  await writeFile(join(newer, '1.jpg'), 'another photograph of that name');
  for (const path of [older, newer]) await recordFolder(folder, path);
  await writeFile(join(older, '2.jpg'), 'changed since');
  const found = await photographsOf(await openCache(features), [...IDS, 'unknown.jpg']);
  expect(found.files).toEqual([join(newer, '0.jpg'), join(older, '1.jpg'), undefined, undefined]);
  expect(missingNotes(found, ['a', 'b', undefined, undefined])).toEqual([
    `2 of 4 photographs could not be read from ${newer} or ${older}.`,
  ]);
});

it('says why it knows no folder', async () => {
  const reasonOf = async (): Promise<string[]> =>
    missingNotes(await photographsOf(await openCache(features), IDS), [undefined, undefined, undefined]);
  expect(await reasonOf()).toEqual(note('no folder was recorded when their features were computed'));
  await recordFolder(folder, join(root, 'gone'));
  expect(await reasonOf()).toEqual(note(`${join(root, 'gone')} is gone`));
  expect(missingNotes(await photographsOf(undefined, IDS), [])).toEqual(
    note('the cache that says where they are is gone'),
  );
});

it('takes a named folder as it is', async () => {
  const named = await photographs('named', IDS);
  const { files } = await photographsIn(named, ['0.jpg', 'absent.jpg']);
  expect(files).toEqual([join(named, '0.jpg'), join(named, 'absent.jpg')]);
  await expect(photographsIn(join(named, '0.jpg'), IDS)).rejects.toThrow(
    `Expected a folder of photographs, got none (${join(named, '0.jpg')}). Name it with --images.`,
  );
});
