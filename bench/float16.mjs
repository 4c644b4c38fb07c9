// What --dtype float16 loses on real photographs: each row as it is stored, against its float32.
// Usage: node bench/float16.mjs [--images DIR] (default ../shared/data/pets). Computes the features once, then stores
// them both ways with the cache's own writer and reads them back.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openCache, writeCurrent } from '../dist/pipeline/features/cache.js';
import { compareCaches } from '../dist/pipeline/features/difference.js';
import { writeIndex } from '../dist/pipeline/features/image-index.js';
import { folderName } from '../dist/pipeline/features/key.js';
import { newHeader, writeHeader } from '../dist/pipeline/features/manifest.js';
import { commitShard } from '../dist/pipeline/features/store.js';

const given = process.argv.indexOf('--images');
const images =
  given === -1 ? fileURLToPath(new URL('../../shared/data/pets', import.meta.url)) : process.argv[given + 1];
if (images === undefined || !existsSync(images)) {
  console.error(`Expected a folder of photographs, got none (${images}). Name one with --images.`);
  process.exit(2);
}

/** ||a - b|| / ||a|| */
function relativeL2(a, b) {
  let [apart, size] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    apart += (a[i] - b[i]) ** 2;
    size += a[i] ** 2;
  }
  return Math.sqrt(apart / size);
}

const bytesOf = (opened) => opened.shards.reduce((sum, shard) => sum + shard.bytes, 0);

function tell(what, values) {
  const sorted = values.toSorted((a, b) => a - b);
  const [median, most] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  console.log(`${what}: median ${median.toExponential(2)}, largest ${most.toExponential(2)}`);
}

const folder = mkdtempSync(join(tmpdir(), 'pool5-float16-'));
try {
  const [single, half] = [join(folder, 'float32'), join(folder, 'float16')];
  const cli = fileURLToPath(new URL('../dist/stages/cli.js', import.meta.url));
  execFileSync(process.execPath, [cli, 'extract', '--images', images, '--features', single], { stdio: 'inherit' });
  const exact = await openCache(single);

  const key = { ...exact.key, dtype: 'float16' };
  const cache = join(half, folderName(key));
  await writeHeader(cache, newHeader(key, { origin: exact.header.weightsOrigin, random: false }));
  for (const { digests } of exact.shards) {
    const rows = [];
    for await (const row of exact.rows(digests)) rows.push({ ...row, id: row.digest });
    await commitShard(cache, rows, key, 'bench/float16.mjs');
  }
  await writeIndex(cache, exact.index);
  await writeCurrent(half, folderName(key));
  const rounded = await openCache(half);

  const norms = [];
  const others = rounded.rows()[Symbol.asyncIterator]();
  for await (const { feature } of exact.rows()) norms.push(relativeL2(feature, (await others.next()).value.feature));
  const compared = await compareCaches(exact, rounded);

  console.log(
    `${compared.rows.length} photographs; ${((bytesOf(rounded) / bytesOf(exact)) * 100).toFixed(1)}% of the space`,
  );
  tell('relative error of a row (L2)', norms);
  tell(
    'largest error of a row, relative to its largest number (as inspect --compare)',
    compared.rows.map((row) => row.difference),
  );
} finally {
  rmSync(folder, { recursive: true });
}
