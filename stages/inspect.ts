import { openCache, type OpenCache } from '../pipeline/features/cache.js';
import { compareRows, TOLERANCE } from '../pipeline/features/compare.js';
import { readIndex } from '../pipeline/features/image-index.js';
import type { CacheKey } from '../pipeline/features/schema.js';
import { shardDamage, shardLengthDamage } from '../pipeline/features/verify.js';
import { InputError } from '../pipeline/errors.js';
import { table } from '../pipeline/terminal/table.js';
import { defineStage } from './stage.js';

interface Summary {
  readonly folder: string;
  readonly key: CacheKey;
  /** sha256 (hex) of the key. */
  readonly identity: string;
  readonly weights: { readonly origin: string; readonly random: boolean };
  /** Photographs whose features are there; copies count each. */
  readonly images: number;
  readonly rows: number;
  readonly bytes: number;
  readonly shards: number;
  readonly engines: readonly string[];
  readonly rejected: readonly { id: string; reason: string }[];
  /** Whether every shard was read against its checksum. */
  readonly verified: boolean;
  readonly contentDigest: string;
  readonly compared: Awaited<ReturnType<typeof compareRows>> | null;
}

export const stage = defineStage({
  options: (yargs) =>
    yargs
      .option('features', { type: 'string', default: 'features', describe: 'Where the cache is kept' })
      .option('verify', { type: 'boolean', default: false, describe: 'Read every shard against its checksum' })
      .option('compare', { type: 'string', describe: 'Another cache: how far its rows differ from these' })
      .example('$0 inspect', 'What is in the cache')
      .example('$0 inspect --compare other/features', 'Whether two caches hold the same features'),

  async run(options): Promise<Summary> {
    const cache = await openCache(options.features);
    await checkShards(cache, options.verify);
    const rejected = [...(await readIndex(cache.folder)).values()].flatMap(({ id, rejected: reason }) =>
      reason === undefined ? [] : [{ id, reason }],
    );
    return {
      folder: cache.folder,
      key: cache.key,
      identity: cache.identity,
      weights: { origin: cache.header.weightsOrigin, random: cache.header.random },
      images: cache.images.size,
      rows: new Set(cache.shards.flatMap((shard) => shard.digests)).size,
      bytes: cache.shards.reduce((sum, shard) => sum + shard.bytes, 0),
      shards: cache.shards.length,
      engines: [...new Set(cache.shards.map((shard) => shard.engine))].toSorted(),
      rejected,
      verified: options.verify,
      contentDigest: await cache.contentDigest(),
      compared: options.compare === undefined ? null : await compareRows(cache, await openCache(options.compare)),
    };
  },

  text(summary) {
    const { key, weights, compared } = summary;
    const rows = [
      ['folder', summary.folder],
      ['photographs', summary.images.toLocaleString('en')],
      ['rows', `${summary.rows.toLocaleString('en')} in ${summary.shards} shards, ${megabytes(summary.bytes)}`],
      ['weights', `${key.weights.slice(0, 12)} (${weights.origin}${weights.random ? ', random' : ''})`],
      ['key', `preprocessing ${key.preprocessing}, ${key.layer}, ${key.dtype}`],
      ['engines', summary.engines.join('; ')],
      ['content', summary.contentDigest],
    ];
    if (summary.verified) rows.push(['verified', 'every shard is as it was written']);
    if (compared !== null) rows.push(['compared', comparison(compared)]);
    const lines = [table(rows, { width: Infinity })];
    for (const { id, reason } of summary.rejected) lines.push(`set aside: ${id}: ${reason}`);
    return lines.join('\n');
  },
});

async function checkShards(cache: OpenCache, whole: boolean): Promise<void> {
  const check = whole ? shardDamage : shardLengthDamage;
  const damaged: string[] = [];
  for (const shard of cache.shards) {
    const reason = await check(cache.folder, shard);
    if (reason !== undefined) damaged.push(`shards/${shard.file}: ${reason}`);
  }
  if (damaged.length === 0) return;
  throw new InputError({
    expected: 'shards as they were written',
    found: damaged.join('; '),
    where: cache.folder,
    fix: 'Run pool5 extract again: it computes the damaged rows anew.',
  });
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function comparison({ common, onlyHere, onlyThere, largest, within }: NonNullable<Summary['compared']>): string {
  const rows = `${common} rows in both, ${onlyHere} only here, ${onlyThere} only there`;
  const verdict = within ? 'within' : 'beyond';
  return `${rows}; largest relative difference ${largest.toExponential(1)}, ${verdict} the tolerance of ${TOLERANCE}`;
}
