import { setImmediate } from 'node:timers/promises';
import { unlessAborted } from '../abort.js';
import type { Engine } from '../backbone/engines/engine.js';
import { FEATURE_LENGTH, IMAGE_BYTES } from '../backbone/vgg16.js';
import { claim } from '../features/claims.js';
import type { Pending } from '../features/plan.js';
import { evenRows, type Range } from '../features/ranges.js';
import type { CacheKey } from '../features/schema.js';
import type { NewRow } from '../features/shard.js';
import { commitShard } from '../features/store.js';
import type { LockOwner } from '../files/lock.js';
import { ahead } from '../images/ahead.js';
import { decodeFile, type DecodedFile } from '../images/decode-file.js';

/** What a worker tells while it works. */
export interface Listener {
  /** Photographs that went through the stack, or that another run has computed meanwhile. */
  settled(count: number): void;
  /** Rows that are now safe in the cache. */
  computed(rows: number): void;
  /** @param passing the photograph may be usable another time (deleted or rewritten just now) */
  rejected(item: Pending, reason: string, passing: boolean): void;
}

export interface Work {
  readonly folder: string;
  readonly key: CacheKey;
  readonly engine: Engine;
  /** Ranges that share an engine compute a shard in turn. */
  readonly turn: <Result>(compute: () => Promise<Result>) => Promise<Result>;
  readonly shardRows: number;
  /** Digests that the cache holds now; asked again after a range is locked, since another run may have filled it. */
  cached(): Promise<ReadonlySet<string>>;
  readonly signal: AbortSignal;
}

/**
 * Computes a range of photographs: decode ahead, run the stack in batches, write shards of at most `shardRows`.
 * On abort the batch under way is dropped, the rows that are done become a shard of their own and the range ends.
 * @returns the owner of a lock where another run works on this range
 */
export async function computeRange(range: Range, work: Work, listener: Listener): Promise<LockOwner | undefined> {
  const lock = await claim(work.folder, range);
  if (!('release' in lock)) return lock;
  try {
    const cached = await work.cached();
    const pending = range.pending.filter((item) => !cached.has(item.digest));
    listener.settled(range.pending.length - pending.length);
    await computeRows(pending, work, listener);
    return undefined;
  } finally {
    await lock.release();
  }
}

async function computeRows(pending: readonly Pending[], work: Work, listener: Listener): Promise<void> {
  const { folder, key, engine } = work;
  const shardRows = evenRows(pending.length, work.shardRows);
  const decoded = ahead(pending, engine.batchSize * 2 + 2, async (item) => ({
    item,
    ...(await decodeFile(item.path, item.digest)),
  }));
  // The last shard ends the range without another turn: the next range is locked and decoded meanwhile.
  for (let left = pending.length; left > 0 && !work.signal.aborted;) {
    const { rows, taken } = await work.turn(() => nextRows(shardRows, decoded, work, listener));
    left -= taken;
    if (rows.length === 0) continue;
    await setImmediate(); // first the other range gives the engine its next batch, then this thread encodes a shard
    await commitShard(folder, rows, key, engine.description);
    listener.computed(rows.length);
  }
}

/**
 * The rows of the next shard: fewer than `most` at the end, or on abort, which drops the batch under way.
 * @returns taken: how many photographs became rows or were rejected
 */
async function nextRows(
  most: number,
  decoded: AsyncGenerator<{ readonly item: Pending } & DecodedFile, void, undefined>,
  { engine, signal }: Work,
  listener: Listener,
): Promise<{ rows: NewRow[]; taken: number }> {
  const rows: NewRow[] = [];
  let taken = 0;
  for (let ended = false; !ended && rows.length < most;) {
    const batch: { readonly item: Pending; readonly pixels: Uint8Array }[] = [];
    while (batch.length < Math.min(engine.batchSize, most - rows.length)) {
      const next = await unlessAborted(decoded.next(), signal);
      if (next === undefined) return { rows, taken };
      ended = next.done === true;
      if (next.done === true) break;
      taken++;
      const { value } = next;
      if ('rejected' in value) listener.rejected(value.item, value.rejected, value.passing);
      else batch.push(value);
    }
    if (batch.length === 0) break;
    const pixels = Buffer.concat(
      batch.map((each) => each.pixels),
      batch.length * IMAGE_BYTES,
    );
    const features = await unlessAborted(engine.run(pixels), signal);
    if (features === undefined) return { rows, taken };
    for (const [i, { item }] of batch.entries()) {
      const feature = features.subarray(i * FEATURE_LENGTH, (i + 1) * FEATURE_LENGTH);
      rows.push({ digest: item.digest, id: item.id, feature });
    }
    listener.settled(batch.length);
  }
  return { rows, taken };
}
