import { targetColumn, idColumn } from './columns.js';
import { DECIMAL, isNumeric, type TextTable } from './delimited.js';
import { accountOf, counted, listed, matchRows } from './match.js';
import { normaliseId } from './read.js';

export interface Check {
  /** The column of numbers. */
  readonly target: string;
  /** What keeps the file from being trained on: a line each. */
  readonly errors: readonly string[];
  /** What may be meant so. */
  readonly notes: readonly string[];
  /** The rows that are in order. */
  readonly rows: readonly { readonly id: string; readonly target: number }[];
}

/**
 * Looks for everything that is wrong with a table of labels, where readLabels stops at the first.
 * @param images ids of the photographs
 * @throws InputError where the columns themselves cannot be told
 */
export function checkLabels(
  table: TextTable,
  images: readonly string[],
  options: { id?: string; target?: string } = {},
): Check {
  const id = idColumn(table, options.id);
  const target = targetColumn(table, id, options.target);
  const errors: string[] = [];
  const notes: string[] = [];
  const cells = table.rows.map(({ line, columns }) => ({
    line,
    id: normaliseId(columns[id] ?? ''),
    text: columns[target] ?? '',
  }));

  const bad = cells.filter(({ text }) => !isNumeric(text));
  if (bad.length > 0) {
    const words = listed(bad, ({ line, text }) => `line ${line}: ${describe(text)}`);
    errors.push(`${counted(bad.length, 'row', 'rows')} without a number in ${target}: ${words}`);
  }
  const nameless = cells.filter((cell) => cell.id === '');
  if (nameless.length > 0) {
    errors.push(
      `${counted(nameless.length, 'row', 'rows')} without an image in ${id}: ${listed(nameless, ({ line }) => `line ${line}`)}`,
    );
  }
  const lines = new Map<string, number[]>();
  for (const cell of cells) if (cell.id !== '') lines.set(cell.id, [...(lines.get(cell.id) ?? []), cell.line]);
  const repeated = [...lines].filter(([, at]) => at.length > 1);
  if (repeated.length > 0) {
    const words = listed(repeated, ([name, at]) => `${name} (lines ${at.join(', ')})`);
    errors.push(`${counted(repeated.length, 'image has', 'images have')} several rows: ${words}`);
  }

  // Each image once: what is repeated was told above.
  const once = { ...table, rows: table.rows.filter(({ line, columns }) => firstLine(lines, columns[id]) === line) };
  const matches = matchRows(once, id, images);
  const exact = { ...matches, matches: matches.matches.filter(({ by }) => by === 'path') };
  const byName = matches.matches.filter(({ by }) => by !== 'path');
  if (byName.length > 0) {
    const words = listed(byName, ({ image, row }) => `${row.columns[id]} (line ${row.line}: ${image})`);
    const fix = `pool5 label --from ${table.file} joins them`;
    errors.push(
      `${counted(byName.length, 'row names its image', 'rows name their images')} otherwise than by the path below the folder: ${words}; ${fix}`,
    );
  }
  if (exact.matches.length < 2) errors.push(`fewer than 2 images have a label`);
  notes.push(...accountOf({ ...exact }));

  const rows = cells.filter((cell) => isNumeric(cell.text)).map((cell) => ({ id: cell.id, target: Number(cell.text) }));
  if (rows.length > 1 && new Set(rows.map((row) => row.target)).size === 1) {
    notes.push(`all labels are ${rows[0]?.target}: there is nothing to learn`);
  }
  return { target, errors, notes, rows };
}

function firstLine(lines: ReadonlyMap<string, number[]>, text: string | undefined): number | undefined {
  return lines.get(normaliseId(text ?? ''))?.[0];
}

function describe(text: string): string {
  if (text === '') return 'empty';
  if (/^[+-]?\d+,\d+$/.test(text)) return `"${text}" (decimals need a point)`;
  return DECIMAL.test(text) ? `"${text}" (not finite)` : `"${text}"`;
}
