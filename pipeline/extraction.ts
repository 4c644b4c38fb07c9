import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { FEATURE_LENGTH, IMAGE_BYTES } from './backbone/vgg16.js';
import type { Engine } from './backbone/engines/engine.js';
import { claim, SHARD_ROWS, type Range } from './features/claims.js';
import type { Pending } from './features/plan.js';
import type { CacheKey } from './features/schema.js';
import type { NewRow } from './features/shard.js';
import { commitShard } from './features/store.js';
import type { LockOwner } from './files/lock.js';
import { ahead } from './images/ahead.js';
import { accessReason } from './images/find.js';
import { decodePixels, UnusableImage } from './images/pixels.js';

/** What becomes of a photograph on its way to the stack. */
type Decoded =
  | { readonly item: Pending; readonly pixels: Uint8Array }
  | { readonly item: Pending; readonly rejected: string; readonly passing: boolean };

/** What a worker tells while it works. */
export interface Listener {
  /** Photographs that another run has computed meanwhile. */
  settled(rows: number): void;
  /** Rows that are now safe in the cache. */
  computed(rows: number): void;
  /** @param passing the photograph may be usable another time (deleted or rewritten just now) */
  rejected(item: Pending, reason: string, passing: boolean): void;
}

export interface Work {
  readonly folder: string;
  readonly key: CacheKey;
  readonly engine: Engine;
  /** Digests that the cache holds now; asked again after a range is locked, since another run may have filled it. */
  cached(): Promise<ReadonlySet<string>>;
  readonly signal: AbortSignal;
}

/**
 * Computes a range of photographs: decode ahead, run the stack in batches, write a shard every SHARD_ROWS or so.
 * On abort the rows that are done become a shard of their own and the range ends.
 * @returns the owner of a lock where another run works on this range
 */
export async function computeRange(range: Range, work: Work, listener: Listener): Promise<LockOwner | undefined> {
  const { folder, key, engine, signal } = work;
  const lock = await claim(folder, range);
  if (!('release' in lock)) return lock;
  try {
    const cached = await work.cached();
    const pending = range.pending.filter((item) => !cached.has(item.digest));
    listener.settled(range.pending.length - pending.length);
    // Even parts, so that no tiny shard is left over.
    const parts = Math.max(1, Math.floor(pending.length / SHARD_ROWS));
    const shardRows = Math.ceil(pending.length / parts);
    let rows: NewRow[] = [];
    let batch: { item: Pending; pixels: Uint8Array }[] = [];
    const runBatch = async (): Promise<void> => {
      if (batch.length === 0) return;
      const full = batch;
      batch = [];
      const features = await engine.run(
        Buffer.concat(
          full.map(({ pixels }) => pixels),
          full.length * IMAGE_BYTES,
        ),
      );
      for (const [i, { item }] of full.entries()) {
        const feature = features.subarray(i * FEATURE_LENGTH, (i + 1) * FEATURE_LENGTH);
        rows.push({ digest: item.digest, id: item.id, feature });
      }
    };
    const flush = async (): Promise<void> => {
      if (rows.length === 0) return;
      const full = rows;
      rows = [];
      await commitShard(folder, full, key, engine.description);
      listener.computed(full.length);
    };
    for await (const decoded of ahead(pending, engine.batchSize * 2 + 2, decode)) {
      if (signal.aborted) break;
      if ('rejected' in decoded) {
        listener.rejected(decoded.item, decoded.rejected, decoded.passing);
        continue;
      }
      batch.push(decoded);
      const room = shardRows - rows.length;
      if (batch.length === Math.min(engine.batchSize, room)) await runBatch();
      if (rows.length === shardRows) await flush();
    }
    if (!signal.aborted) await runBatch();
    await flush();
    return undefined;
  } finally {
    await lock.release();
  }
}

async function decode(item: Pending): Promise<Decoded> {
  let bytes: Buffer;
  try {
    bytes = await readFile(item.path);
  } catch (error) {
    return { item, rejected: accessReason(error), passing: true };
  }
  if (createHash('sha256').update(bytes).digest('hex') !== item.digest) {
    return { item, rejected: 'rewritten while the run went on: run extract again', passing: true };
  }
  try {
    return { item, pixels: await decodePixels(bytes) };
  } catch (error) {
    if (error instanceof UnusableImage) return { item, rejected: error.message, passing: false };
    throw error;
  }
}
