import { describe, expect, it } from 'vitest';
import { InputError } from '../../../pipeline/errors.js';
import { joinLabels, unknownMessage } from '../../../pipeline/labels/join.js';
import type { LabelTable } from '../../../pipeline/labels/read.js';

function table(...ids: string[]): LabelTable {
  const rows = ids.map((id, index) => ({ id, target: index, line: index + 2, columns: { image: id } }));
  return { file: 'labels.csv', target: 'length', unit: '', comments: [], rows };
}

describe('joinLabels', () => {
  it('joins by id, in the order of the table, and counts the rest', () => {
    const images = new Map([
      ['c.jpg', 'C'],
      ['a.jpg', 'A'],
      ['b.jpg', 'B'],
    ]);
    const labels = table('a.jpg', 'c.jpg', 'a.jpeg');
    const joined = joinLabels(labels, images);
    expect(joined).toEqual({
      labelled: [
        { id: 'a.jpg', digest: 'A', target: 0, columns: { image: 'a.jpg' } },
        { id: 'c.jpg', digest: 'C', target: 1, columns: { image: 'c.jpg' } },
      ],
      unlabelled: 1,
      unknown: ['a.jpeg'],
    });
    expect(unknownMessage(joined, labels, images)).toBe('1 label has no image (labels.csv): a.jpeg (a.jpg?)');
    expect(unknownMessage({ ...joined, unknown: [] }, labels, images)).toBeUndefined();
  });

  it('joins accents however they are composed, under the id of the image', () => {
    const images = new Map([
      ['e\u0301.jpg', 'E'],
      ['b.jpg', 'B'],
    ]);
    expect(joinLabels(table('\u00e9.jpg', 'b.jpg'), images).labelled[0]?.id).toBe('e\u0301.jpg');
  });

  it('names three of many labels without an image', () => {
    const images = new Map([
      ['tiger/1.jpg', 'A'],
      ['tiger/2.jpg', 'B'],
    ]);
    const labels = table('tiger/1.jpg', 'tiger/2.jpg', 'Tiger/1.jpg', 'something else', 'p', 'q');
    expect(unknownMessage(joinLabels(labels, images), labels, images)).toBe(
      '4 labels have no image (labels.csv): Tiger/1.jpg (tiger/1.jpg?), something else, p, ...',
    );
  });

  it('refuses fewer than two labelled images', () => {
    const images = new Map([['a.png', 'A']]);
    expect(() => joinLabels(table('a.jpg', 'b.jpg'), images)).toThrow(
      new InputError(
        'Expected at least 2 images with a label, got none of 1 (labels.csv). Without an image: a.jpg (a.png?), b.jpg.',
      ),
    );
    expect(() => joinLabels(table('a.png'), images)).toThrow(
      new InputError('Expected at least 2 images with a label, got only 1 of 1 (labels.csv). Add labels.'),
    );
  });
});
