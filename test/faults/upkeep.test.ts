import { watch } from 'node:fs';
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import seedrandom from 'seedrandom';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openCache } from '../../pipeline/features/cache.js';
import { contentDigest } from '../../pipeline/features/places.js';
import { newFolder } from '../stages/command-line.js';
import { cacheFolder, leftovers, start, succeed, type Running } from './extraction.js';
import { fillCache } from './filled-cache.js';

/** Killed runs of each kind; POOL5_KILLS=50 for the full test. */
const KILLS = Number(process.env['POOL5_KILLS'] ?? 3);

const ROWS = 300;

/** Pictures that are deleted before the pruning. */
const GONE = 40;

let folder: string;
let images: string;
beforeAll(async () => {
  folder = await newFolder();
  images = join(folder, 'images');
  await fillCache({ images, features: join(folder, 'sound') }, ROWS, { dtype: 'float16', shardRows: 2 });
  await succeed(run('sound').ended); // writes the index of pictures
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (features: string, ...more: string[]): Running =>
  start(['extract', '--images', images, '--features', join(folder, features), '--dtype', 'float16', ...more]);

async function shardsOf(features: string): Promise<string[]> {
  return (await readdir(join(await cacheFolder(join(folder, features)), 'shards'))).toSorted();
}

/** Digests and their checked rows, as train reads them. */
async function contentOf(features: string): Promise<{ content: string; digests: string[] }> {
  const cache = await openCache(join(folder, features));
  const digests: string[] = [];
  for await (const { digest } of cache.rows()) digests.push(digest);
  return { content: contentDigest(cache.places), digests };
}

/** When files of the shards' folder come and go. */
async function changes(features: string): Promise<{ first: Promise<void>; span(): number; stop(): void }> {
  const times: number[] = [];
  const watcher = watch(join(await cacheFolder(join(folder, features)), 'shards'));
  const first = new Promise<void>((resolve) => {
    watcher.on('change', () => {
      times.push(performance.now());
      resolve();
    });
  });
  return { first, span: () => (times.at(-1) ?? 0) - (times[0] ?? 0), stop: () => watcher.close() };
}

const copySound = (features: string): Promise<void> =>
  cp(join(folder, 'sound'), join(folder, features), { recursive: true, preserveTimestamps: true });

type Content = Awaited<ReturnType<typeof contentOf>>;

async function expectWhole(features: string, expected: Content): Promise<void> {
  expect(await contentOf(features)).toEqual(expected);
  expect(await leftovers(join(folder, features))).toEqual([]);
}

async function expectNothingLost(features: string, expected: Content): Promise<void> {
  const there = new Set((await contentOf(features)).digests);
  expect(expected.digests.filter((digest) => !there.has(digest))).toEqual([]);
}

it.each([[['--compact']], [['--prune']], [['--prune', '--compact']]])(
  `extract %j loses nothing to kill -9 at ${KILLS} random moments`,
  async (flags) => {
    if (flags.includes('--prune')) {
      for (let i = 0; i < GONE; i++) await rm(join(images, `p${i}.png`), { force: true });
    }
    const name = flags.join(' ');
    await copySound(name);
    const whole = run(name, ...flags);
    const busy = await changes(name);
    await succeed(whole.ended);
    busy.stop();
    const expected = await contentOf(name);
    const shards = await shardsOf(name);
    expect(expected.digests).toHaveLength(flags.includes('--prune') ? ROWS - GONE : ROWS);

    const random = seedrandom(name);
    let [killed, inside, over] = [0, 0, true];
    for (let kill = 0; kill < KILLS; kill++) {
      if (over) {
        await rm(join(folder, name), { recursive: true });
        await copySound(name);
      }
      const before = await shardsOf(name);
      const upkeep = run(name, ...flags);
      const watched = await changes(name);
      // Two of three after the first shard was touched, the others at any time after the plan.
      await Promise.race([kill % 3 === 0 ? upkeep.said('fresh') : watched.first, upkeep.ended]);
      const timer = setTimeout(() => upkeep.child.kill('SIGKILL'), random() * (busy.span() + 20));
      over = (await upkeep.ended).signal === null;
      clearTimeout(timer);
      watched.stop();
      if (over) await expectWhole(name, expected);
      else {
        killed++;
        if ((await shardsOf(name)).join() !== before.join()) inside++;
        await expectNothingLost(name, expected);
      }
    }
    await succeed(run(name, ...flags).ended);
    await expectWhole(name, expected);
    expect(await shardsOf(name)).toHaveLength(shards.length);
    console.log(`${name}: ${killed} of ${KILLS} runs killed, ${inside} while they rewrote shards; lost: nothing`);
  },
  60_000 + KILLS * 20_000,
);
