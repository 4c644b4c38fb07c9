import { existsSync } from 'node:fs';
import { readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeStaleLocks, tryLock } from '../../../pipeline/files/lock.js';
import { newFolder } from '../../stages/command-line.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await newFolder();
  path = join(folder, '7f');
});
afterEach(() => rm(folder, { recursive: true }));

/** Seconds since 1970. */
const began = (): number => Date.now() / 1000 - process.uptime();

/** As the container before this one leaves it: the same host name, the same process id. */
async function namesake(touched: number): Promise<unknown> {
  const owner = { host: hostname(), pid: process.pid, token: 'of before', since: '2026-01-02T03:04:05.000Z' };
  await writeFile(path, JSON.stringify(owner));
  await utimes(path, touched, touched);
  return owner;
}

it('of a container that this one replaces, with its host name and process id, is taken over', async () => {
  await namesake(began() - 16); // which is not yet a minute ago
  const held = await tryLock(path);
  expect('release' in held).toBe(true);
  expect(await readFile(path, 'utf8')).not.toContain('of before');
});

it('of such a container is removed as stale', async () => {
  await namesake(began() - 16);
  await removeStaleLocks(folder);
  expect(existsSync(path)).toBe(false);
});

it('of a container of the same name that lives beside this one stays: it was touched a moment ago', async () => {
  const owner = await namesake(Date.now() / 1000 - 5);
  expect(await tryLock(path)).toEqual(owner);
  await removeStaleLocks(folder);
  expect(existsSync(path)).toBe(true);
});

it('that this process itself holds is held, however long it began ago', async () => {
  const held = await tryLock(path);
  expect(await tryLock(path)).toMatchObject({ pid: process.pid, host: hostname() });
  await utimes(path, new Date(), new Date(began() * 1000 + 1));
  expect(await tryLock(path)).toMatchObject({ pid: process.pid });
  if ('release' in held) await held.release();
  expect(existsSync(path)).toBe(false);
});
