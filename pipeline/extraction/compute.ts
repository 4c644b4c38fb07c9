import { setTimeout } from 'node:timers/promises';
import pLimit from 'p-limit';
import { unlessAborted } from '../abort.js';
import type { Engine, EngineName } from '../backbone/engines/engine.js';
import type { Weights } from '../backbone/weights/weights.js';
import { readManifest, type ShardEntry } from '../features/manifest.js';
import type { Pending } from '../features/plan.js';
import type { Range } from '../features/ranges.js';
import type { CacheKey } from '../features/schema.js';
import { ownerText } from '../files/lock.js';
import type { Effects } from '../terminal/effects.js';
import { openEngines } from './engines.js';
import { computeRange, type Listener, type Work } from './range.js';

/** How long an interrupted run waits for its engines to close (milliseconds). */
const PATIENCE = 3000;

/**
 * Ranges that feed one engine: while one of them writes a shard, locks or decodes its first photographs, the other keeps
 * the engine busy. They compute a shard in turn, so that a kill costs no more than that shard and one being written.
 */
const LANES = 2;

/** How long a lane waits before it asks again for a range that another run holds (milliseconds). */
const AGAIN = 500;

export interface Job {
  readonly folder: string;
  readonly key: CacheKey;
  /** Opened only where there is something to compute. */
  loadWeights(): Promise<Weights>;
  readonly engine: 'auto' | EngineName;
  readonly workers: number;
  /** What the whole plan has to compute, by digest; the ranges may be a part of it. */
  readonly planned: readonly Pending[];
  readonly shardRows: number;
  /** @see Listener.rejected */
  rejected(item: Pending, reason: string, passing: boolean): void;
}

export interface Computed {
  /** Rows that this run added to the cache. */
  readonly rows: number;
  /** The engine's description; null where none was needed. */
  readonly engine: string | null;
}

/**
 * Opens the engines, lets them take ranges until none is left, and waits for ranges that another run holds.
 * @param open tests and benches give another
 */
export async function computeRanges(
  ranges: readonly Range[],
  job: Job,
  effects: Effects,
  open: typeof openEngines = openEngines,
): Promise<Computed> {
  const total = ranges.reduce((sum, range) => sum + range.pending.length, 0);
  if (total === 0 || effects.signal.aborted) return { rows: 0, engine: null };
  const engines = await unlessAborted(open(ranges, job, effects), effects.signal);
  const [first] = engines ?? [];
  if (engines === undefined || first === undefined) return { rows: 0, engine: null };
  effects.log(`engine: ${first.description}${engines.length > 1 ? `, ${engines.length} workers` : ''}`);

  const progress = effects.progress('extract', total, 'photographs');
  let done = 0;
  let rows = 0;
  const listener: Listener = {
    settled(count) {
      done += count;
      progress.update(done);
    },
    computed(count) {
      rows += count;
    },
    rejected(item, reason, passing) {
      job.rejected(item, reason, passing);
      listener.settled(1);
    },
  };
  // A lane that fails ends the others, too, after what they have done is safe.
  const failure = new AbortController();
  const signal = AbortSignal.any([effects.signal, failure.signal]);
  const take = takeRanges(ranges, { ...job, cached: cachedDigests(job.folder), signal }, listener, effects);
  try {
    const lanes = engines.flatMap(lanesOf);
    const working = lanes.map((lane) =>
      take(lane).catch((error: unknown) => {
        failure.abort();
        throw error;
      }),
    );
    for (const result of await Promise.allSettled(working)) if (result.status === 'rejected') throw result.reason;
  } finally {
    progress.stop();
    const closed = Promise.all(engines.map((engine) => engine.close()));
    await (effects.signal.aborted ? Promise.race([closed, setTimeout(PATIENCE)]) : closed);
  }
  return { rows, engine: first.description };
}

type Lane = Pick<Work, 'engine' | 'turn'>;

function lanesOf(engine: Engine): Lane[] {
  const turn = pLimit(1);
  return Array.from({ length: LANES }, () => ({ engine, turn }));
}

/** What each lane does, from one queue. */
function takeRanges(
  ranges: readonly Range[],
  work: Omit<Work, keyof Lane>,
  listener: Listener,
  effects: Effects,
): (lane: Lane) => Promise<void> {
  const queue = [...ranges];
  const told = new Set<number>();
  return async (lane) => {
    for (let range = queue.shift(); range !== undefined && !work.signal.aborted; range = queue.shift()) {
      const owner = await computeRange(range, { ...work, ...lane }, listener);
      if (owner === undefined) continue;
      queue.push(range);
      if (!told.has(owner.pid)) effects.log(`waiting for another run: ${ownerText(owner)}`);
      told.add(owner.pid);
      await setTimeout(AGAIN);
    }
  };
}

/**
 * Asks for the digests that a cache holds. The set is one and grows, since making it anew for each range would cost the
 * more the larger the cache is; where a shard is gone it is made anew.
 */
export function cachedDigests(folder: string): () => Promise<ReadonlySet<string>> {
  const known = new Map<string, ShardEntry>();
  let counted = new Set<string>();
  let digests = new Set<string>();
  return async () => {
    const { shards } = await readManifest(folder, known);
    const there = new Set(shards.map(({ file }) => file));
    if ([...counted].some((file) => !there.has(file))) {
      counted = new Set();
      digests = new Set();
    }
    for (const shard of shards) {
      if (counted.has(shard.file)) continue;
      for (const digest of shard.digests) digests.add(digest);
      counted.add(shard.file);
    }
    return digests;
  };
}
