import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { download, type DownloadOptions } from '../../../pipeline/download/download.js';
import { readLists } from '../../../pipeline/download/list.js';
import { type Planned, plan } from '../../faults/plan.js';
import { type MisbehavingServer, startServer } from '../../faults/start.js';

let server: MisbehavingServer;
let folder: string;
beforeAll(async () => {
  server = await startServer();
  folder = await mkdtemp(join(tmpdir(), 'pool5-download-'));
});
afterAll(async () => {
  server.stop();
  await rm(folder, { recursive: true });
});

/** DNS that knows no name, so that no question leaves this machine. */
const noNames: LookupFunction = (hostname, _, callback) => {
  callback(Object.assign(new Error(`no ${hostname}`), { code: 'ENOTFOUND' }), []);
};

const effects = {
  progress: () => ({ update: () => undefined, stop: () => undefined }),
  signal: new AbortController().signal,
};

function settings(out: string): DownloadOptions {
  return {
    out,
    perList: Infinity,
    concurrency: 32,
    perHost: 3,
    timeout: 0.4,
    retries: 2,
    backoff: 0.02,
    maxBytes: 1_000_000,
    minSide: 32,
    placeholderFrom: 3,
    allowPrivate: true,
    honourOptOut: true,
    retryFailed: false,
  };
}

async function listsOf(planned: readonly Planned[]): Promise<string[]> {
  return Promise.all(
    ['tiger', 'kittycat'].map(async (list) => {
      const file = join(folder, `${list}.txt`);
      const addresses = planned.filter((each) => each.list === list).map(({ address }) => address);
      await writeFile(file, `# ${list}\r\n${addresses.join('  \r\n\r\n')}`);
      return file;
    }),
  );
}

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

async function statusOf(out: string): Promise<Record<string, string>[]> {
  return parse<Record<string, string>>(await readFile(join(out, 'status.csv')), { columns: true });
}

function tally(values: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of [...values].toSorted()) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

describe('download from 2,800 addresses of a misbehaving server', () => {
  it('ends with what the server did, address by address, and asks nothing twice', async () => {
    const planned = plan(server.port);
    expect(planned).toHaveLength(2800);
    const out = join(folder, 'photos');
    const files = await listsOf(planned);
    await download(await readLists(files), settings(out), effects, { lookup: noNames });

    const rows = await statusOf(out);
    const found = rows.map(({ list, address, status, tries }) => ({ list, address, status, tries }));
    const wanted = planned.map(({ list, address, status, tries }) => ({ list, address, status, tries: String(tries) }));
    const byAddress = (a: { address?: string }, b: { address?: string }): number =>
      (a.address ?? '') < (b.address ?? '') ? -1 : 1;
    expect(found.toSorted(byAddress)).toEqual(wanted.toSorted(byAddress));
    expect(tally(rows.map(({ status = '' }) => status))).toMatchInlineSnapshot();

    const account = await server.account();
    const asked = planned.filter(({ kind, status }) => kind !== status && !['DNS', 'refused', 'TLS'].includes(kind));
    for (const { address, tries } of asked.filter(({ status }) => status !== 'redirect loop')) {
      const { hostname, pathname } = new URL(address);
      if (!address.startsWith('ftp:'))
        expect([address, account.requests[hostname + pathname]]).toEqual([address, tries]);
    }
    expect(Math.max(...Object.values(account.most))).toBeLessThanOrEqual(1000);
    expect(account.early).toBe(0);

    for (const row of rows.filter(({ status }) => status === 'ok')) {
      expect(row['file']).toMatch(new RegExp(`^${row['list']}/${sha256(row['address'] ?? '')}\\.(jpg|png|webp)$`));
      const bytes = await readFile(join(out, row['file'] ?? ''));
      expect([String(bytes.length), sha256(bytes)]).toEqual([row['bytes'], row['sha256']]);
    }
    const kept = (await Promise.all(['tiger', 'kittycat'].map((list) => readdir(join(out, list))))).flat();
    expect(kept).toHaveLength(rows.filter(({ status }) => status === 'ok').length);
    expect((await readdir(out)).toSorted()).toEqual(['kittycat', 'status.csv', 'tiger']);
  });
});
