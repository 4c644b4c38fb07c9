import { describe, expect, it } from 'vitest';
import { InputError } from '../../../pipeline/errors.js';
import { checkLabels } from '../../../pipeline/labels/check.js';
import { parseDelimited, type TextTable } from '../../../pipeline/labels/delimited.js';
import { accountOf, matchRows } from '../../../pipeline/labels/match.js';

const IMAGES = ['cat/a.jpg', 'cat/b.jpg', 'dog/b.jpg', 'dog/c.png', 'dog/d.jpg'];
const table = (...lines: string[]): TextTable => parseDelimited('sheet.csv', ['photo,length', ...lines].join('\n'));

describe('matchRows', () => {
  it('finds images by path, file name, or name without ending, and accounts for the rest', () => {
    const found = matchRows(table('cat\\a.jpg,1', 'c.png,2', 'd,3', 'b.jpg,4', 'cat/aa.jpg,5', 'x,6'), 'photo', IMAGES);
    expect(found.matches.map(({ image, by, row }) => [image, by, row.line])).toEqual([
      ['cat/a.jpg', 'path', 2],
      ['dog/c.png', 'file name', 3],
      ['dog/d.jpg', 'name without ending', 4],
    ]);
    expect(accountOf(found)).toEqual([
      '3 images matched (1 by path, 1 by file name, 1 by name without ending)',
      '2 rows mean no image: cat/aa.jpg (line 6; cat/a.jpg?), x (line 7)',
      '1 row could mean several images: b.jpg (line 5: cat/b.jpg or dog/b.jpg)',
      '2 images have no row: cat/b.jpg, dog/b.jpg',
    ]);
  });

  it('refuses two rows for one image', () => {
    expect(() => matchRows(table('dog/c.png,1', 'c,2'), 'photo', IMAGES)).toThrow(
      new InputError('Expected one row for each image, got two for dog/c.png (sheet.csv, lines 2 and 3).'),
    );
  });
});

describe('checkLabels', () => {
  it('finds nothing wrong with labels in order', () => {
    expect(checkLabels(table(...IMAGES.map((id, index) => `${id},${index}`)), IMAGES)).toMatchObject({
      target: 'length',
      errors: [],
      notes: ['5 images matched (5 by path)'],
    });
  });

  it('tells everything at once', () => {
    const lines = ['cat/a.jpg,1', 'cat/a.jpg,2', 'cat/b.jpg,', 'dog/b.jpg,"1,5"', 'dog/c.jpg,3', 'd.jpg,1e999', ',7'];
    const { errors, notes } = checkLabels(table(...lines), IMAGES);
    expect(errors).toEqual([
      '3 rows without a number in length: line 4: empty, line 5: "1,5" (decimals need a point), line 7: "1e999" (not finite)',
      '1 row without an image in photo: line 8',
      '1 image has several rows: cat/a.jpg (lines 2, 3)',
      '1 row names its image otherwise than by the path below the folder: d.jpg (line 7: dog/d.jpg); pool5 label --from sheet.csv joins them',
    ]);
    expect(notes).toEqual([
      '3 images matched (3 by path)',
      '1 row means no image: dog/c.jpg (line 6; dog/b.jpg?)',
      '1 image has no row: dog/c.png',
    ]);
  });

  it('notes labels that are all equal, and errs on too few', () => {
    expect(checkLabels(table('cat/a.jpg,7', 'x.jpg,7'), IMAGES)).toMatchObject({
      errors: ['fewer than 2 images have a label'],
      notes: [
        '1 image matched (1 by path)',
        '1 row means no image: x.jpg (line 3; cat/a.jpg?)',
        '4 images have no row: cat/b.jpg, dog/b.jpg, dog/c.png, dog/d.jpg',
        'all labels are 7: there is nothing to learn',
      ],
    });
  });
});
