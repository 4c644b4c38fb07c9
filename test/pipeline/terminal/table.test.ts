import { expect, it } from 'vitest';
import { table } from '../../../pipeline/terminal/table.js';

it('aligns columns, numbers to the right, without trailing blanks', () => {
  const rows = [
    ['tiger', '9.5', 'far'],
    ['cat', '10.25', ''],
  ];
  expect(table(rows, { head: ['species', 'cm', 'note'], right: [1] })).toBe(
    ['species     cm  note', 'tiger      9.5  far', 'cat      10.25'].join('\n'),
  );
});

it('wraps the last column so that no line exceeds the width', () => {
  const text = table([['name', 'one two three four five six seven eight nine ten']], { width: 30 });
  expect(text.split('\n')).toEqual(['name  one two three four five', '      six seven eight nine ten']);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(30);
});

it('has no colours and no lines', () => {
  expect(table([['a', 'b']], { head: ['x', 'y'] })).toBe('x  y\na  b');
  expect(table([])).toBe('');
});
