import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ownerText, tryLock, type Lock, type LockOwner } from '../files/lock.js';
import type { Range } from './ranges.js';

/** Taken by whoever adds or removes shards that are not his own range's, beside the prefixes. */
const UPKEEP = 'upkeep';

/** Taken by the one of many tasks that reads all photographs for the others. */
const READING = 'reading';

const PREFIXES: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

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

/** What a run that waits for another needs of Effects. */
export interface Waiting {
  log(line: string): void;
  readonly signal: AbortSignal;
}

/**
 * Waits until no run computes or mends, and keeps others from it: who rewrites shards must be alone.
 * @returns undefined where the signal is aborted first
 */
export function claimAll(folder: string, effects: Waiting): Promise<Lock | undefined> {
  return waitFor(folder, [...PREFIXES, UPKEEP], effects);
}

/** As claimAll, and of the index, too: what every run takes that changes the cache. Does not wait: names who holds one. */
export function tryClaimCache(folder: string): Promise<Lock | LockOwner> {
  return claim(folder, { prefixes: [...PREFIXES, UPKEEP, 'index'] });
}

/** Waits until no run mends or rewrites shards; others may compute meanwhile. Undefined as for claimAll. */
export function claimUpkeep(folder: string, effects: Waiting): Promise<Lock | undefined> {
  return waitFor(folder, [UPKEEP], effects);
}

/** Waits until no other task reads the photographs of a cache that has no index. Undefined as for claimAll. */
export function claimReading(folder: string, effects: Waiting): Promise<Lock | undefined> {
  return waitFor(folder, [READING], effects);
}

async function waitFor(folder: string, prefixes: readonly string[], effects: Waiting): Promise<Lock | undefined> {
  for (let told = false; !effects.signal.aborted; told = true) {
    const result = await claim(folder, { prefixes });
    if ('release' in result) return result;
    if (!told) effects.log(`waiting for another run: ${ownerText(result)}`);
    await setTimeout(500);
  }
  return undefined;
}

/**
 * Whether part i of n (from 1) holds the digest: by content alone, so that an added photograph moves no other. A part
 * is a run of first bytes, so that parts lock nothing of each other; hence n is at most 256.
 */
export function inPart(digest: string, { part, parts }: { part: number; parts: number }): boolean {
  const first = Number.parseInt(digest.slice(0, 2), 16);
  return Math.floor((first * parts) / 256) === part - 1;
}
