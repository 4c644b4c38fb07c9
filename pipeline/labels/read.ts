import { readFile } from 'node:fs/promises';
import { errorCode, InputError, WorldError } from '../errors.js';
import { idColumn, targetColumn, unitOf } from './columns.js';
import { DECIMAL, decodeUtf8, isNumeric, parseDelimited, type TextTable } from './delimited.js';

interface Label {
  /** Path of the photograph below its folder, with /. */
  readonly id: string;
  /** Finite, in the table's unit. */
  readonly target: number;
  /** Of the file, from 1. */
  readonly line: number;
  /** All cells of the row, by column, as text. */
  readonly columns: Readonly<Record<string, string>>;
}

/** A file of labels that is in order. */
export interface LabelTable {
  readonly file: string;
  /** The column that the targets were read from. */
  readonly target: string;
  /** Of the targets, e.g. cm; '' where neither the file's `# unit:` line nor the column's name tells it. */
  readonly unit: string;
  /** The lines above the header that begin with #, without it; `pool5 label` keeps its rules there. */
  readonly comments: readonly string[];
  readonly rows: readonly Label[];
}

/** Image ids have / on every system and no leading ./ . */
export function normaliseId(text: string): string {
  return text.replaceAll('\\', '/').replace(/^(\.\/+)+/, '');
}

const INFINITE = /^[+-]?(inf(inity)?|nan)$/i;

/** A cell as a target. @throws InputError where it is not a finite number */
export function targetOf(table: TextTable, column: string, text: string, line: number): number {
  if (isNumeric(text)) return Number(text);
  throw new InputError({
    expected: INFINITE.test(text) || DECIMAL.test(text) ? 'a finite number' : 'a number',
    found: text === '' ? 'an empty cell' : `"${text}"`,
    where: `${table.file}, line ${line}, column ${column}`,
    ...(/^[+-]?\d+,\d+$/.test(text) ? { fix: 'Write decimals with a point.' } : {}),
  });
}

/** Columns of a table of labels by name; `targetOption` is the option that names the target's, for messages. */
export interface LabelColumns {
  readonly id?: string;
  readonly target?: string;
  readonly targetOption?: string;
}

/** Checks each row of a table and takes ids and targets out of it. @throws InputError as readLabels does */
function labelsOf(table: TextTable, options: LabelColumns = {}): LabelTable {
  const id = idColumn(table, options.id);
  const target = targetColumn(table, id, options.target, options.targetOption);
  const lines = new Map<string, number>();
  const rows = table.rows.map(({ line, columns }): Label => {
    const image = normaliseId(columns[id] ?? '');
    if (image === '') {
      const where = `${table.file}, line ${line}, column ${id}`;
      throw new InputError({ expected: 'an image id', found: 'an empty cell', where });
    }
    const before = lines.get(image);
    if (before !== undefined) {
      throw new InputError({
        expected: 'one row for each image',
        found: `"${image}" in lines ${before} and ${line}`,
        where: table.file,
        fix: 'Keep one of them.',
      });
    }
    lines.set(image, line);
    return { id: image, target: targetOf(table, target, columns[target] ?? '', line), line, columns };
  });
  const stated = table.comments
    .find((comment) => comment.startsWith('unit:'))
    ?.slice('unit:'.length)
    .trim();
  return { file: table.file, target, unit: stated ?? unitOf(target), comments: table.comments, rows };
}

/** The bytes of a file that a user named. @throws InputError where there is none */
export async function readNamedFile(file: string, what: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const code = errorCode(cause);
    if (code === 'ENOENT') throw new InputError({ expected: what, found: 'no such file', where: file }, { cause });
    if (code === 'EISDIR') throw new InputError({ expected: what, found: 'a folder', where: file }, { cause });
    throw new WorldError({ expected: `to read ${what}`, found: code ?? 'an error', where: file }, { cause });
  }
}

/**
 * Reads a table of labels: csv or tsv in UTF-8 with a header, lines that begin with # above it.
 * @param options the columns' names; by default the id is in `image`, else `id`, `file`, ..., else the first column,
 *   and the target in the only other column, the only familiar one (`length_cm`, `price`, ...) or the only numeric one
 * @throws InputError for no or an empty file, no header, a missing or ambiguous column, a target that is not a finite
 *   number, an empty or repeated id
 */
export async function readLabels(file: string, options: LabelColumns = {}): Promise<LabelTable> {
  return labelsOf(parseDelimited(file, decodeUtf8(file, await readNamedFile(file, 'a file of labels'))), options);
}
