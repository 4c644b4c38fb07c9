import { appendFile, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { newFolder } from '../../stages/command-line.js';
import { isUnchanged, readIndex, writeIndex, type IndexedImage } from '../../../pipeline/features/image-index.js';

let folder: string;
beforeAll(async () => {
  folder = await newFolder();
});
afterAll(() => rm(folder, { recursive: true }));

const SECOND = 1_000_000_000n;
const known: IndexedImage = {
  id: 'p.jpg',
  digest: 'a'.repeat(64),
  size: 100,
  mtime: String(50n * SECOND),
  ctime: String(60n * SECOND),
  seen: String(100n * SECOND),
};
const file = { size: 100, mtimeNs: 50n * SECOND, ctimeNs: 60n * SECOND };
const at = (time: bigint): [IndexedImage, typeof file] => [
  { ...known, mtime: String(time), ctime: String(time) },
  { ...file, mtimeNs: time, ctimeNs: time },
];

describe('a file that is not read again', () => {
  it('has the size and both times that were seen', () => {
    expect(isUnchanged(known, file)).toBe(true);
    expect(isUnchanged(known, { ...file, size: 101 })).toBe(false);
    expect(isUnchanged(known, { ...file, mtimeNs: 50n * SECOND + 1n })).toBe(false);
    expect(isUnchanged(known, { ...file, ctimeNs: 60n * SECOND + 1n })).toBe(false);
  });

  it('changed more than two seconds before it was seen (racily clean otherwise)', () => {
    expect(isUnchanged(...at(98n * SECOND - 1n))).toBe(true);
    expect(isUnchanged(...at(98n * SECOND))).toBe(false);
    expect(isUnchanged(...at(100n * SECOND))).toBe(false);
    expect(isUnchanged(...at(2000n * SECOND))).toBe(false);
  });
});

const lineSchema = z.tuple([z.object({ id: z.string() }), z.string()]);
const indexFile = (): string => join(folder, 'images.jsonl');

describe('the index on disk', () => {
  it('is written and read by parts: lines and letters that lie across the borders of parts stay whole', async () => {
    // Names of 1, 2, 3 and 4 bytes a letter, and what other readers of lines take for a line's end.
    const names = ['a', 'ü', '日本', '🐯', 'x\u2028y', 'x\u2029y', 'x\u0085y', 'x\ry', 'x\ny'];
    const ids = Array.from({ length: 4500 }, (_, i) => `${names[i % names.length]} ${i}.jpg`);
    const index = new Map(ids.map((id) => [id, { ...known, id }]));
    await writeIndex(folder, index);
    expect(await readIndex(folder)).toEqual(index);
    const bytes = await readFile(indexFile());
    const borders = Array.from({ length: Math.floor(bytes.length / 65_536) }, (_, i) => bytes[(i + 1) * 65_536] ?? 0);
    expect(borders.length).toBeGreaterThan(10);
    const lines = bytes.toString().split('\n');
    expect(lines).toHaveLength(4501);
    const sorted = lines.slice(0, -1).map((line) => lineSchema.parse(JSON.parse(line))[0].id);
    expect(sorted).toEqual(ids.toSorted());
  });

  it('cuts letters at every border of parts', async () => {
    const id = '🐯'.repeat(50_000);
    const index = new Map(['', 'a', 'ab', 'abc'].map((start) => [start + id, { ...known, id: start + id }]));
    await writeIndex(folder, index);
    expect(await readIndex(folder)).toEqual(index);
  });

  it('may be longer than a string can be, and be damaged so that it is one line', async () => {
    await writeIndex(folder, new Map([[known.id, known]]));
    const line = await readFile(indexFile());
    await writeFile(indexFile(), '');
    await truncate(indexFile(), 2 ** 29); // sparse: it takes no space
    await appendFile(indexFile(), '\n');
    await appendFile(indexFile(), line);
    expect([...(await readIndex(folder)).values()]).toEqual([known]);
  });

  it('is empty where there is none', async () => {
    await rm(indexFile());
    expect(await readIndex(folder)).toEqual(new Map());
  });
});
