import { join } from 'node:path';
import { InputError } from '../pipeline/errors.js';
import { openCache, type OpenCache } from '../pipeline/features/cache.js';
import { compareCaches, type Difference } from '../pipeline/features/difference.js';
import { contentDigest } from '../pipeline/features/places.js';
import type { CacheKey } from '../pipeline/features/schema.js';
import { distrust } from '../pipeline/features/store.js';
import { shardDamage } from '../pipeline/features/verify.js';
import { defineStage } from './stage.js';

interface Summary {
  readonly folder: string;
  readonly key: CacheKey;
  readonly weights: { readonly origin: string; readonly random: boolean };
  /** Features. */
  readonly rows: number;
  /** Names of photographs with features; copies have one each. */
  readonly images: number;
  readonly shards: number;
  /** Of the shards. */
  readonly bytes: number;
  /** Rows that each engine computed. */
  readonly engines: Readonly<Record<string, number>>;
  readonly rejected: readonly { id: string; reason: string }[];
  readonly contentDigest: string;
  /** Shards that were read against their checksum; null without --verify. */
  readonly verified: number | null;
  readonly compared: (Difference & { readonly other: string }) | null;
}

export const stage = defineStage({
  options: (yargs) =>
    yargs
      .option('features', { type: 'string', default: 'features', describe: 'Folder of the cache' })
      .option('verify', { type: 'boolean', default: false, describe: 'Read every shard against its checksum' })
      .option('compare', { type: 'string', describe: 'Another --features folder: how far do the rows lie apart' })
      .example('$0 inspect', 'What the cache holds')
      .example('$0 inspect --verify', 'Whether every byte is as it was written'),

  async run(options, effects): Promise<Summary> {
    const cache = await openCache(options.features);
    const verified = options.verify ? await verify(cache, (line) => effects.log(line)) : null;
    const other = options.compare;
    return {
      folder: cache.folder,
      key: cache.key,
      weights: { origin: cache.header.weightsOrigin, random: cache.header.random },
      rows: cache.places.size,
      images: cache.images.size,
      shards: cache.shards.length,
      bytes: cache.shards.reduce((sum, shard) => sum + shard.bytes, 0),
      engines: rowsByEngine(cache),
      rejected: [...cache.index.values()].flatMap(({ id, rejected: reason }) =>
        reason === undefined ? [] : [{ id, reason }],
      ),
      contentDigest: contentDigest(cache.places),
      verified,
      compared: other === undefined ? null : { other, ...(await compareCaches(cache, await openCache(other))) },
    };
  },

  text(summary) {
    const { key, weights, rows, images, shards, bytes } = summary;
    const lines = [
      `Cache:   ${summary.folder}`,
      `Rows:    ${rows.toLocaleString('en')}, for ${images.toLocaleString('en')} photographs`,
      `Shards:  ${shards.toLocaleString('en')}, ${(bytes / 1e6).toFixed(1)} MB`,
      `Weights: ${weights.origin}, digest ${key.weights}${weights.random ? ' (random: these features mean nothing)' : ''}`,
      `Key:     ${key.layer}, ${key.dtype}${key.precision === undefined ? '' : ` of an ${key.precision} stack`}, preprocessing ${key.preprocessing}`,
      ...Object.entries(summary.engines).map(([engine, count]) => `Engine:  ${engine} (${count} rows)`),
      `Content: ${summary.contentDigest}`,
      ...summary.rejected.map(({ id, reason }) => `set aside: ${id}: ${reason}`),
    ];
    if (summary.verified !== null) lines.push(`All ${summary.verified} shards are as they were written.`);
    if (summary.compared !== null) lines.push(...differenceLines(summary.compared));
    return lines.join('\n');
  },
});

/** @throws InputError where a shard is not as it was written; each is named in the log */
async function verify(cache: OpenCache, log: (line: string) => void): Promise<number> {
  let damaged = 0;
  for (const entry of cache.shards) {
    const reason = await shardDamage(cache.folder, entry);
    if (reason === undefined) continue;
    damaged++;
    log(`damaged: ${join(cache.folder, 'shards', entry.file)}: ${reason}; ${entry.digests.length} rows`);
  }
  if (damaged === 0) return cache.shards.length;
  await distrust(cache.folder);
  throw new InputError({
    expected: `${cache.shards.length} shards as they were written`,
    found: `${damaged} damaged`,
    where: cache.folder,
    fix: 'Run pool5 extract again: it computes the damaged rows anew.',
  });
}

function rowsByEngine({ places }: OpenCache): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { shard } of places.values()) counts[shard.engine] = (counts[shard.engine] ?? 0) + 1;
  return counts;
}

/** How many of the rows that differ most are shown; --json has all. */
const SHOWN = 10;

function differenceLines({
  other,
  rows,
  largest,
  tolerance,
  within,
  onlyHere,
  onlyThere,
}: Summary['compared'] & {}): string[] {
  const worst = rows.toSorted((a, b) => b.difference - a.difference).slice(0, SHOWN);
  const verdict = within ? 'within' : 'beyond';
  return [
    `Compared with ${other}: ${rows.length} rows in both, ${onlyHere} only here, ${onlyThere} only there.`,
    `Largest relative difference ${largest.toExponential(1)}, ${verdict} the tolerance of ${tolerance}.`,
    ...worst.flatMap((row) =>
      row.difference === 0 ? [] : [`  ${row.digest.slice(0, 12)} ${row.difference.toExponential(1)}`],
    ),
  ];
}
