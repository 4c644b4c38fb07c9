import { join } from 'node:path';
import pLimit from 'p-limit';
import seedrandom from 'seedrandom';
import { sha256Of } from '../files/sha256.js';
import { errorCode, InputError, InterruptedError } from '../errors.js';
import { writeFault } from '../files/atomic.js';
import { type Lock, ownerText, tryLock } from '../files/lock.js';
import type { Effects } from '../terminal/effects.js';
import { judge } from './judge.js';
import { type Course, Ledger, type Reopening, rowOf } from './ledger.js';
import type { AddressList, ListedAddress } from './list.js';
import type { Failure } from './outcome.js';
import { HostQueue, type Job } from './queue.js';
import { type CarriedRow, keyOf } from './status.js';
import { Store } from './store.js';
import { type Answer, createTransport, type Network, type Transport, type TransportOptions } from './transport.js';

export interface DownloadOptions extends Omit<TransportOptions, 'userAgent'>, Reopening {
  /** Folder of all lists. */
  readonly out: string;
  /** Good pictures of each list after which it is left. */
  readonly perList: number;
  /** Requests at a time. */
  readonly concurrency: number;
  /** Further tries of what can pass. */
  readonly retries: number;
  /** Seconds before the first further try, doubled for each one after it; half of the wait is random. */
  readonly backoff: number;
  /** Pixels of the short edge. */
  readonly minSide: number;
  /** Addresses with different names that make equal pictures a placeholder. */
  readonly placeholderFrom: number;
}

/** Seconds that a server may ask for; one that wants more is left for another run. */
const LONGEST_WAIT = 60;

/** Says what is asking, so that a host can answer or refuse it by name. */
const USER_AGENT = `pool5 (downloads pictures from lists; Node.js ${process.versions.node})`;

/** Milliseconds between two looks at the counts. */
const SHOW_EVERY = 200;

/** One run over lists of addresses. */
class Run {
  readonly #options: DownloadOptions;
  readonly #ledger: Ledger;
  readonly #store: Store;
  readonly #transport: Transport;
  readonly #queue = new HostQueue();
  readonly #running = new Map<Job, AbortController>();
  /** Verdicts on equal pictures depend on each other: one at a time. */
  readonly #oneByOne = pLimit(1);

  constructor(options: DownloadOptions, ledger: Ledger, store: Store, network: Network) {
    this.#options = options;
    this.#ledger = ledger;
    this.#store = store;
    this.#transport = createTransport({ ...options, userAgent: USER_AGENT }, network);
  }

  /** Queues what has no verdict yet. */
  async enqueue(entries: readonly ListedAddress[]): Promise<void> {
    for (const entry of entries) {
      if (this.#ledger.rows.has(keyOf(entry))) continue;
      if (entry.url !== undefined) this.#queue.add({ entry, url: entry.url, tries: 0, started: 0, notBefore: 0 });
      else await this.#ledger.record(rowOf(entry, { status: 'not an address', detail: '' }));
    }
  }

  /** Works until nothing is wanted, the signal is aborted or the disk fails. `onVerdict` follows each try. */
  async work(signal: AbortSignal, onVerdict: () => void): Promise<void> {
    const tasks = new Set<Promise<void>>();
    const faults: unknown[] = [];
    const stop = (): void => {
      for (const controller of this.#running.values()) controller.abort();
    };
    signal.addEventListener('abort', stop);
    try {
      while (!signal.aborted && faults.length === 0) {
        const job = tasks.size < this.#options.concurrency ? this.#next() : Infinity;
        if (job === undefined && tasks.size === 0) break;
        if (typeof job !== 'object') {
          await pause(tasks, job ?? Infinity, signal);
          continue;
        }
        const task: Promise<void> = this.#try(job)
          .catch((fault: unknown) => void faults.push(fault))
          .then(() => void tasks.delete(task))
          .then(onVerdict);
        tasks.add(task);
      }
    } finally {
      stop();
      await Promise.all(tasks);
      signal.removeEventListener('abort', stop);
      await this.#transport.close();
    }
    if (faults.length > 0) throw faults[0];
  }

  #isFull(list: string): boolean {
    return this.#ledger.goodOf(list) >= this.#options.perList;
  }

  #next(): Job | number | undefined {
    return this.#queue.take(
      (job) => !this.#isFull(job.entry.list),
      (url) => this.#transport.isFree(url),
    );
  }

  async #try(job: Job): Promise<void> {
    const controller = new AbortController();
    this.#running.set(job, controller);
    if (job.tries === 0) job.started = performance.now();
    try {
      const { result, final } = await this.#transport.get(job.url, controller.signal);
      job.tries++;
      if (result.status === 'answered') await this.#judge(job, result, final);
      else if (!this.#postpone(job, result, final)) await this.#record(job.entry, result, courseOf(job, final));
    } catch (error) {
      if (!controller.signal.aborted) throw error;
      // Its list has enough, or the run ends: it stays open.
      this.#queue.putBack(job);
    } finally {
      this.#running.delete(job);
    }
  }

  /** Whether the job is to be tried again. Random waits keep the tries of many addresses apart. */
  #postpone(job: Job, failure: Failure, final: string): boolean {
    const { retries, backoff } = this.#options;
    if (!failure.passing || job.tries > retries) return false;
    const random = seedrandom(`${job.entry.address} ${job.tries}`)();
    const wait = failure.retryAfter ?? Math.min(LONGEST_WAIT, backoff * 2 ** (job.tries - 1) * (0.5 + random / 2));
    if (wait > LONGEST_WAIT) return false;
    job.notBefore = performance.now() + wait * 1000;
    if (failure.retryAfter !== undefined) this.#queue.pause(new URL(final), job.notBefore);
    this.#queue.add(job);
    return true;
  }

  async #judge(job: Job, { bytes }: Answer, final: string): Promise<void> {
    const { entry } = job;
    const verdict = await judge(bytes, this.#options.minSide);
    const course = { ...courseOf(job, final), bytes: bytes.length, sha256: sha256Of(bytes) };
    if (verdict.status !== 'picture') {
      await this.#record(entry, verdict, course);
      return;
    }
    const { ending, width, height } = verdict;
    const file = `${entry.list}/${sha256Of(entry.address)}.${ending}`;
    await this.#oneByOne(() => this.#accept(job, bytes, file, { ...course, width, height }));
  }

  async #accept(job: Job, bytes: Uint8Array, file: string, course: Course): Promise<void> {
    const { entry } = job;
    if (this.#isFull(entry.list)) {
      this.#queue.putBack(job);
      return;
    }
    const same = this.#ledger.sameAs(course.sha256 ?? '', keyOf(entry), entry.address);
    const before = same.holders.flatMap((holder) => this.#ledger.rows.get(holder.key) ?? []);
    const kept = before.find((row) => row.status === 'ok');
    const isPlaceholder = same.isPlaceholder(this.#options.placeholderFrom);
    // The first address of the lists keeps the picture, whichever was quicker.
    if (!isPlaceholder && (kept === undefined || same.keeper?.key === keyOf(entry))) {
      await this.#store.keep(file, bytes);
      await this.#record(entry, { status: 'ok', detail: '' }, { ...course, file });
      if (kept !== undefined) await this.#demote(kept, 'duplicate', `of ${file}`);
      return;
    }
    if (isPlaceholder) {
      const detail = 'one picture for many addresses';
      for (const row of before) if (row.status !== 'placeholder') await this.#demote(row, 'placeholder', detail);
      await this.#record(entry, { status: 'placeholder', detail }, course);
    } else {
      await this.#record(entry, { status: 'duplicate', detail: `of ${kept?.file}` }, course);
    }
  }

  /** Takes a verdict back that later answers have shown to be wrong. */
  async #demote(row: CarriedRow, status: 'duplicate' | 'placeholder', detail: string): Promise<void> {
    if (row.file !== '') await this.#store.remove(row.file);
    await this.#ledger.record({ ...row, status, detail, file: '' });
  }

  async #record(entry: ListedAddress, verdict: Pick<Failure, 'status' | 'detail'>, course: Course): Promise<void> {
    await this.#ledger.record(rowOf(entry, verdict, course));
    if (!this.#isFull(entry.list)) return;
    for (const [job, controller] of this.#running) if (job.entry.list === entry.list) controller.abort();
  }
}

function courseOf(job: Job, final: string): Course {
  const seconds = Math.round(performance.now() - job.started) / 1000;
  return { final, tries: job.tries, seconds };
}

/** Until a task ends, the time (performance.now()) comes, or the signal is aborted. */
async function pause(tasks: ReadonlySet<Promise<void>>, until: number, signal: AbortSignal): Promise<void> {
  // A host's slot is free a moment after its task has ended.
  const wait = tasks.size === 0 && until === Infinity ? 1 : Math.max(1, until - performance.now());
  const over = new AbortController();
  const woken = new Promise<void>((resolve) => {
    const timer = wait === Infinity ? undefined : setTimeout(resolve, wait);
    signal.addEventListener('abort', () => resolve(), { signal: over.signal });
    over.signal.addEventListener('abort', () => clearTimeout(timer));
  });
  await Promise.race([...tasks, woken]);
  over.abort();
}

/** Counts by outcome, the most frequent first. */
export function countOutcomes(rows: Iterable<CarriedRow>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { status } of rows) counts.set(status, (counts.get(status) ?? 0) + 1);
  return new Map([...counts].toSorted(([, a], [, b]) => b - a));
}

/** Lists take turns, so that none waits for the end of another. */
function inTurns(lists: readonly AddressList[]): ListedAddress[] {
  const entries = lists.flatMap((list) => list.addresses.map((entry, index) => ({ entry, index })));
  return entries.toSorted((a, b) => a.index - b.index).map(({ entry }) => entry);
}

/** Two runs would overwrite each other's status.csv. */
async function alone(folder: string): Promise<Lock> {
  const lock = await tryLock(join(folder, '.download.lock'));
  if ('release' in lock) return lock;
  const fix = 'Wait for it to end, or name another folder with --out.';
  throw new InputError({ expected: 'no other download', found: ownerText(lock), where: folder, fix });
}

/**
 * Downloads the pictures of the lists into a folder each, going on from what `out`/status.csv says was done.
 * @returns the rows of all addresses that have a verdict, earlier runs' included, by keyOf
 * @throws InputError while another run works in `out`, InterruptedError on the signal, WorldError for a full disk and the like; status.csv and the pictures so far
 *   are in order after either, as they are after a kill
 */
export async function download(
  lists: readonly AddressList[],
  options: DownloadOptions,
  effects: Pick<Effects, 'progress' | 'signal'>,
  network: Network = {},
): Promise<ReadonlyMap<string, CarriedRow>> {
  const entries = inTurns(lists);
  const progress = effects.progress('download', entries.length, 'addresses');
  const isListed = new Set(lists.map((list) => list.name));
  const lock = await alone(options.out);
  let ledger: Ledger;
  try {
    const store = new Store(options.out);
    await store.clean(lists.map((list) => list.name));
    ledger = await Ledger.open(lists, options.out, store, options);
    let shown = -Infinity;
    const show = (): void => {
      if (performance.now() - shown < SHOW_EVERY) return;
      shown = performance.now();
      const rows = [...ledger.rows.values()].filter((row) => isListed.has(row.list));
      const note = [...countOutcomes(rows)].map(([status, count]) => `${status} ${count}`).join(' · ');
      progress.update(rows.length, note);
    };
    try {
      const run = new Run(options, ledger, store, network);
      await run.enqueue(entries);
      await run.work(effects.signal, show);
    } finally {
      await ledger.close();
    }
  } catch (error) {
    throw errorCode(error) === undefined ? error : writeFault(error, options.out);
  } finally {
    progress.stop();
    await lock.release();
  }
  if (effects.signal.aborted) {
    const signal = effects.signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT';
    throw new InterruptedError(signal, 'The pictures so far are kept; the same command goes on from them.');
  }
  return ledger.rows;
}
