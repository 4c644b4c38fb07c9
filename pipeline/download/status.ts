import { type FileHandle, open, readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';
import { errorCode, InputError } from '../errors.js';
import { writeAtomically } from '../files/atomic.js';

/** One address of one list, as status.csv has it. */
interface StatusRow {
  readonly list: string;
  readonly address: string;
  /** An Outcome. */
  readonly status: string;
  readonly detail: string;
  /** Path of the picture below the folder of all lists, with /; '' where none is kept. */
  readonly file: string;
  /** The address that answered, after redirects. */
  readonly final_address: string;
  /** Of the answer, decompressed; 0 where none came. */
  readonly bytes: number;
  /** Of those bytes (hex). */
  readonly sha256: string;
  /** In pixels, 0 where no picture came. */
  readonly width: number;
  readonly height: number;
  /** Requests made, redirects not counted. */
  readonly tries: number;
  /** From the first request's start to the verdict, waits between tries included. */
  readonly seconds: number;
}

const FIXED = [
  'list',
  'address',
  'status',
  'detail',
  'file',
  'final_address',
  'bytes',
  'sha256',
  'width',
  'height',
  'tries',
  'seconds',
] as const satisfies (keyof StatusRow)[];

const ROW = z.looseObject({
  list: z.string(),
  address: z.string(),
  status: z.string(),
  detail: z.string(),
  file: z.string(),
  final_address: z.string(),
  bytes: z.coerce.number(),
  sha256: z.string(),
  width: z.coerce.number(),
  height: z.coerce.number(),
  tries: z.coerce.number(),
  seconds: z.coerce.number(),
});

/** A row with the columns that its list carries along. */
export interface CarriedRow extends StatusRow {
  readonly carried: Readonly<Record<string, string>>;
}

export function keyOf({ list, address }: { list: string; address: string }): string {
  return `${list}\n${address}`;
}

/** A list's own column may be called like one of ours. */
const carriedName = (name: string): string => (FIXED.some((fixed) => fixed === name) ? `${name} (list)` : name);

function parseRows(file: string, text: string): z.infer<typeof ROW>[] {
  try {
    return z.array(ROW).parse(parse(text, { columns: true, relax_column_count_less: true }));
  } catch (cause) {
    const fix = 'Name another folder with --out, or move this file away.';
    const found = 'another table';
    throw new InputError({ expected: 'the status.csv of a download', found, where: file, fix }, { cause });
  }
}

/**
 * The rows of a status.csv, the last one of each address. A line that a kill cut off is left out.
 * @throws InputError for a table that is not ours
 */
export async function readStatus(file: string): Promise<Map<string, CarriedRow>> {
  let text;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return new Map();
    throw error;
  }
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const rows = new Map<string, CarriedRow>();
  for (const record of parseRows(file, whole)) {
    const carried = Object.entries(record).filter(([name]) => !FIXED.some((fixed) => fixed === name));
    rows.set(keyOf(record), {
      ...record,
      carried: Object.fromEntries(carried.map(([name, value]) => [name, String(value)])),
    });
  }
  return rows;
}

/** status.csv while a download runs: a line is appended for each verdict, and a later one of an address counts. */
export class StatusLog {
  readonly #handle: FileHandle;
  readonly #columns: readonly string[];
  #last: Promise<void> = Promise.resolve();

  private constructor(handle: FileHandle, columns: readonly string[]) {
    this.#handle = handle;
    this.#columns = columns;
  }

  /** Replaces the file by these rows, whole or not at all, and goes on from there. */
  static async open(file: string, rows: readonly CarriedRow[], carried: Iterable<string>): Promise<StatusLog> {
    const columns = [...FIXED, ...new Set([...carried].map(carriedName))];
    await writeAtomically(file, stringify([columns]) + linesOf(rows, columns));
    return new StatusLog(await open(file, 'a'), columns);
  }

  append(row: CarriedRow): Promise<void> {
    // One write a line, and one after the other: whoever reads the file meanwhile sees whole lines.
    const line = linesOf([row], this.#columns);
    this.#last = this.#last.then(() => this.#handle.appendFile(line));
    return this.#last;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

function linesOf(rows: readonly CarriedRow[], columns: readonly string[]): string {
  return stringify(
    rows.map(({ carried, ...fixed }) => {
      const cells: Record<string, string | number> = { ...fixed };
      for (const [name, value] of Object.entries(carried)) cells[carriedName(name)] = value;
      return columns.map((column) => cells[column] ?? '');
    }),
  );
}
