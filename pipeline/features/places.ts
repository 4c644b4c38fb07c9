import { createHash } from 'node:crypto';
import type { ShardEntry } from './manifest.js';

/** Where a digest's row lies. */
export interface Place {
  readonly shard: ShardEntry;
  readonly row: number;
  /** sha256 (hex) of the feature as stored. */
  readonly sha256: string;
}

/** The place of each digest. Of two rows of one digest, that in the shard whose name comes last counts. */
export function placesOf(shards: readonly ShardEntry[]): Map<string, Place> {
  const places = new Map<string, Place>();
  for (const shard of shards) {
    for (const [row, digest] of shard.digests.entries()) {
      const sha256 = shard.rowSha256[row];
      if (sha256 !== undefined) places.set(digest, { shard, row, sha256 });
    }
  }
  return places;
}

/**
 * sha256 (hex) over each row's digest and its feature's sha256 (32 bytes each), in digest order: the table's content,
 * however it is cut into shards. Rows are checked against these sums whenever they are read.
 */
export function contentDigest(places: ReadonlyMap<string, Place>): string {
  const hash = createHash('sha256');
  for (const [digest, { sha256 }] of [...places].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(digest, 'hex').update(sha256, 'hex');
  }
  return hash.digest('hex');
}
