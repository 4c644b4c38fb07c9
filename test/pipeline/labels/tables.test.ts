import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../pipeline/errors.js';
import { readTable } from '../../../pipeline/labels/tables.js';
import { PACKAGE_ROOT } from '../../../pipeline/package-root.js';

/** Written by pyarrow 26.0.1: photo, length_cm with a null, n (int64), seen (timestamp); stream.arrow with a dictionary. */
const golden = (name: string): string => join(PACKAGE_ROOT, 'test/golden/tables', name);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pool5-tables-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('readTable', () => {
  it.each(['snappy.parquet', 'zstd.parquet', 'plain.feather', 'stream.arrow'])('reads %s', async (name) => {
    const { rows, columns } = await readTable(golden(name));
    expect(columns.slice(0, 2)).toEqual(['photo', 'length_cm']);
    expect(rows.map((row) => [row.line, row.columns['photo'], row.columns['length_cm']])).toEqual([
      [1, 'cat/a.jpg', '40.5'],
      [2, 'b.jpg', ''],
      [3, 'c', '101'],
    ]);
  });

  it('keeps the numbers of 64-bit columns and the times of a parquet file', async () => {
    const { rows } = await readTable(golden('zstd.parquet'));
    expect(rows.map(({ columns }) => [columns['n'], columns['seen']])).toEqual([
      ['1', '1970-01-01T00:00:00.000Z'],
      ['2', '1970-01-01T00:00:00.001Z'],
      ['3', '1970-01-01T00:00:00.002Z'],
    ]);
  });

  it('reads jsonl, with the lines of the file', async () => {
    const file = join(folder, 'a.jsonl');
    await writeFile(file, '{"photo":"a.jpg","length":40.5}\n\n{"photo":"b.jpg","length":null,"tags":["x"]}\n');
    expect(await readTable(file)).toEqual({
      file,
      columns: ['photo', 'length', 'tags'],
      rows: [
        { line: 1, columns: { photo: 'a.jpg', length: '40.5', tags: '' } },
        { line: 3, columns: { photo: 'b.jpg', length: '', tags: '["x"]' } },
      ],
      comments: [],
    });
  });

  it.each<[string, string, string]>([
    ['a.xlsx', 'PK', 'Expected a table in .csv, .tsv, .jsonl, .parquet or .arrow, got .xlsx (FILE).'],
    ['table', 'x', 'Expected a table in .csv, .tsv, .jsonl, .parquet or .arrow, got no ending (FILE).'],
    ['a.jsonl', '{"a":1}\n[1]\n', 'Expected a JSON object, got [1] (FILE, line 2).'],
    ['b.jsonl', '\n', 'Expected rows, got none (FILE).'],
    ['a.parquet', 'not one at all', 'Expected a parquet file, got parquet file invalid (footer != PAR1) (FILE).'],
  ])('refuses %s', async (name, content, message) => {
    const file = join(folder, name);
    await writeFile(file, content);
    await expect(readTable(file)).rejects.toThrow(new InputError(message.replace('FILE', file)));
  });

  it('says what to do about a compressed Arrow file', async () => {
    const file = golden('lz4.feather');
    await expect(readTable(file)).rejects.toThrow(
      new InputError(
        `Expected an Arrow file, got a compressed one (${file}). Write it with compression="uncompressed", or as parquet.`,
      ),
    );
  });
});
