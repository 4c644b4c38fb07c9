import type { Pending } from './plan.js';

/** Rows of a shard unless told otherwise: what a killed run can lose, and what a worker holds in memory (6.4 MB as float32). */
export const SHARD_ROWS = 64;

/** Shards of a range at most, where there are many: a range is what a worker takes, and the last one to end holds up. */
const MOST_SHARDS = 4;

/** Photographs whose digests begin with one of some neighbouring bytes: what a worker takes at a time. */
export interface Range {
  /** First two hex digits of the digests. */
  readonly prefixes: readonly string[];
  readonly pending: readonly Pending[];
}

/** Rows of each of a range's shards, the last perhaps fewer: as few shards as `most` allows, of near-equal size. */
export function evenRows(rows: number, most: number): number {
  return Math.ceil(rows / Math.max(1, Math.ceil(rows / most)));
}

/** The cheapest way to cut the first groups: fewest shards, then most ranges, then shards of like size. */
interface Cut {
  readonly shards: number;
  readonly ranges: number;
  /** Sum of the squares of the shards' rows. */
  readonly squares: number;
  /** The group that the last range begins with. */
  readonly from: number;
}

/**
 * Cuts pending photographs, in digest order, into ranges whose shards are as few and as even as can be. Work is locked by
 * the first byte of a digest, whatever the ranges are, so that any two runs agree on what is whose; hence a range is
 * made of whole groups of photographs with one first byte.
 */
export function cutRanges(pending: readonly Pending[], shardRows: number): Range[] {
  const groups = groupByPrefix(pending);
  const most = Math.min(MOST_SHARDS, Math.max(1, Math.floor(pending.length / shardRows / 8))) * shardRows;
  const cuts: Cut[] = [{ shards: 0, ranges: 0, squares: 0, from: 0 }];
  for (let end = 1; end <= groups.length; end++) {
    let best: Cut | undefined;
    let rows = 0;
    for (let from = end - 1; from >= 0; from--) {
      rows += groups[from]?.pending.length ?? 0;
      if (rows > most && best !== undefined) break;
      const before = cuts[from];
      if (before === undefined) break;
      const shards = Math.ceil(rows / shardRows);
      const cut = {
        shards: before.shards + shards,
        ranges: before.ranges + 1,
        squares: before.squares + rows ** 2 / shards,
        from,
      };
      if (best === undefined || compareCuts(cut, best) < 0) best = cut;
    }
    if (best !== undefined) cuts.push(best);
  }
  const ranges: Range[] = [];
  for (let end = groups.length; end > 0; end = cuts[end]?.from ?? 0) {
    const part = groups.slice(cuts[end]?.from, end);
    ranges.push({ prefixes: part.map(({ prefix }) => prefix), pending: part.flatMap((group) => group.pending) });
  }
  return ranges.toReversed();
}

function compareCuts(a: Cut, b: Cut): number {
  return a.shards - b.shards || b.ranges - a.ranges || a.squares - b.squares;
}

function groupByPrefix(pending: readonly Pending[]): { prefix: string; pending: Pending[] }[] {
  const groups: { prefix: string; pending: Pending[] }[] = [];
  for (const item of pending) {
    const prefix = item.digest.slice(0, 2);
    const last = groups.at(-1);
    if (last?.prefix === prefix) last.pending.push(item);
    else groups.push({ prefix, pending: [item] });
  }
  return groups;
}
