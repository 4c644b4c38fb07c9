import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { download } from '../../../pipeline/download/download.js';
import { readLists } from '../../../pipeline/download/list.js';
import { type Planned, plan } from '../../faults/plan.js';
import { listFile, noNames, quiet, settings, sha256, statusOf } from '../../faults/runs.js';
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

function tally(values: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of [...values].toSorted()) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

describe('download from 2,800 addresses of a misbehaving server', () => {
  it('ends with what the server did, address by address', async () => {
    const planned = plan(server.port);
    expect(planned).toHaveLength(2800);
    const out = join(folder, 'photos');
    const files = await Promise.all(
      ['tiger', 'kittycat'].map((list) => {
        const addresses = planned.filter((each) => each.list === list).map(({ address }) => address);
        return listFile(folder, list, addresses);
      }),
    );
    await download(await readLists(files), settings(out), quiet(), { lookup: noNames });

    const rows = await statusOf(out);
    const verdicts = rows.map(({ list, address, status, tries }) => [`${list} ${address}`, `${status} in ${tries}`]);
    const wanted = planned.map(({ list, address, status, tries }) => [`${list} ${address}`, `${status} in ${tries}`]);
    expect(Object.fromEntries(verdicts)).toEqual(Object.fromEntries(wanted));
    expect(rows).toHaveLength(2800);
    expect(tally(rows.map(({ status = '' }) => status))).toMatchInlineSnapshot(`
      {
        "DNS": 110,
        "HTTP 403": 60,
        "HTTP 404": 380,
        "HTTP 410": 40,
        "HTTP 429": 4,
        "HTTP 500": 12,
        "TLS": 12,
        "duplicate": 30,
        "not HTTP": 6,
        "not an address": 8,
        "not an image": 338,
        "ok": 1228,
        "opted out": 20,
        "placeholder": 360,
        "redirect loop": 26,
        "refused": 40,
        "reset": 32,
        "timeout": 40,
        "too large": 24,
        "too small": 30,
      }
    `);

    const account = await server.account();
    const asked = planned.filter(
      ({ address, kind }) => kind !== 'spiral' && kind !== 'refused' && address.startsWith('http:'),
    );
    const requests = (each: Planned): number =>
      account.requests[new URL(each.address).host.replace(/:.*/, '') + new URL(each.address).pathname] ?? 0;
    const answered = asked.filter(({ kind }) => kind !== 'DNS');
    expect(Object.fromEntries(answered.map((each) => [each.address, requests(each)]))).toEqual(
      Object.fromEntries(answered.map(({ address, tries }) => [address, tries])),
    );
    // On the hosts where nothing breaks off, the server sees exactly what is open.
    const most = ['21', '22', '23', '24'].map((last) => account.most[`127.0.0.${last}`] ?? Infinity);
    expect(Math.max(...most)).toBeLessThanOrEqual(3);
    expect(account.agents).toEqual([`pool5 (downloads pictures from lists; Node.js ${process.versions.node})`]);
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

  it('sends one host no more requests at a time than it may, however many are to be sent', async () => {
    const addresses = Array.from(
      { length: 40 },
      (_, index) => `http://127.0.0.24:${server.port}/slow/${index}/one.jpg`,
    );
    const out = join(folder, 'one-host');
    await download(await readLists([await listFile(folder, 'one-host', addresses)]), settings(out), quiet());
    expect((await statusOf(out)).map(({ status }) => status)).toEqual(addresses.map(() => 'ok'));
    expect((await server.account()).most['127.0.0.24']).toBe(3);
  });

  it('counts requests that redirects lead to among those of their host', async () => {
    const addresses = Array.from({ length: 40 }, (_, index) => {
      const target = `http://127.0.0.23:${server.port}/slow/${index}/redirected.jpg`;
      return `http://127.0.0.${(index % 20) + 1}:${server.port}/to/${index}/a?${target}`;
    });
    const out = join(folder, 'redirected');
    await download(await readLists([await listFile(folder, 'redirected', addresses)]), settings(out), quiet());
    expect((await statusOf(out)).map(({ status }) => status)).toEqual(addresses.map(() => 'ok'));
    expect((await server.account()).most['127.0.0.23']).toBe(3);
  });

  it('waits for a slow picture as long as something comes', async () => {
    const list = await listFile(folder, 'slow', [`http://127.0.0.1:${server.port}/trickle/1/slow.jpg`]);
    const out = join(folder, 'slow-picture');
    await download(await readLists([list]), settings(out, { timeout: 1, retries: 0 }), quiet());
    expect(await statusOf(out)).toMatchObject([{ status: 'ok', tries: '1' }]);
  });
});
