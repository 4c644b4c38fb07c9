import Table from 'cli-table3';
import { basename, join } from 'node:path';
import { InputError, WorldError } from '../pipeline/errors.js';
import { countOutcomes, download } from '../pipeline/download/download.js';
import { readLists } from '../pipeline/download/list.js';
import { isNetworkFailure } from '../pipeline/download/outcome.js';
import type { CarriedRow } from '../pipeline/download/status.js';
import { defineStage } from './stage.js';

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
};

/** "20MB" -> 20,000,000. */
function bytesOf(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmg]i?)?b?$/i.exec(text.trim()) ?? [];
  const bytes = Number(number) * (UNITS[unit.toLowerCase()] ?? NaN);
  if (number === '' || !(bytes >= 1)) {
    throw new InputError({ expected: 'a size such as 20MB', found: `"${text}"`, where: '--max-bytes' });
  }
  return Math.floor(bytes);
}

function atLeast(least: number, value: number, option: string, whole = true): number {
  if (value >= least && (!whole || Number.isSafeInteger(value) || value === Infinity)) return value;
  const expected = `a ${whole ? 'whole ' : ''}number of at least ${least}`;
  throw new InputError({ expected, found: String(value), where: option });
}

export interface ListSummary {
  readonly list: string;
  readonly addresses: number;
  /** Lines that repeat an address. */
  readonly repeated: number;
  readonly ok: number;
  /** Counts by outcome, "not an image" by what it was. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Left open, because the list had enough pictures. */
  readonly untried: number;
}

export interface DownloadSummary {
  readonly out: string;
  readonly status: string;
  readonly pictures: number;
  readonly addresses: number;
  readonly lists: readonly ListSummary[];
  readonly seconds: number;
}

/** Damages have many texts; their kind is enough for a count. */
function outcomeOf({ status, detail }: CarriedRow): string {
  return status === 'not an image' ? `not an image: ${detail.startsWith('damaged') ? 'damaged' : detail}` : status;
}

/** Why no picture came; the table of outcomes is printed before. */
function emptyHanded(rows: readonly CarriedRow[], summary: DownloadSummary): InputError | WorldError {
  const counts = [...countOutcomes(rows)].map(([outcome, times]) => `${outcome} ${times}`).join(', ');
  const problem = { expected: 'at least one picture', found: `none (${counts})`, where: summary.status };
  if (rows.length > 0 && rows.every((row) => isNetworkFailure(row.status))) {
    return new WorldError({ ...problem, fix: 'Check the network, then run again with --retry failed.' });
  }
  if (rows.some((row) => row.status === 'private address')) {
    return new InputError({ ...problem, fix: 'Addresses in your own network need --allow-private.' });
  }
  return new InputError({ ...problem, fix: `The column detail of ${basename(summary.status)} says more.` });
}

/** An empty cell is easier to read over than a 0. */
function count(value: number): string {
  return value === 0 ? '' : value.toLocaleString('en');
}

function tableOf({ lists }: DownloadSummary): string {
  const names = [...new Set(lists.flatMap((list) => Object.keys(list.outcomes)))];
  const total = (name: string): number => lists.reduce((sum, list) => sum + (list.outcomes[name] ?? 0), 0);
  const style = { head: [], border: [], compact: true };
  const colAligns = ['left' as const, ...lists.map(() => 'right' as const), 'right' as const];
  const table = new Table({ head: ['', ...lists.map((list) => list.list), 'all'], style, colAligns });
  const ranked = names.toSorted((a, b) => Number(b === 'ok') - Number(a === 'ok') || total(b) - total(a));
  for (const name of ranked)
    table.push([name, ...lists.map((list) => count(list.outcomes[name] ?? 0)), count(total(name))]);
  const untried = lists.map((list) => list.untried);
  if (untried.some((each) => each > 0)) {
    table.push(['not tried', ...untried.map(count), count(untried.reduce((sum, each) => sum + each, 0))]);
  }
  return table.toString();
}

export const stage = defineStage({
  options: (yargs) =>
    yargs
      .option('list', {
        type: 'string',
        array: true,
        demandOption: true,
        requiresArg: true,
        describe: 'File of addresses (.txt, .csv or .tsv with a column url, .jsonl); its name becomes the folder',
      })
      .option('out', { type: 'string', default: 'data/photos', describe: 'Folder for a folder of each list' })
      .option('per-list', { type: 'number', describe: 'Good pictures after which a list is left' })
      .option('concurrency', { type: 'number', default: 16, describe: 'Requests at a time' })
      .option('per-host', { type: 'number', default: 2, describe: 'Requests to one host at a time' })
      .option('timeout', { type: 'number', default: 15, describe: 'Seconds without a byte after which a try ends' })
      .option('retries', { type: 'number', default: 3, describe: 'Further tries of what can pass' })
      .option('max-bytes', { type: 'string', default: '20MB', describe: 'Largest picture, as sent and decompressed' })
      .option('min-side', { type: 'number', default: 32, describe: 'Pixels of the short edge of the smallest picture' })
      .option('placeholder-from', {
        type: 'number',
        default: 3,
        describe: 'Addresses with different file names whose equal pictures are a placeholder',
      })
      .option('retry', { choices: ['failed'] as const, describe: 'Try again what failed in an earlier run' })
      .option('opt-out', {
        type: 'boolean',
        default: true,
        describe: 'Honour X-Robots-Tag: noai and noimageai (--no-opt-out takes those pictures)',
      })
      .option('allow-private', {
        type: 'boolean',
        default: false,
        describe: 'Allow addresses in private networks and on this machine',
      })
      .example(
        '$0 download --list tiger.txt --list kittycat.txt --per-list 400',
        'Folders tiger and kittycat in data/photos',
      ),

  async run(options, effects): Promise<DownloadSummary> {
    const started = performance.now();
    const settings = {
      out: options.out,
      perList: atLeast(1, options.perList ?? Infinity, '--per-list'),
      concurrency: atLeast(1, options.concurrency, '--concurrency'),
      perHost: atLeast(1, options.perHost, '--per-host'),
      timeout: atLeast(0.1, options.timeout, '--timeout', false),
      retries: atLeast(0, options.retries, '--retries'),
      maxBytes: bytesOf(options.maxBytes),
      minSide: atLeast(1, options.minSide, '--min-side'),
      placeholderFrom: atLeast(2, options.placeholderFrom, '--placeholder-from'),
      retryFailed: options.retry === 'failed',
      honourOptOut: options.optOut,
      allowPrivate: options.allowPrivate,
      backoff: 1,
    };
    const lists = await readLists(options.list);
    const all = [...(await download(lists, settings, effects)).values()];
    const names = new Set(lists.map(({ name }) => name));
    const rows = all.filter((row) => names.has(row.list));
    const summary = {
      out: options.out,
      status: join(options.out, 'status.csv'),
      pictures: rows.filter((row) => row.status === 'ok').length,
      addresses: lists.reduce((sum, { addresses }) => sum + addresses.length, 0),
      lists: lists.map(({ name, addresses, repeated }): ListSummary => {
        const known = new Set(addresses.map(({ address }) => address));
        const verdicts = rows.filter((row) => row.list === name && known.has(row.address));
        const outcomes: Record<string, number> = {};
        for (const row of verdicts) outcomes[outcomeOf(row)] = (outcomes[outcomeOf(row)] ?? 0) + 1;
        const untried = addresses.length - verdicts.length;
        return { list: name, addresses: addresses.length, repeated, ok: outcomes['ok'] ?? 0, outcomes, untried };
      }),
      seconds: Math.round(performance.now() - started) / 1000,
    };
    if (summary.pictures > 0) return summary;
    effects.log(tableOf(summary));
    throw emptyHanded(rows, summary);
  },

  text(summary) {
    const { pictures, addresses, out, status, seconds, lists } = summary;
    const repeated = lists.reduce((sum, list) => sum + list.repeated, 0);
    const counted = `${pictures.toLocaleString('en')} pictures of ${addresses.toLocaleString('en')} addresses in ${out}`;
    return [
      tableOf(summary),
      `${counted} (${seconds.toFixed(1)} s)${repeated === 0 ? '' : `; ${repeated} lines repeat an address`}`,
      `Each address's outcome: ${status}`,
    ].join('\n');
  },
});
