import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PACKAGE_ROOT } from '../../pipeline/package-root.js';
import { listFile, sha256, statuses, statusOf } from '../faults/runs.js';
import { type MisbehavingServer, startServer } from '../faults/start.js';

let server: MisbehavingServer;
let folder: string;
let out: string;
let tests = 0;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  tests++;
  folder = await mkdtemp(join(tmpdir(), 'pool5-cli-'));
  out = join(folder, 'photos');
});
afterEach(() => rm(folder, { recursive: true }));

const at = (path: string, host = 1): string => `http://127.0.0.${host}:${server.port}/${path}-cli${tests}.jpg`;

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [join(PACKAGE_ROOT, 'dist/stages/cli.js'), 'download', '--out', out, ...args]);
}

async function run(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const child = start(...args);
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const [code]: unknown[] = await once(child, 'close');
  return { code, ...output };
}

const SUMMARY = z.object({ pictures: z.number(), addresses: z.number(), lists: z.array(z.looseObject({})) });

/** Starts a run over slow addresses and waits until some pictures are there. */
async function startSlow(): Promise<{ child: ChildProcess; list: string; addresses: string[] }> {
  const addresses = Array.from({ length: 400 }, (_, index) => at(`slow/${index}/x`, 1 + (index % 20)));
  const list = await listFile(folder, 'cats', addresses);
  const child = start('--list', list, '--allow-private', '--concurrency', '2');
  while (!existsSync(join(out, 'cats')) || (await readdir(join(out, 'cats'))).length < 20) await sleep(5);
  return { child, list, addresses };
}

describe('pool5 download', () => {
  it('ends with a table by outcome and list', async () => {
    const cats = await listFile(folder, 'cats', [at('ok/1/a'), at('ok/1/b'), at('code/404/c'), at('truncated/1/d')]);
    const dogs = await listFile(folder, 'dogs', [at('ok/1/e'), at('html/1/f'), at('ok/1/e')]);
    const { code, stdout } = await run('--list', cats, '--list', dogs, '--allow-private');
    expect(code).toBe(0);
    const lines = stdout.trim().split('\n');
    expect(lines.filter((line) => /\d/.test(line)).map((line) => line.split(/[│\s]{2,}/).filter(Boolean))).toEqual([
      ['ok', '2', '1', '3'],
      ['HTTP 404', '1', '1'],
      ['not an image: damaged', '1', '1'],
      ['not an image: web page', '1', '1'],
      [expect.stringMatching(/^3 pictures of 6 addresses in .* s\); 1 lines repeat an address$/)],
      [`Each address's outcome: ${join(out, 'status.csv')}`],
    ]);
  });

  it('prints one JSON object with --json', async () => {
    const cats = await listFile(folder, 'cats', [at('ok/1/a'), at('code/404/c')]);
    const { stdout } = await run('--list', cats, '--allow-private', '--json');
    expect(SUMMARY.parse(JSON.parse(stdout))).toEqual({
      pictures: 1,
      addresses: 2,
      lists: [{ list: 'cats', addresses: 2, repeated: 0, ok: 1, outcomes: { ok: 1, 'HTTP 404': 1 }, untried: 0 }],
    });
  });

  it('copies from paths, and carries the columns of a table along', async () => {
    const picture = Buffer.from(await (await fetch(at('ok/1/local'))).arrayBuffer());
    await writeFile(join(folder, 'mine.jpg'), picture);
    const list = join(folder, 'mine.csv');
    await writeFile(list, 'url,width,"what, exactly"\nmine.jpg,7,"a ""cat"""\nabsent.jpg,8,\n');
    expect(await run('--list', list)).toMatchObject({ code: 0 });
    expect(await statusOf(out)).toMatchObject([
      { address: 'mine.jpg', status: 'ok', width: '64', 'width (list)': '7', 'what, exactly': 'a "cat"' },
      { address: 'absent.jpg', status: 'no such file', width: '0', 'width (list)': '8', 'what, exactly': '' },
    ]);
    expect(await readFile(join(out, 'mine', `${sha256('mine.jpg')}.jpg`))).toEqual(picture);
  });

  it('exits 3 where the network gave nothing, 2 where the list did', async () => {
    const refused = await listFile(folder, 'refused', ['http://127.0.0.1:1/a.jpg', 'http://127.0.0.2:1/b.jpg']);
    const status = join(out, 'status.csv');
    const none = await run('--list', refused, '--allow-private');
    expect(none.code).toBe(3);
    expect(none.stderr.trim().split('\n').at(-1)).toBe(
      `pool5: Expected at least one picture, got none (refused 2) (${status}). Check the network, then run again with --retry failed.`,
    );
    const dead = await listFile(folder, 'dead', [at('code/404/a'), at('html/1/b')]);
    const dry = await run('--list', dead, '--allow-private');
    expect(dry.code).toBe(2);
    expect(dry.stderr.trim().split('\n').at(-1)).toBe(
      `pool5: Expected at least one picture, got none (HTTP 404 1, not an image 1) (${status}). The column detail of status.csv says more.`,
    );
    const inside = await listFile(folder, 'inside', [`http://localhost:${server.port}/ok/1/inside.jpg`]);
    const guarded = await run('--list', inside);
    expect(guarded.code).toBe(2);
    expect(guarded.stderr.trim().split('\n').at(-1)).toBe(
      `pool5: Expected at least one picture, got none (private address 1) (${status}). Addresses in your own network need --allow-private.`,
    );
  });

  it.each([
    ['--max-bytes', 'big', 'Expected a size such as 20MB, got "big" (--max-bytes).'],
    ['--per-host', '0', 'Expected a whole number of at least 1, got 0 (--per-host).'],
    ['--timeout', 'soon', 'Expected a number of at least 0.1, got NaN (--timeout).'],
  ])('refuses %s %s', async (option, value, message) => {
    const list = await listFile(folder, 'cats', [at('ok/1/a')]);
    expect(await run('--list', list, option, value)).toEqual({ code: 2, stdout: '', stderr: `pool5: ${message}\n` });
  });

  it('leaves no half picture when it is killed, and goes on from there', async () => {
    const { child, list, addresses } = await startSlow();
    child.kill('SIGKILL');
    await once(child, 'close');
    const kept = await readdir(join(out, 'cats'));
    const rows = new Map((await statusOf(out)).map((row) => [row['file'], row]));
    expect(kept.length).toBeLessThan(addresses.length);
    // At most the pictures in work are there without a row; all of them are whole.
    expect(kept.filter((file) => !rows.has(`cats/${file}`)).length).toBeLessThanOrEqual(2);
    for (const [file = '', { sha256: digest } = {}] of rows) {
      expect(sha256(await readFile(join(out, file)))).toBe(digest);
    }
    const before = await server.account();
    expect(await run('--list', list, '--allow-private')).toMatchObject({ code: 0 });
    expect(Object.values(await statuses(out))).toEqual(addresses.map(() => 'ok'));
    const { requests } = await server.account();
    const repeated = Object.keys(before.requests).filter((path) => requests[path] !== before.requests[path]);
    expect(repeated.length).toBeLessThanOrEqual(4);
    expect((await readdir(out)).toSorted()).toEqual(['cats', 'status.csv']);
  });

  it('refuses a folder that another run works in', async () => {
    const { child, list } = await startSlow();
    const second = await run('--list', list, '--allow-private');
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(second.code).toBe(2);
    expect(second.stderr.replace(/on .*, since [^ ]+Z/, 'on HERE')).toBe(
      `pool5: Expected no other download, got process ${child.pid} on HERE (${out}). Wait for it to end, or name another folder with --out.\n`,
    );
  });

  it('says that it may not write', async () => {
    const list = await listFile(folder, 'cats', [at('ok/1/a')]);
    await writeFile(out, '');
    const { code, stderr } = await run('--list', list, '--allow-private');
    expect([code, stderr]).toEqual([3, expect.stringMatching(/^pool5: Cannot write .*photos/)]);
  });

  it('exits 130 on SIGINT and says how to go on', async () => {
    const { child } = await startSlow();
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.kill('SIGINT');
    const [code]: unknown[] = await once(child, 'close');
    expect(code).toBe(130);
    expect(stderr).toBe(
      'pool5: Interrupted (SIGINT). The pictures so far are kept; the same command goes on from them.\n',
    );
    const kept = await readdir(join(out, 'cats'));
    expect(kept.length).toBe((await statusOf(out)).length);
    expect((await readdir(out)).toSorted()).toEqual(['cats', 'status.csv']);
  });
});
