import Table from 'cli-table3';

/** Lines for people are this wide at most, also where the terminal's width is unknown. */
const COLUMNS = 80;

export interface TableOptions {
  /** Above the columns. */
  readonly head?: readonly string[];
  /** Columns (from 0) that hold numbers: aligned to the right. */
  readonly right?: readonly number[];
  /** Widest line; the last column wraps where a row would exceed it. */
  readonly width?: number;
}

/** Rows with aligned columns, two spaces apart, without lines or colours: it reads the same in a log. */
export function table(rows: readonly (readonly string[])[], options: TableOptions = {}): string {
  const { head = [], right = [], width = Math.min(COLUMNS, process.stdout.columns ?? COLUMNS) } = options;
  const all = head.length === 0 ? rows : [head, ...rows];
  const count = Math.max(0, ...all.map((row) => row.length));
  const needed = Array.from({ length: count }, (_, column) =>
    Math.max(...all.map((row) => (row[column] ?? '').length)),
  );
  const gaps = 2 * (count - 1);
  const others = needed.slice(0, -1).reduce((sum, each) => sum + each, 0);
  const last = Math.min(needed.at(-1) ?? 0, Math.max(20, width - gaps - others));
  const lines = new Table({
    chars: {
      middle: '  ',
      ...Object.fromEntries(
        [
          'top',
          'top-mid',
          'top-left',
          'top-right',
          'bottom',
          'bottom-mid',
          'bottom-left',
          'bottom-right',
          'left',
          'left-mid',
          'mid',
          'mid-mid',
          'right',
          'right-mid',
        ].map((name) => [name, '']),
      ),
    },
    colAligns: needed.map((_, column) => (right.includes(column) ? 'right' : 'left')),
    colWidths: needed.map((each, column) => (column === count - 1 ? last : each)),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    wordWrap: true,
  });
  for (const row of all) lines.push([...row]);
  return lines
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
