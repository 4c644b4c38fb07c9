import { join } from 'node:path';
import type { AddressList, ListedAddress } from './list.js';
import { type Failure, isFailed } from './outcome.js';
import { SameBytes } from './same-bytes.js';
import { type CarriedRow, keyOf, readStatus, StatusLog } from './status.js';
import type { Store } from './store.js';

/** What an earlier run decided and this one decides again, where its options say so. */
export interface Reopening {
  readonly allowPrivate: boolean;
  readonly honourOptOut: boolean;
  /** Whether to try again what failed. */
  readonly retryFailed: boolean;
}

/** The verdicts on all addresses: in memory for the rules, in status.csv for everybody else. */
export class Ledger {
  readonly #lists: readonly AddressList[];
  readonly #file: string;
  readonly #rows: Map<string, CarriedRow>;
  readonly #order = new Map<string, number>();
  readonly #same = new Map<string, SameBytes>();
  readonly #good = new Map<string, number>();
  #log: StatusLog | undefined;

  private constructor(lists: readonly AddressList[], file: string, rows: Map<string, CarriedRow>) {
    this.#lists = lists;
    this.#file = file;
    this.#rows = rows;
  }

  /** Reads what was decided, forgets what is open again, and starts a new status.csv with the rest. */
  static async open(
    lists: readonly AddressList[],
    folder: string,
    store: Store,
    reopening: Reopening,
  ): Promise<Ledger> {
    const file = join(folder, 'status.csv');
    const ledger = new Ledger(lists, file, await readStatus(file));
    await ledger.#forget(store, reopening);
    // Other lists' addresses, from earlier runs, come first: they keep their pictures.
    const keys = lists.flatMap((list) => list.addresses.map(keyOf));
    for (const [order, key] of [...new Set([...ledger.#foreign(keys), ...keys])].entries())
      ledger.#order.set(key, order);
    for (const [key, row] of ledger.#rows) {
      if (['ok', 'duplicate', 'placeholder'].includes(row.status)) ledger.sameAs(row.sha256, key, row.address);
      if (row.status === 'ok') ledger.#count(row.list, 1);
    }
    ledger.#log = await ledger.#start();
    return ledger;
  }

  get rows(): ReadonlyMap<string, CarriedRow> {
    return this.#rows;
  }

  /** Good pictures of a list. */
  goodOf(list: string): number {
    return this.#good.get(list) ?? 0;
  }

  /** Adds an address to those that answered with these bytes. */
  sameAs(digest: string, key: string, address: string): SameBytes {
    const same = this.#same.get(digest) ?? new SameBytes();
    same.add({ key, address, order: this.#order.get(key) ?? Infinity });
    this.#same.set(digest, same);
    return same;
  }

  async record(row: CarriedRow): Promise<void> {
    const key = keyOf(row);
    if (this.#rows.get(key)?.status === 'ok') this.#count(row.list, -1);
    if (row.status === 'ok') this.#count(row.list, 1);
    this.#rows.set(key, row);
    await this.#log?.append(row);
  }

  /** Leaves one row an address in status.csv, in the order of the lists. */
  async close(): Promise<void> {
    await this.#log?.close();
    await (await this.#start()).close();
  }

  #foreign(listed: readonly string[]): string[] {
    const known = new Set(listed);
    return [...this.#rows.keys()].filter((key) => !known.has(key));
  }

  #count(list: string, by: number): void {
    this.#good.set(list, this.goodOf(list) + by);
  }

  #start(): Promise<StatusLog> {
    const orderOf = (key: string): number => this.#order.get(key) ?? Infinity;
    const rows = [...this.#rows].toSorted(([a], [b]) => orderOf(a) - orderOf(b)).map(([, row]) => row);
    const listed = this.#lists.flatMap((list) => list.addresses.map(({ columns }) => columns));
    const carried = [...rows.map((row) => row.carried), ...listed].flatMap((columns) => Object.keys(columns));
    return StatusLog.open(this.#file, rows, new Set(carried));
  }

  async #forget(store: Store, { allowPrivate, honourOptOut, retryFailed }: Reopening): Promise<void> {
    const listed = new Set(this.#lists.flatMap((list) => list.addresses.map(keyOf)));
    const lost = new Set<string>();
    for (const [key, row] of this.#rows) {
      const ours = row.file.startsWith(`${row.list}/`) && /^[^/]+\/[0-9a-f]{64}\.\w+$/.test(row.file);
      if (row.status === 'ok' && !(ours && (await store.has(row.file, row.bytes)))) lost.add(row.sha256);
      const again =
        (retryFailed && isFailed(row.status)) ||
        (allowPrivate && row.status === 'private address') ||
        (!honourOptOut && row.status === 'opted out');
      if (again && listed.has(key)) this.#rows.delete(key);
    }
    // A picture that is gone may come back from any of its addresses.
    for (const [key, row] of this.#rows) {
      if (['ok', 'duplicate'].includes(row.status) && lost.has(row.sha256)) this.#rows.delete(key);
    }
  }
}

/** How an address came to its verdict. */
export interface Course {
  readonly final: string;
  readonly tries: number;
  readonly seconds: number;
  readonly bytes?: number;
  readonly sha256?: string;
  readonly width?: number;
  readonly height?: number;
  /** Where the picture is kept. */
  readonly file?: string;
}

export function rowOf(
  entry: ListedAddress,
  { status, detail }: Pick<Failure, 'status' | 'detail'>,
  course: Course = { final: '', tries: 0, seconds: 0 },
): CarriedRow {
  return {
    list: entry.list,
    address: entry.address,
    status,
    detail,
    file: course.file ?? '',
    final_address: course.final,
    bytes: course.bytes ?? 0,
    sha256: course.sha256 ?? '',
    width: course.width ?? 0,
    height: course.height ?? 0,
    tries: course.tries,
    seconds: course.seconds,
    carried: entry.columns,
  };
}
