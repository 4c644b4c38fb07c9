// Lays forged shards into a cache, CASES of them, and lets the built pipeline look at each as extract, inspect, train
// and compact do. Prints {cases, adopted, refused, megabytes}. The test starts it with little heap and a time limit.
// Usage: node test/faults/forge.mjs CASES SEED
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import * as fc from 'fast-check';
import seedrandom from 'seedrandom';
import { WorldError } from '../../dist/pipeline/errors.js';
import { openCache, writeCurrent } from '../../dist/pipeline/features/cache.js';
import { folderName } from '../../dist/pipeline/features/key.js';
import { entryPath, newHeader, writeHeader } from '../../dist/pipeline/features/manifest.js';
import { readShardRows } from '../../dist/pipeline/features/rewrite.js';
import { commitShard, survey } from '../../dist/pipeline/features/store.js';

const [cases, seed] = process.argv.slice(2).map(Number);
const KEY = { weights: 'a'.repeat(64), preprocessing: '1', layer: 'pool5', dtype: 'float16' };
const sha256 = (data) => createHash('sha256').update(data).digest('hex');

const random = seedrandom('forge');
const rows = ['a.jpg', 'Ünï 🐯.png', 'c/d/e.webp', 'f.jpg', 'g.jpg'].map((id) => ({
  digest: sha256(id),
  id,
  feature: Float32Array.from({ length: 25_088 }, () => random() * 9),
}));

const features = await mkdtemp(join(tmpdir(), 'pool5 forge '));
const folder = join(features, folderName(KEY));
await writeHeader(folder, newHeader(KEY, { origin: 'a test', random: false }));
await writeCurrent(features, folderName(KEY));
const listed = await commitShard(folder, rows.slice(0, 2), KEY, 'a test');
const other = await commitShard(folder, rows.slice(2), KEY, 'another');
const genuine = [];
for (const { file } of [listed, other]) genuine.push(await readFile(join(folder, 'shards', file)));
await rm(join(folder, 'shards', other.file));
await rm(entryPath(folder, other.file));

/** Half of all places are in the first or last kilobyte, where lengths, offsets and counts lie. */
const place = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  near: fc.constantFrom('anywhere', 'start', 'end', 'end'),
});
const positionOf = ({ at, near }, length) => {
  const span = near === 'anywhere' ? length : Math.min(length, 1000);
  return (near === 'end' ? length - span : 0) + Math.floor(at * span);
};
const number = fc.oneof(
  fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 30, 2 ** 28, 65_536, 64, 128, 4096),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.integer({ min: 0, max: 400_000 }),
);
const wound = fc.oneof(
  fc.record({ kind: fc.constant('flip'), place, bit: fc.integer({ min: 0, max: 7 }) }),
  fc.record({ kind: fc.constant('number'), place, number }),
  fc.record({ kind: fc.constant('number'), place, number }),
  fc.record({ kind: fc.constant('cut'), place, head: fc.boolean() }),
  fc.record({
    kind: fc.constant('splice'),
    place,
    from: place,
    length: fc.integer({ min: 1, max: 3000 }),
    insert: fc.boolean(),
    source: fc.constantFrom(0, 1),
  }),
);

function wounded(bytes, how) {
  const at = Math.min(positionOf(how.place, bytes.length), Math.max(0, bytes.length - 1));
  if (bytes.length < 8) return bytes;
  switch (how.kind) {
    case 'flip':
      bytes[at] ^= 1 << how.bit;
      return bytes;
    case 'number': // where a length or an offset may lie: at a multiple of four, or (the footer's) before the end
      bytes.writeInt32LE(
        how.number,
        how.place.at > 0.98 ? bytes.length - 10 : Math.min(at - (at % 4), bytes.length - 4),
      );
      return bytes;
    case 'cut':
      return how.head ? bytes.subarray(at) : bytes.subarray(0, at);
    default: {
      const source = genuine[how.source];
      const start = positionOf(how.from, source.length);
      const piece = source.subarray(start, start + how.length);
      return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + (how.insert ? 0 : piece.length))]);
    }
  }
}

const { signal } = new AbortController();
const refused = {};
let adopted = 0;

async function lookAt(bytes) {
  // As an orphan whose name fits its bytes.
  const name = `${sha256(bytes).slice(0, 32)}.arrow`;
  const path = join(folder, 'shards', name);
  if (name === listed.file) return;
  await writeFile(path, bytes);
  const { orphans, damaged } = await survey(folder, KEY, false, signal);
  await rm(path);
  if (orphans.length + damaged.length !== 1) throw new Error('neither taken nor named');
  for (const { reason } of damaged) refused[reason] = (refused[reason] ?? 0) + 1;
  for (const orphan of orphans) {
    adopted++;
    // What was taken is a shard to the library, too, of the same rows.
    const table = tableFromIPC(bytes);
    const digests = [...table.getChild('digest')].map(String);
    if (digests.join() !== orphan.digests.join() || table.numRows !== orphan.digests.length)
      throw new Error('other rows');
  }

  // In the place of a shard that the manifest lists: never a row that is not as it was written.
  const shard = join(folder, 'shards', listed.file);
  await writeFile(shard, bytes);
  const opened = await openCache(features);
  try {
    for await (const { digest, feature } of opened.rows()) {
      const { feature: expected } = truth.get(digest);
      if (!feature.every((value, i) => value === expected[i])) throw new Error(`a wrong row of ${digest}`);
    }
  } catch (error) {
    if (!error.message.startsWith('Expected a shard as it was written')) throw error;
  }
  await writeFile(shard, genuine[0]);

  // With a forged checksum in the manifest besides: what compact and prune read.
  await writeFile(path, bytes);
  await readShardRows(folder, { ...listed, file: name, bytes: bytes.length, sha256: sha256(bytes) }).catch((error) => {
    if (!(error instanceof WorldError)) throw error;
  });
  await rm(path);
}

const truth = new Map();
for await (const row of (await openCache(features)).rows()) truth.set(row.digest, row);

let ran = 0;
await fc.assert(
  fc.asyncProperty(fc.constantFrom(0, 1), fc.array(wound, { minLength: 1, maxLength: 4 }), async (which, wounds) => {
    ran++;
    await lookAt(wounds.reduce(wounded, Buffer.from(genuine[which])));
  }),
  { numRuns: cases, seed, endOnFailure: true },
);
if ((await readdir(join(folder, 'shards'))).join() !== listed.file) throw new Error('another shard is left');
await rm(features, { recursive: true });
const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
process.stdout.write(JSON.stringify({ cases: ran, adopted, refused, megabytes }));
