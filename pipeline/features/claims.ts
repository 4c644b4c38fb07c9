import { join } from 'node:path';
import { tryLock, type Lock, type LockOwner } from '../files/lock.js';
import type { Pending } from './plan.js';

/** Rows of a shard unless told otherwise: a killed run can lose twice as many, and a worker holds as many in memory (2 x 6.4 MB as float32). */
export const SHARD_ROWS = 64;

/** Photographs whose digests begin with one of some neighbouring bytes: what a worker takes at a time. */
export interface Range {
  /** First two hex digits of the digests. */
  readonly prefixes: readonly string[];
  readonly pending: readonly Pending[];
}

/**
 * Cuts pending photographs, in digest order, into ranges of at least a shard's rows (the last may have fewer). Work is
 * locked by the first byte of a digest, so that any two runs agree on what is whose.
 */
export function cutRanges(pending: readonly Pending[], shardRows: number): Range[] {
  const byPrefix = groupByPrefix(pending);
  const ranges: Range[] = [];
  let prefixes: string[] = [];
  let items: Pending[] = [];
  for (const [prefix, part] of byPrefix) {
    prefixes.push(prefix);
    items.push(...part);
    if (items.length >= shardRows) {
      ranges.push({ prefixes, pending: items });
      prefixes = [];
      items = [];
    }
  }
  if (items.length > 0) ranges.push({ prefixes, pending: items });
  return ranges;
}

/** Every prefix: who rewrites shards must be alone. */
export const ALL_PREFIXES: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/** Locks every prefix of the range, or none and names who holds one. */
export async function claim(folder: string, range: Pick<Range, 'prefixes'>): Promise<Lock | LockOwner> {
  const locks: Lock[] = [];
  const release = async (): Promise<void> => {
    for (const held of locks) await held.release();
  };
  for (const prefix of range.prefixes) {
    let result: Lock | LockOwner;
    try {
      result = await tryLock(join(folder, 'locks', prefix));
    } catch (error) {
      await release();
      throw error;
    }
    if (!('release' in result)) {
      await release();
      return result;
    }
    locks.push(result);
  }
  return { release };
}

/**
 * Whether part i of n (from 1) holds the digest: by content alone, so that an added photograph moves no other. A part
 * is a run of first bytes, so that parts lock nothing of each other; hence n is at most 256.
 */
export function inPart(digest: string, { part, parts }: { part: number; parts: number }): boolean {
  const first = Number.parseInt(digest.slice(0, 2), 16);
  return Math.floor((first * parts) / 256) === part - 1;
}

function groupByPrefix(pending: readonly Pending[]): Map<string, Pending[]> {
  const groups = new Map<string, Pending[]>();
  for (const item of pending) {
    const prefix = item.digest.slice(0, 2);
    groups.set(prefix, [...(groups.get(prefix) ?? []), item]);
  }
  return groups;
}
