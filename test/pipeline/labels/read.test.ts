import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../pipeline/errors.js';
import { readLabels } from '../../../pipeline/labels/read.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pool5-labels-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(content: string | Uint8Array, name = 'labels.csv'): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
}

describe('readLabels', () => {
  it('reads image and length_cm, with the unit from the name', async () => {
    const file = await fileOf('image,length_cm,kind\ntiger/a.jpg,101.5,tiger\nkittycat/b.jpg,40,cat\n');
    expect(await readLabels(file)).toEqual({
      file,
      target: 'length_cm',
      unit: 'cm',
      comments: [],
      rows: [
        {
          id: 'tiger/a.jpg',
          target: 101.5,
          line: 2,
          columns: { image: 'tiger/a.jpg', length_cm: '101.5', kind: 'tiger' },
        },
        {
          id: 'kittycat/b.jpg',
          target: 40,
          line: 3,
          columns: { image: 'kittycat/b.jpg', length_cm: '40', kind: 'cat' },
        },
      ],
    });
  });

  it.each([
    ['a byte order mark', '\uFEFFimage,length\na.jpg,1\nb.jpg,2\n'],
    ['Windows line ends', 'image,length\r\na.jpg,1\r\nb.jpg,2\r\n'],
    ['old Mac line ends', 'image,length\ra.jpg,1\rb.jpg,2\r'],
    ['stray spaces and blank lines', '\n image , length \n\n a.jpg , 1 \n\n b.jpg,2\n\n'],
    ['semicolons', 'image;length\na.jpg;1\nb.jpg;2\n'],
    ['quotes', '"image","length"\n"a.jpg","1"\n"b.jpg","2"\n'],
    ['backslashes and ./', 'image,length\n.\\a.jpg,1\n./b.jpg,2\n'],
  ])('reads %s', async (_, content) => {
    const { rows } = await readLabels(await fileOf(content));
    expect(rows.map(({ id, target }) => [id, target])).toEqual([
      ['a.jpg', 1],
      ['b.jpg', 2],
    ]);
  });

  it('reads tabs, keeps commas and # in ids, turns \\ into /', async () => {
    const { rows, unit } = await readLabels(await fileOf('id\tprice (EUR)\na,#1\\x.jpg\t-1e2\n#b.jpg\t.5\n', 'l.tsv'));
    expect(unit).toBe('EUR');
    expect(rows.map(({ id, target }) => [id, target])).toEqual([
      ['a,#1/x.jpg', -100],
      ['#b.jpg', 0.5],
    ]);
  });

  it('keeps the comments above the header, takes the unit from them, counts lines through them', async () => {
    const file = await fileOf('# rule: tiger: normal(100,30) min 20\n# unit: inch\nimage,length\n\na.jpg,1\nb.jpg,x\n');
    await expect(readLabels(file)).rejects.toThrow(
      new InputError(`Expected a number, got "x" (${file}, line 6, column length).`),
    );
    const good = await readLabels(await fileOf('# rule: a "b\n# unit: inch\nimage,length\na.jpg,1\n'));
    expect(good.comments).toEqual(['rule: a "b', 'unit: inch']);
    expect(good.unit).toBe('inch');
  });

  it('picks the familiar column, else the only numeric one; names are taken as given', async () => {
    const familiar = await fileOf('photo,when,length_mm\na.jpg,2020,5\nb.jpg,2021,6\n');
    expect(await readLabels(familiar)).toMatchObject({ target: 'length_mm', unit: 'mm' });
    expect(await readLabels(familiar, { target: 'when' })).toMatchObject({ target: 'when', unit: '' });
    expect(await readLabels(familiar, { id: 'when' })).toMatchObject({ rows: [{ id: '2020' }, { id: '2021' }] });
    const numeric = await fileOf('who,kind,stripes\na.jpg,cat,5\nb.jpg,dog,6\n');
    expect(await readLabels(numeric)).toMatchObject({ target: 'stripes', rows: [{ id: 'a.jpg' }, { id: 'b.jpg' }] });
  });

  it.each<[string, string | Uint8Array, string, { id?: string; target?: string }?]>([
    ['an empty file', '', 'Expected a header and rows, got an empty file (FILE).'],
    ['blank lines only', '\n\n', 'Expected a header and rows, got an empty file (FILE).'],
    ['a header only', 'image,length\n', 'Expected rows below the header, got none (FILE).'],
    [
      'no header',
      'a.jpg,30\nb.jpg,40\n',
      'Expected a header in the first row, got data ("a.jpg") (FILE). Add a line on top that names the columns, e.g. image,length_cm.',
    ],
    [
      'a decimal comma',
      'image;length\na.jpg;1,5\n',
      'Expected a number, got "1,5" (FILE, line 2, column length). Write decimals with a point.',
    ],
    ['an empty cell', 'image,length\na.jpg,\n', 'Expected a number, got an empty cell (FILE, line 2, column length).'],
    ['NaN', 'image,length\na.jpg,NaN\n', 'Expected a finite number, got "NaN" (FILE, line 2, column length).'],
    ['-inf', 'image,length\na.jpg,-inf\n', 'Expected a finite number, got "-inf" (FILE, line 2, column length).'],
    ['1e999', 'image,length\na.jpg,1e999\n', 'Expected a finite number, got "1e999" (FILE, line 2, column length).'],
    ['hexadecimal', 'image,length\na.jpg,0x10\n', 'Expected a number, got "0x10" (FILE, line 2, column length).'],
    ['an empty id', 'image,length\n,1\n', 'Expected an image id, got an empty cell (FILE, line 2, column image).'],
    [
      'an id twice',
      'image,length\nx/a.jpg,1\nb.jpg,2\nx\\a.jpg,3\n',
      'Expected one row for each image, got "x/a.jpg" in lines 2 and 4 (FILE). Keep one of them.',
    ],
    [
      'a column twice',
      'image,length,length\na.jpg,1,2\n',
      'Expected a name of its own for each column, got "length" twice (FILE).',
    ],
    [
      'a short row',
      'image,length\na.jpg\n',
      'Expected a table with equal rows and closed quotes, got Invalid Record Length: expect 2, got 1 on line 2 (FILE).',
    ],
    [
      'two columns that could be meant',
      'image,length_cm,weight_kg\na.jpg,1,2\n',
      'Expected one column of numbers besides the ids, got length_cm, weight_kg (FILE). Name the one to learn with --target.',
    ],
    [
      'no column of numbers',
      'image,kind,colour\na.jpg,cat,red\n',
      'Expected one column of numbers besides the ids, got none in kind, colour (FILE). Name the one to learn with --target.',
    ],
    [
      'a misspelt column',
      'image,length_cm\na.jpg,1\n',
      'Expected a column named "lenght_cm", got the columns image, length_cm (FILE). Did you mean --target length_cm?',
      { target: 'lenght_cm' },
    ],
    [
      'an unknown id column',
      'image,length_cm\na.jpg,1\n',
      'Expected a column named "zzzzzz", got the columns image, length_cm (FILE). Name one with --id.',
      { id: 'zzzzzz' },
    ],
    [
      'Latin-1',
      Uint8Array.of(0x69, 0x64, 0x2c, 0x78, 0x0a, 0xe9, 0x2c, 0x31, 0x0a),
      'Expected UTF-8 text, got other bytes (FILE). Save the table as CSV in UTF-8.',
    ],
  ])('refuses %s', async (_, content, message, options) => {
    const file = await fileOf(content);
    await expect(readLabels(file, options)).rejects.toThrow(new InputError(message.replace('FILE', file)));
  });

  it('refuses a missing file and a folder', async () => {
    const file = join(folder, 'absent.csv');
    await expect(readLabels(file)).rejects.toThrow(
      new InputError(`Expected a file of labels, got no such file (${file}).`),
    );
    await expect(readLabels(folder)).rejects.toThrow(
      new InputError(`Expected a file of labels, got a folder (${folder}).`),
    );
  });
});
