import { execFileSync } from 'node:child_process';
import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { shardName } from '../../../pipeline/features/manifest.js';
import { findOrphans } from '../../../pipeline/features/orphans.js';
import { encodeShard } from '../../../pipeline/features/shard.js';
import { mend, survey } from '../../../pipeline/features/store.js';
import { KEY, madeUpCache, madeUpRows, QUIET, type MadeUpCache } from './made-up.js';

let cache: MadeUpCache;
let shards: string;
beforeEach(async () => {
  cache = await madeUpCache(madeUpRows(1), 1);
  shards = join(cache.folder, 'shards');
});
afterEach(() => rm(cache.features, { recursive: true }));

async function lay(bytes: Uint8Array): Promise<string> {
  const { file } = shardName(bytes);
  await writeFile(join(shards, file), bytes);
  return file;
}

/** What becomes of the files without an entry. */
async function look(): Promise<{ orphans: string[]; damaged: unknown[] }> {
  const listed = new Set((await readdir(join(cache.folder, 'manifest'))).map((name) => name.replace('json', 'arrow')));
  const damaged: { file: string; reason: string }[] = [];
  const orphans = await findOrphans(cache.folder, listed, KEY, damaged);
  return { orphans: orphans.map(({ file }) => file), damaged };
}

const notAShard = (file: string): unknown => ({
  orphans: [],
  damaged: [{ file: `shards/${file}`, reason: 'not a shard' }],
});

it('takes a shard as encodeShard writes it, with everything it holds', async () => {
  const rows = madeUpRows(3, 5).map((row, i) => ({ ...row, id: ['', 'ü 🐯.jpg', 'a/b'][i] ?? '' }));
  const file = await lay(encodeShard(rows, KEY, 'an "engine" of ü'));
  expect(await look()).toEqual({ orphans: [file], damaged: [] });
  const orphan = (await findOrphans(cache.folder, new Set(), KEY, [])).find((found) => found.file === file);
  expect(orphan).toMatchObject({ digests: rows.map((row) => row.digest), engine: 'an "engine" of ü' });
});

it('refuses an Arrow file of another writer', async () => {
  const file = await lay(tableToIPC(tableFromArrays({ digest: ['a'], id: ['b'] }), 'file'));
  expect(await look()).toEqual(notAShard(file));
});

it('refuses a shard with more behind it, or with a byte changed where no reader looks', async () => {
  const bytes = encodeShard(madeUpRows(2, 5), KEY, 'an engine');
  const long = await lay(Buffer.concat([bytes, Buffer.from('ARROW1')]));
  expect(await look()).toEqual(notAShard(long));
  await rm(join(shards, long));
  const padding = Buffer.from(bytes);
  padding[7] = 1; // the second zero after "ARROW1"
  const padded = await lay(padding);
  expect(await look()).toEqual(notAShard(padded));
});

it('refuses numbers that are not finite', async () => {
  const bytes = Buffer.from(encodeShard(madeUpRows(1, 5), KEY, 'an engine'));
  bytes.writeFloatLE(Infinity, 2000);
  const file = await lay(bytes);
  expect(await look()).toEqual(notAShard(file));
});

it('does not read a file that is larger than any shard', async () => {
  const name = `${'0'.repeat(32)}.arrow`;
  const file = await open(join(shards, name), 'w');
  await file.truncate(5e9); // sparse: it takes no space
  await file.close();
  const reason = '5000000000 bytes, more than any shard has';
  expect(await look()).toEqual({ orphans: [], damaged: [{ file: `shards/${name}`, reason }] });
});

it('leaves folders and pipes alone, and removes one that lies in the place of a shard', async () => {
  await mkdir(join(shards, 'folder.arrow'));
  execFileSync('mkfifo', [join(shards, 'pipe.arrow')]);
  expect(await look()).toEqual({ orphans: [], damaged: [] });
  const shard = (await readdir(shards)).find((name) => /^[0-9a-f]{32}/.test(name)) ?? '';
  const bytes = await readFile(join(shards, shard));
  const entryFile = join(cache.folder, 'manifest', shard.replace('arrow', 'json'));
  const entry = await readFile(entryFile);
  for (const put of [() => mkdir(join(shards, shard)), () => execFileSync('mkfifo', [join(shards, shard)])]) {
    await rm(join(shards, shard), { force: true });
    await writeFile(entryFile, entry);
    await put();
    const found = await survey(cache.folder, KEY, true, new AbortController().signal);
    expect(found.damaged).toEqual([
      { file: `shards/${shard}`, reason: expect.stringMatching(new RegExp(`^\\d+ bytes instead of ${bytes.length}$`)) },
    ]);
    await mend(cache.folder, KEY, { origin: 'a test', random: false }, found, QUIET);
    expect(await readdir(shards)).not.toContain(shard);
  }
});
