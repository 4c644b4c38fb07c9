import { mkdtemp, rm } from 'node:fs/promises';
import type { LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { download } from '../../../pipeline/download/download.js';
import { isPublic } from '../../../pipeline/download/guard.js';
import { readLists } from '../../../pipeline/download/list.js';
import { listFile, quiet, settings, statusOf } from '../../faults/runs.js';
import { type MisbehavingServer, startServer } from '../../faults/start.js';

/** Answers each question for a name with the next of its addresses, and with the last from then on. */
function namesOf(names: Record<string, readonly string[][]>): LookupFunction {
  const asked = new Map<string, number>();
  return (hostname, _, callback) => {
    const count = asked.get(hostname) ?? 0;
    asked.set(hostname, count + 1);
    const answers = names[hostname] ?? [];
    const addresses = answers[Math.min(count, answers.length - 1)] ?? [];
    callback(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    );
  };
}

/** For these tests the world's addresses are those up to 127.0.0.9; 127.0.0.20 is the user's own network. */
function isWorld(ip: string): boolean {
  return /^127\.0\.0\.[1-9]$/.test(ip);
}

describe('isPublic', () => {
  it.each([
    '8.8.8.8',
    '172.32.0.1',
    '2001:4860:4860::8888',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808', // NAT64 of 8.8.8.8
  ])('allows %s', (ip) => expect(isPublic(ip)).toBe(true));

  it.each([
    '127.0.0.1',
    '127.8.9.1',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254', // a cloud's metadata
    '100.64.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'fec0::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:a00:1',
    '64:ff9b::a00:1', // NAT64 of 10.0.0.1
    '2002:7f00:1::', // 6to4 of 127.0.0.1
    '2001:db8::1',
    'localhost',
    '',
  ])('refuses %s', (ip) => expect(isPublic(ip)).toBe(false));
});

describe('download without --allow-private', () => {
  let server: MisbehavingServer;
  let folder: string;
  beforeAll(async () => {
    server = await startServer();
    folder = await mkdtemp(join(tmpdir(), 'pool5-guard-'));
  });
  afterAll(async () => {
    server.stop();
    await rm(folder, { recursive: true });
  });

  it('refuses literal addresses however they are written, and asks nobody', async () => {
    const { port } = server;
    const hosts = ['127.0.0.1', '127.1', '2130706433', '0x7f.1', '017700000001', '[::1]', '[::ffff:127.0.0.1]', '0'];
    const out = join(folder, 'literal');
    const addresses = hosts.map((host) => `http://${host}:${port}/ok/1/literal.jpg`);
    await download(
      await readLists([await listFile(folder, 'literal', addresses)]),
      settings(out, { allowPrivate: false }),
      quiet(),
    );
    expect((await statusOf(out)).map(({ status }) => status)).toEqual(hosts.map(() => 'private address'));
    expect((await server.account()).requests).toEqual({});
  });

  it('refuses what DNS and redirects lead to, and connects to no other address than the one it judged', async () => {
    const { port } = server;
    const out = join(folder, 'names');
    const lookup = namesOf({
      'good.test': [['127.0.0.1']],
      'inside.test': [['127.0.0.20']],
      'both.test': [['127.0.0.20', '127.0.0.2']],
      // Rebinding: the second answer points inside.
      'rebinds.test': [['127.0.0.3'], ['127.0.0.20']],
    });
    const url = (host: string, path: string): string => `http://${host}:${port}/${path}`;
    const cases: Record<string, string> = {
      [url('good.test', 'ok/1/good.jpg')]: 'ok',
      [url('inside.test', 'ok/1/inside.jpg')]: 'private address',
      [url('both.test', 'ok/1/both.jpg')]: 'ok',
      [url('rebinds.test', 'resets-once/1/rebinds.jpg')]: 'private address',
      [url('good.test', `to/1/a?${url('127.0.0.20', 'ok/1/redirected.jpg')}`)]: 'private address',
      [url('good.test', `to/1/b?${url('inside.test', 'ok/1/redirected.jpg')}`)]: 'private address',
      [url('good.test', `to/1/c?${url('127.0.0.4', 'ok/1/elsewhere.jpg')}`)]: 'ok',
    };
    const lists = await readLists([await listFile(folder, 'names', Object.keys(cases))]);
    await download(lists, settings(out, { allowPrivate: false }), quiet(), { lookup, isPublic: isWorld });
    const rows = await statusOf(out);
    expect(Object.fromEntries(rows.map(({ address, status }) => [address, status]))).toEqual(cases);
    const asked = Object.keys((await server.account()).requests);
    expect(asked.filter((each) => each.startsWith('127.0.0.20'))).toEqual([]);
    expect(asked.filter((each) => each.includes('rebinds'))).toHaveLength(1);
  });
});
