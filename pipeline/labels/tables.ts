import { tableFromIPC } from 'apache-arrow';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { extname } from 'node:path';
import { z } from 'zod';
import { errorMessage, InputError } from '../errors.js';
import { decodeUtf8, parseDelimited, type TextTable } from './delimited.js';
import { readNamedFile } from './read.js';

/** What a cell of any kind reads in a csv file. */
function cellText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value.trim();
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value instanceof Date) return value.toISOString();
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));
}

/** @param lines of the records in the file; their numbers where none are given */
function tableOf(file: string, records: readonly Record<string, unknown>[], lines: readonly number[]): TextTable {
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
  if (records.length === 0) throw new InputError({ expected: 'rows', found: 'none', where: file });
  const rows = records.map((record, index) => ({
    line: lines[index] ?? index + 1,
    columns: Object.fromEntries(columns.map((name) => [name, cellText(record[name])])),
  }));
  return { file, columns, rows, comments: [] };
}

const OBJECT = z.record(z.string(), z.unknown());

function parseJsonLines(file: string, text: string): TextTable {
  const records: Record<string, unknown>[] = [];
  const lines: number[] = [];
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
    if (line.trim() === '') continue;
    try {
      records.push(OBJECT.parse(JSON.parse(line)));
    } catch (cause) {
      const where = `${file}, line ${index + 1}`;
      throw new InputError({ expected: 'a JSON object', found: line.trim().slice(0, 60), where }, { cause });
    }
    lines.push(index + 1);
  }
  return tableOf(file, records, lines);
}

async function parseParquet(file: string, bytes: Buffer): Promise<TextTable> {
  const { buffer } = new Uint8Array(bytes);
  return tableOf(file, await parquetReadObjects({ file: buffer, compressors }), []);
}

function parseArrow(file: string, bytes: Buffer): TextTable {
  const table = tableFromIPC(bytes);
  const columns = table.schema.fields.map(({ name }, index) => ({ name, values: table.getChildAt(index) }));
  const records = Array.from({ length: table.numRows }, (_, row) =>
    Object.fromEntries(columns.map(({ name, values }): [string, unknown] => [name, values?.get(row)])),
  );
  return tableOf(file, records, []);
}

async function binary(file: string, what: string, parse: () => TextTable | Promise<TextTable>): Promise<TextTable> {
  try {
    return await parse();
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    const compressed = /codec not found/.test(errorMessage(cause));
    const found = compressed ? 'a compressed one' : errorMessage(cause);
    const fix = 'Write it with compression="uncompressed", or as parquet.';
    throw new InputError({ expected: what, found, where: file, ...(compressed ? { fix } : {}) }, { cause });
  }
}

/**
 * Reads a user's own table, whatever it is in: csv, tsv, jsonl, parquet, arrow (IPC file or stream, feather 2; not
 * compressed).
 * @throws InputError for no such file, another kind of file, a damaged or empty one
 */
export async function readTable(file: string): Promise<TextTable> {
  const bytes = await readNamedFile(file, 'a table');
  switch (extname(file).toLowerCase()) {
    case '.csv':
    case '.tsv':
    case '.txt':
      return parseDelimited(file, decodeUtf8(file, bytes));
    case '.jsonl':
    case '.ndjson':
      return parseJsonLines(file, decodeUtf8(file, bytes));
    case '.parquet':
    case '.pq':
      return binary(file, 'a parquet file', () => parseParquet(file, bytes));
    case '.arrow':
    case '.feather':
    case '.ipc':
      return binary(file, 'an Arrow file', () => parseArrow(file, bytes));
    default:
      throw new InputError({
        expected: 'a table in .csv, .tsv, .jsonl, .parquet or .arrow',
        found: extname(file) === '' ? 'no ending' : extname(file),
        where: file,
      });
  }
}
