import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import seedrandom from 'seedrandom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newFolder, pool5 } from '../stages/command-line.js';
import { cacheFolder, drawPictures, inspect, leftovers, start, succeed, type Running } from './extraction.js';

/** Killed runs of the test; POOL5_KILLS=50 for the full one. */
const KILLS = Number(process.env['POOL5_KILLS'] ?? 6);

const PICTURES = 8;

let folder: string;
let images: string;
/** What an undisturbed run gives. */
let undisturbed: string;

const args = (features: string, ...more: string[]): string[] => {
  return ['extract', '--images', images, '--features', join(folder, features), '--shard-rows', '2', ...more];
};
const extract = (features: string, ...more: string[]): Running => start(args(features, ...more));

async function expectWhole(features: string, contentDigest: unknown = undisturbed): Promise<void> {
  expect(await inspect(join(folder, features))).toMatchObject({ contentDigest, rows: PICTURES });
  expect(await leftovers(join(folder, features))).toEqual([]);
}

beforeAll(async () => {
  folder = await newFolder();
  images = join(folder, 'images');
  await drawPictures(images, PICTURES);
  await succeed(extract('undisturbed').ended);
  undisturbed = (await inspect(join(folder, 'undisturbed'))).contentDigest;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a run that is cut short', () => {
  it(
    `loses nothing to kill -9 at ${KILLS} random moments`,
    async () => {
      const random = seedrandom('kill');
      let rows = 0;
      let whole = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        const run = extract('killed', ...(kill % 2 === 0 ? [] : ['--workers', '2']));
        const timer = setTimeout(() => run.child.kill('SIGKILL'), random() * 5000);
        const { signal } = await run.ended;
        clearTimeout(timer);
        const after = await inspect(join(folder, 'killed')).catch(() => undefined); // killed before the first shard
        const shards = (await readdir(join(folder, 'killed'), { recursive: true }).catch(() => [])).filter((name) =>
          name.endsWith('.arrow'),
        );
        expect(shards.length * 2).toBeGreaterThanOrEqual(rows);
        rows = after?.rows ?? rows;
        if (signal === null) {
          await expectWhole('killed');
          await rm(join(folder, 'killed'), { recursive: true });
          rows = 0;
          whole++;
        }
      }
      const last = await extract('killed', '--json').ended;
      expect(last).toMatchObject({ code: 0 });
      await expectWhole('killed');
      console.log(`${KILLS - whole} runs killed, ${whole} ended before the kill; lost: nothing`);
    },
    30_000 + KILLS * 20_000,
  );

  it.each([
    ['SIGINT', 130, 'engine:', 'onnx'],
    ['SIGTERM', 143, 'engine:', 'onnx'],
    ['SIGINT', 130, 'fresh', 'onnx'],
    ['SIGTERM', 143, 'engine: tfjs-backend-wasm', 'wasm'],
  ] as const)('%s: exit %i after "%s" (%s), says how to go on', async (signal, code, moment, engine) => {
    const name = `${signal} ${moment}`;
    const run = extract(name, '--engine', engine);
    await run.said(moment);
    const sent = performance.now();
    run.child.kill(signal);
    const { code: exit, signal: by, stderr, stdout } = await run.ended;
    const seconds = ((performance.now() - sent) / 1000).toFixed(1);
    console.log(`${signal} after "${moment}" (${engine}): ended in ${seconds} s, by ${by ?? `code ${exit}`}`);
    // A shell reports both in the same way: by the signal itself where the engine was still busy.
    expect([exit, by]).toContainEqual(exit === null ? signal : code);
    expect(stderr).toMatch(
      new RegExp(
        `pool5: Interrupted \\(${signal}\\)\\. \\d+ new features are safe; run the same command again to go on\\.\\n$`,
      ),
    );
    expect(stdout).toBe('');
    expect(await extract(name).ended).toMatchObject({ code: 0 });
    // Rows that another engine computed differ in their last bits.
    await expectWhole(name, engine === 'onnx' ? undisturbed : (await inspect(join(folder, name))).contentDigest);
  });

  it('stops at once at the second SIGINT', async () => {
    const run = extract('twice');
    await run.said('engine:');
    run.child.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 30));
    const sent = performance.now();
    run.child.kill('SIGINT');
    const { code, signal } = await run.ended;
    console.log(`second SIGINT: ended in ${(performance.now() - sent).toFixed(0)} ms`);
    expect(code === 130 || signal === 'SIGINT').toBe(true);
  });

  it('takes over the lock of a process that is gone, and tells whom it waits for otherwise', async () => {
    const locks = async (features: string, owner: { host: string; pid: number }): Promise<void> => {
      const cache = basename(await cacheFolder(join(folder, 'undisturbed')));
      const path = join(folder, features, cache, 'locks');
      await mkdir(path, { recursive: true });
      for (let prefix = 0; prefix < 256; prefix++) {
        const file = join(path, prefix.toString(16).padStart(2, '0'));
        await writeFile(file, JSON.stringify({ ...owner, token: 'x', since: '2026-01-01T00:00:00Z' }));
      }
    };
    await locks('gone', { host: hostname(), pid: 2 ** 30 });
    expect(await extract('gone').ended).toMatchObject({ code: 0 });
    await expectWhole('gone');

    await locks('held', { host: 'another', pid: 4711 });
    const run = extract('held');
    await run.said('waiting for another run: process 4711 on another, since 2026-01-01T00:00:00Z\n');
    const held = join(await cacheFolder(join(folder, 'held')), 'locks');
    const old = new Date(Date.now() - 61_000);
    for (const name of await readdir(held)) await utimes(join(held, name), old, old).catch(() => undefined);
    expect(await run.ended).toMatchObject({ code: 0 });
    await rm(join(folder, 'held'), { recursive: true });
  });
});

describe('several workers', () => {
  it('two runs at once do nothing twice', async () => {
    const runs = [extract('shared', '--json'), extract('shared', '--json')];
    const ended = await Promise.all(runs.map((run) => run.ended));
    const computed = ended.map(({ code, stdout }) => {
      expect(code).toBe(0);
      return Number(JSON.parse(stdout).computed);
    });
    expect(computed.reduce((a, b) => a + b)).toBe(PICTURES);
    await expectWhole('shared');
  });

  it('two runs at once, one of which compacts and prunes, lose nothing and do nothing twice', async () => {
    const runs = [extract('tidied', '--json', '--compact', '--prune'), extract('tidied', '--json')];
    const computed = (await Promise.all(runs.map((run) => succeed(run.ended)))).map(({ stdout }) =>
      Number(JSON.parse(stdout).computed),
    );
    expect(computed.reduce((a, b) => a + b)).toBe(PICTURES);
    await expectWhole('tidied');
  });

  it('two workers give the same table', async () => {
    expect(await pool5(...args('workers', '--workers', '2'))).toMatchObject({ code: 0 });
    await expectWhole('workers');
  });

  it('three parts on one folder give the same table, each its own rows', async () => {
    const parts = await Promise.all(
      ['1/3', '2/3', '3/3'].map((part) => pool5(...args('parts', '--shard', part, '--json'))),
    );
    expect(parts.map(({ code }) => code)).toEqual([0, 0, 0]);
    const computed = parts.map(({ stdout }) => Number(JSON.parse(stdout).computed));
    expect(computed.reduce((a, b) => a + b)).toBe(PICTURES);
    expect(Math.max(...computed)).toBeLessThan(PICTURES);
    await expectWhole('parts');
  });

  it('refuses a part that is none', async () => {
    expect(await pool5(...args('none', '--shard', '0/3'))).toEqual({
      code: 2,
      stdout: '',
      stderr: 'pool5: Expected --shard i/n with 1 <= i <= n <= 256, got 0/3.\n',
    });
  });
});
