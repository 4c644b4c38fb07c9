import { parse } from 'csv-parse/sync';
import { errorCode, errorMessage, InputError } from '../errors.js';

/** A table as text: cells trimmed, each row with every column. */
export interface TextTable {
  readonly file: string;
  readonly columns: readonly string[];
  /** `line` is 1 for the first line of the file. */
  readonly rows: readonly { readonly line: number; readonly columns: Readonly<Record<string, string>> }[];
  /** The lines before the header that begin with #, without it. */
  readonly comments: readonly string[];
}

const DELIMITERS = [',', '\t', ';'] as const;

/** Spreadsheets of some countries write ; into .csv: the header decides, as it holds no decimal commas. */
function delimiterOf(header: string): string {
  const count = (delimiter: string): number => header.split(delimiter).length;
  return DELIMITERS.reduce((best, each) => (count(each) > count(best) ? each : best));
}

/** Decimal notation, a point before the decimals. */
export const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Whether text is a finite number in decimal notation. */
export function isNumeric(text: string): boolean {
  return DECIMAL.test(text) && Number.isFinite(Number(text));
}

/** Cells that no column is named after: a first row with one of them is data. */
function looksLikeData(cell: string): boolean {
  return isNumeric(cell) || /\.(jpe?g|png|webp|avif|tiff?|gif)$/i.test(cell);
}

/** @throws InputError for other bytes than UTF-8; a byte order mark is dropped */
export function decodeUtf8(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InputError(
      { expected: 'UTF-8 text', found: 'other bytes', where: file, fix: 'Save the table as CSV in UTF-8.' },
      { cause },
    );
  }
}

function parseRecords(file: string, text: string, delimiter: string): { record: string[]; line: number }[] {
  try {
    // csv-parse's own option for the header line would lose the second of two columns with one name.
    const parsed: unknown[] = parse(text, {
      delimiter,
      info: true,
      skip_empty_lines: true,
      trim: true,
      record_delimiter: ['\r\n', '\n', '\r'],
    });
    return parsed.map((entry) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what csv-parse documents for `info`
      const { record, info } = entry as { record: string[]; info: { lines: number } };
      return { record, line: info.lines };
    });
  } catch (cause) {
    if (errorCode(cause)?.match(/^(CSV|INVALID)_/) === null) throw cause;
    throw new InputError(
      { expected: 'a table with equal rows and closed quotes', found: errorMessage(cause), where: file },
      { cause },
    );
  }
}

/**
 * Reads comma-, tab- or semicolon-separated text with a header row: any line ends, comment lines (#) before the
 * header.
 * @throws InputError for an empty file, a missing header, two columns with one name, and rows of unequal length
 */
export function parseDelimited(file: string, text: string): TextTable {
  const lines = text.split(/(?<=\n|\r(?!\n))/);
  const comments: string[] = [];
  let start = 0;
  for (; start < lines.length; start++) {
    const line = lines[start]?.trim() ?? '';
    if (line.startsWith('#')) comments.push(line.slice(1).trim());
    else if (line !== '') break;
  }
  const header = lines[start];
  if (header === undefined) {
    throw new InputError({ expected: 'a header and rows', found: 'an empty file', where: file });
  }
  // Blank lines in place of the comments keep the line numbers true.
  const table = '\n'.repeat(start) + lines.slice(start).join('');
  const [head, ...records] = parseRecords(file, table, delimiterOf(header));
  const columns = head?.record ?? [];
  const datum = columns.find(looksLikeData);
  if (datum !== undefined) {
    throw new InputError({
      expected: 'a header in the first row',
      found: `data ("${datum}")`,
      where: file,
      fix: 'Add a line on top that names the columns, e.g. image,length_cm.',
    });
  }
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new InputError({ expected: 'a name of its own for each column', found: `"${twice}" twice`, where: file });
  }
  if (records.length === 0) {
    throw new InputError({ expected: 'rows below the header', found: 'none', where: file });
  }
  const rows = records.map(({ record, line }) => ({
    line,
    columns: Object.fromEntries(columns.map((name, index) => [name, record[index] ?? ''])),
  }));
  return { file, columns, rows, comments };
}
