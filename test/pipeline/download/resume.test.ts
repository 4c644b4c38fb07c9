import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname as hostName, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { download, type DownloadOptions } from '../../../pipeline/download/download.js';
import { readLists } from '../../../pipeline/download/list.js';
import { InputError, InterruptedError } from '../../../pipeline/errors.js';
import { listFile, noNames, quiet, settings, sha256, statuses, statusOf } from '../../faults/runs.js';
import { type MisbehavingServer, startServer } from '../../faults/start.js';

let server: MisbehavingServer;
let folder: string;
let out: string;
beforeAll(async () => {
  server = await startServer();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pool5-resume-'));
  out = join(folder, 'photos');
  return () => rm(folder, { recursive: true });
});
afterAll(() => server.stop());

/** Addresses under a path of their own, so that each test sees its own requests. */
let tests = 0;
beforeEach(() => void tests++);
const at = (path: string, host = 1): string => `http://127.0.0.${host}:${server.port}/${path}-${tests}.jpg`;

function slow(count: number, name: string): string[] {
  return Array.from({ length: count }, (_, index) => at(`slow/${index}/${name}`, 1 + (index % 20)));
}

async function fetchLists(lists: Record<string, readonly string[]>, others: Partial<DownloadOptions> = {}) {
  const files = await Promise.all(Object.entries(lists).map(([name, addresses]) => listFile(folder, name, addresses)));
  return download(await readLists(files), settings(out, others), quiet(), { lookup: noNames });
}

async function requests(address: string): Promise<number> {
  const { hostname, pathname } = new URL(address);
  return (await server.account()).requests[hostname + pathname] ?? 0;
}

describe('a second run', () => {
  it('asks for nothing that is settled, and for what failed where it is told to', async () => {
    const [good, missing, page] = [at('ok/1/a'), at('code/404/b'), at('html/1/c')];
    const recovering = at('recovers/1/d');
    await fetchLists({ cats: [good, missing, page, recovering] }, { retries: 1 });
    const first = { [good]: 'ok', [missing]: 'HTTP 404', [page]: 'not an image', [recovering]: 'HTTP 503' };
    expect(await statuses(out)).toEqual(first);
    await fetchLists({ cats: [good, missing, page, recovering] });
    expect(await Promise.all([good, missing, page, recovering].map(requests))).toEqual([1, 1, 1, 2]);
    await fetchLists({ cats: [good, missing, page, recovering] }, { retryFailed: true });
    expect(await Promise.all([good, missing, page, recovering].map(requests))).toEqual([1, 2, 1, 3]);
    expect(await statuses(out)).toEqual({ ...first, [recovering]: 'ok' });
  });

  it('fetches a picture again that was deleted or cut, and other lists keep their rows and pictures', async () => {
    const [one, two, other] = [at('ok/1/one'), at('ok/1/two'), at('ok/1/other')];
    await fetchLists({ cats: [one, two] });
    const files = (await statusOf(out)).map(({ file = '' }) => join(out, file));
    const whole = await readFile(files[1] ?? '');
    await rm(files[0] ?? '');
    await writeFile(files[1] ?? '', whole.subarray(0, 100));
    await fetchLists({ dogs: [other] });
    expect(await statuses(out)).toEqual({ [other]: 'ok' });
    await fetchLists({ cats: [one, two] });
    expect(await Promise.all([one, two, other].map(requests))).toEqual([2, 2, 1]);
    expect(await readFile(files[1] ?? '')).toEqual(whole);
    expect(await statuses(out)).toEqual({ [one]: 'ok', [two]: 'ok', [other]: 'ok' });
  });

  it('reads a status.csv whose last line a kill cut off, and removes half pictures', async () => {
    const [one, two] = [at('ok/1/one'), at('ok/1/two')];
    await fetchLists({ cats: [one] });
    const status = join(out, 'status.csv');
    await writeFile(status, `${await readFile(status, 'utf8')}cats,${two},ok,,cats/`);
    const half = `.tmp-${hostName().replaceAll(/[^\w-]/g, '_')}-${2 ** 30}-${randomUUID()}`;
    for (const path of [out, join(out, 'cats')]) await writeFile(join(path, half), 'half');
    await fetchLists({ cats: [one, two] });
    expect(await statuses(out)).toEqual({ [one]: 'ok', [two]: 'ok' });
    expect(await Promise.all([one, two].map(requests))).toEqual([1, 1]);
    expect((await readdir(out)).toSorted()).toEqual(['cats', 'status.csv']);
    expect(await readdir(join(out, 'cats'))).toHaveLength(2);
  });

  it('refuses a status.csv of something else', async () => {
    await fetchLists({ cats: [at('ok/1/a')] });
    const status = join(out, 'status.csv');
    await writeFile(status, 'name,state\nx,1\n');
    await expect(fetchLists({ cats: [at('ok/1/a')] })).rejects.toThrow(
      new InputError(
        `Expected the status.csv of a download, got another table (${status}). Name another folder with --out, or move this file away.`,
      ),
    );
  });

  it('takes private addresses and opted-out pictures once it is allowed to', async () => {
    const [inside, optedOut] = [at('ok/1/a'), at('opted-out/1/b')];
    await fetchLists({ cats: [inside, optedOut] }, { allowPrivate: false });
    expect(await statuses(out)).toEqual({ [inside]: 'private address', [optedOut]: 'private address' });
    await fetchLists({ cats: [inside, optedOut] });
    expect(await statuses(out)).toEqual({ [inside]: 'ok', [optedOut]: 'opted out' });
    await fetchLists({ cats: [inside, optedOut] }, { honourOptOut: false });
    expect(await statuses(out)).toEqual({ [inside]: 'ok', [optedOut]: 'ok' });
  });
});

describe('--per-list', () => {
  it('keeps exactly so many good pictures of each list, and goes on from there with a higher number', async () => {
    const lists = { cats: slow(60, 'cat'), dogs: slow(5, 'dog') };
    for (const perList of [10, 11, 30]) {
      await fetchLists(lists, { perList });
      const good = Object.entries(await statuses(out)).filter(([, status]) => status === 'ok');
      expect(good.filter(([address]) => address.includes('cat'))).toHaveLength(perList);
      expect(good.filter(([address]) => address.includes('dog'))).toHaveLength(5);
      expect(await readdir(join(out, 'cats'))).toHaveLength(perList);
      expect((await readdir(out)).toSorted()).toEqual(['cats', 'dogs', 'status.csv']);
    }
  });

  it('does not count a picture that turns out to be a placeholder', async () => {
    const gone = ['a', 'b', 'c'].map((name) => at(`unavailable/1/${name}`));
    const good = ['d', 'e', 'f'].map((name) => at(`ok/1/${name}`));
    await fetchLists({ cats: [...gone, ...good] }, { perList: 3, concurrency: 1 });
    const expected = [...gone.map((address) => [address, 'placeholder']), ...good.map((address) => [address, 'ok'])];
    expect(await statuses(out)).toEqual(Object.fromEntries(expected));
  });
});

describe('an interrupted run', () => {
  it('leaves everything in order, and the next one goes on', async () => {
    const addresses = slow(200, 'cat');
    const lists = await readLists([await listFile(folder, 'cats', addresses)]);
    const controller = new AbortController();
    const effects = {
      ...quiet(controller.signal),
      progress: () => ({ update: (done: number) => done > 30 && controller.abort('SIGINT'), stop: () => undefined }),
    };
    await expect(download(lists, settings(out, { concurrency: 4 }), effects)).rejects.toThrow(
      new InterruptedError('SIGINT', 'The pictures so far are kept; the same command goes on from them.'),
    );
    const rows = await statusOf(out);
    expect(rows.length).toBeGreaterThan(30);
    expect(rows.length).toBeLessThan(200);
    expect(await readdir(join(out, 'cats'))).toHaveLength(rows.length);
    await download(lists, settings(out), quiet());
    const after = await statusOf(out);
    expect(after.map(({ address, status }) => [address, status])).toEqual(addresses.map((address) => [address, 'ok']));
    for (const { file = '', sha256: digest } of after) expect(sha256(await readFile(join(out, file)))).toBe(digest);
  });
});
