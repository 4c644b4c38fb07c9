import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { errorCode } from '../errors.js';
import { writeFault } from './atomic.js';
import { processRuns } from './process-runs.js';

/** A lock's owner touches its file this often (milliseconds). */
const HEARTBEAT = 5_000;

/** An owner that has not touched its file for this long (milliseconds) is taken for dead. */
const STALE = 60_000;

const ownerSchema = z.object({ host: z.string(), pid: z.int(), token: z.string(), since: z.string() });

export type LockOwner = z.infer<typeof ownerSchema>;

export interface Lock {
  release(): Promise<void>;
}

/** For people: "process 4711 on build3, since 2026-11-24T08:00:00Z". */
export function ownerText(owner: LockOwner): string {
  return `process ${owner.pid} on ${owner.host}, since ${owner.since}`;
}

/**
 * Takes the lock, a file that exists while it is held, or names its owner. A lock is stale when its process is gone
 * (same machine, or a container that this one replaces) or its file was not touched for a minute; it is then taken over.
 * @throws WorldError where the folder cannot be written
 */
export async function tryLock(path: string): Promise<Lock | LockOwner> {
  const owner = { host: hostname(), pid: process.pid, token: randomUUID(), since: new Date().toISOString() };
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
    throw writeFault(error, path);
  });
  for (;;) {
    try {
      const file = await open(path, 'wx');
      try {
        await file.writeFile(JSON.stringify(owner));
      } catch (error) {
        await rm(path, { force: true });
        throw error;
      } finally {
        await file.close();
      }
      return hold(path, owner);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw writeFault(error, path);
    }
    const other = await readOwner(path);
    if (other !== undefined && !(await isStale(path, other))) return other;
    await takeAway(path, other);
  }
}

/** Waits for the lock, asking twice a second; `waiting` hears the owner's name once. */
export async function lock(path: string, waiting?: (owner: LockOwner) => void): Promise<Lock> {
  for (let told = false; ; told = true) {
    const result = await tryLock(path);
    if ('release' in result) return result;
    if (!told) waiting?.(result);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

function hold(path: string, owner: LockOwner): Lock {
  const timer = setInterval(() => {
    const now = new Date();
    void utimes(path, now, now).catch(() => undefined);
  }, HEARTBEAT);
  timer.unref();
  return {
    async release() {
      clearInterval(timer);
      const current = await readOwner(path);
      if (current?.token === owner.token) await rm(path, { force: true });
    },
  };
}

async function readOwner(path: string): Promise<LockOwner | undefined> {
  try {
    return ownerSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined; // gone, or still empty: its age decides
  }
}

/** A running process is not proof: its number may have been given to another since. */
async function isStale(path: string, owner: LockOwner): Promise<boolean> {
  const touched = (await stat(path).catch(() => undefined))?.mtimeMs;
  if (touched === undefined) return false; // it is gone
  return Date.now() - touched > STALE || (owner.host === hostname() && !processRuns(owner.pid, touched));
}

/** Deletes the locks that killed runs left in the folder. */
export async function removeStaleLocks(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const owner = await readOwner(path);
    if (owner === undefined || (await isStale(path, owner))) await takeAway(path, owner);
  }
}

/** Removes a stale lock. Renaming first lets exactly one of several rivals win; it puts back what is not the stale one. */
async function takeAway(path: string, stale: LockOwner | undefined): Promise<void> {
  if (stale === undefined) {
    const stats = await stat(path).catch(() => undefined);
    if (stats === undefined) return;
    if (Date.now() - stats.mtimeMs < HEARTBEAT) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return;
    }
  }
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  const taken = await readOwner(aside);
  if (taken?.token === stale?.token) await rm(aside, { force: true });
  else await putBack(aside, path);
}

/** Never over a lock that a third run has taken in between. */
async function putBack(aside: string, path: string): Promise<void> {
  await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}
