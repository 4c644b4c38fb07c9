import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { openEngine } from '../pipeline/backbone/engines/open.js';
import { openWeights } from '../pipeline/backbone/weights/open.js';
import { InputError, InterruptedError } from '../pipeline/errors.js';
import { computeRange, type Work } from '../pipeline/extraction.js';
import { currentFolder, openCache, writeCurrent } from '../pipeline/features/cache.js';
import { cutRanges, inPart, type Range } from '../pipeline/features/claims.js';
import { readIndex, writeIndex, type ImageIndex } from '../pipeline/features/image-index.js';
import { differences, folderName } from '../pipeline/features/key.js';
import { readHeader, readManifest } from '../pipeline/features/manifest.js';
import { makePlan, type Plan } from '../pipeline/features/plan.js';
import type { CacheKey } from '../pipeline/features/schema.js';
import { prepareCache, survey } from '../pipeline/features/store.js';
import { lock, ownerText } from '../pipeline/files/lock.js';
import { accessReason, findImages, type Rejection } from '../pipeline/images/find.js';
import { PREPROCESSING_VERSION } from '../pipeline/images/pixels.js';
import type { Effects } from '../pipeline/terminal/effects.js';
import { defineStage } from './stage.js';

interface Summary {
  /** The cache's folder below --features. */
  readonly folder: string;
  readonly plan: Omit<Plan, 'pending' | 'index' | 'unreadable'>;
  readonly computed: number;
  readonly rejected: readonly Rejection[];
  readonly repaired: readonly { file: string; reason: string }[];
  readonly engine: string | null;
  readonly weights: { digest: string; origin: string; random: boolean };
  readonly seconds: number;
  readonly imagesPerSecond: number | null;
  readonly contentDigest: string | null;
}

export const stage = defineStage({
  options: (yargs) =>
    yargs
      .option('images', { type: 'string', demandOption: true, describe: 'Folder of photographs, walked recursively' })
      .option('features', { type: 'string', default: 'features', describe: 'Where the cache is kept' })
      .option('weights', { type: 'string', describe: 'vgg16.npy, .h5, .safetensors or random:SEED; default: embedded' })
      .option('engine', {
        choices: ['auto', 'onnx', 'tensorflow', 'wasm'] as const,
        default: 'auto' as const,
        describe: 'What runs the stack',
      })
      .option('plan', { type: 'boolean', default: false, describe: 'Say what would be done, and stop' })
      .option('rehash', { type: 'boolean', default: false, describe: 'Read every photograph and shard again' })
      .option('workers', { type: 'number', default: 1, describe: 'Engines at once; they share the cores' })
      .option('shard', { type: 'string', describe: 'i/n: only part i of n (from 1), by content; for many machines' })
      .example('$0 extract --images data/photos', 'Compute what the cache lacks')
      .example('$0 extract --images data/photos --plan', 'Only say what would be computed'),

  async run(options, effects): Promise<Summary> {
    const part = options.shard === undefined ? { part: 1, parts: 1 } : parsePart(options.shard);
    if (!Number.isInteger(options.workers) || options.workers < 1) {
      throw new InputError({ expected: 'a whole number from 1 for --workers', found: String(options.workers) });
    }
    const seen = BigInt(Date.now()) * 1_000_000n;
    const found = await findImages(options.images);
    if (found.images.length === 0) throw noImages(options.images, found.rejected);
    const weights = await openWeights(options.weights);
    const key: CacheKey = {
      weights: weights.digest,
      preprocessing: PREPROCESSING_VERSION,
      layer: 'pool5',
      dtype: 'float32',
    };
    const folder = join(options.features, folderName(key));
    await explainStale(options.features, folder, key, effects);

    const repaired = await prepareCache(folder, key, weights);
    const { shards, damaged } = await survey(folder, options.rehash);
    repaired.push(...damaged);
    for (const { file, reason } of repaired) effects.log(`damaged: ${file}: ${reason}; its rows are computed anew`);
    const cached = new Set(shards.flatMap((shard) => shard.digests));
    const { rehash } = options;
    const plan = await makePlan(found.images, await readIndex(folder), cached, {
      rehash,
      seen,
      signal: effects.signal,
    });
    const unreadable = [...plan.unreadable].map(([id, error]) => ({ id, reason: accessReason(error) }));
    const rejected: Rejection[] = [...found.rejected, ...unreadable, ...knownRejections(found.images, plan.index)];
    effects.log(planText(plan, rejected.length));
    const ranges = cutRanges(plan.pending.filter((item) => inPart(item.digest, part)));

    const summary = {
      folder,
      plan: counts(plan, rejected.length),
      rejected,
      repaired,
      weights: { digest: weights.digest, origin: weights.origin, random: weights.random },
    };
    if (options.plan) {
      return { ...summary, computed: 0, engine: null, seconds: 0, imagesPerSecond: null, contentDigest: null };
    }
    await saveIndex(folder, plan.index);
    if (weights.random) effects.log(`The weights are random (${weights.origin}): these features mean nothing.`);

    const started = performance.now();
    const result = await compute(ranges, { ...options, folder, key, weights, rejected, index: plan.index }, effects);
    const seconds = (performance.now() - started) / 1000;
    if (result.rejections > 0) await saveIndex(folder, plan.index);
    if (effects.signal.aborted) throw interrupted(effects.signal, result.computed);
    await writeCurrent(options.features, folderName(key));
    const cache = await openCache(options.features);
    if (cache.images.size === 0) throw noImages(options.images, rejected);
    return {
      ...summary,
      plan: counts(plan, rejected.length),
      computed: result.computed,
      engine: result.engine,
      seconds,
      imagesPerSecond: result.computed === 0 ? null : result.computed / seconds,
      contentDigest: await cache.contentDigest(),
    };
  },

  text(summary, options) {
    const lines = summary.rejected.slice(0, 20).map(({ id, reason }) => `set aside: ${id}: ${reason}`);
    if (summary.rejected.length > 20) lines.push(`set aside: and ${summary.rejected.length - 20} more`);
    if (options.plan) return [...lines, 'Nothing was computed (--plan).'].join('\n');
    const rate = summary.imagesPerSecond;
    lines.push(
      rate === null
        ? `Nothing to compute: all features are in ${summary.folder}.`
        : `Computed ${summary.computed} features in ${summary.seconds.toFixed(1)} s ` +
            `(${rate.toFixed(1)} photographs/s, ${summary.engine}) into ${summary.folder}.`,
    );
    if (summary.weights.random) lines.push(`Made with random weights (${summary.weights.origin}).`);
    return lines.join('\n');
  },
});

interface Job {
  readonly folder: string;
  readonly key: CacheKey;
  readonly weights: Awaited<ReturnType<typeof openWeights>>;
  readonly engine: 'auto' | 'onnx' | 'tensorflow' | 'wasm';
  readonly workers: number;
  readonly rejected: Rejection[];
  readonly index: ImageIndex;
}

interface Result {
  readonly computed: number;
  readonly rejections: number;
  readonly engine: string | null;
}

/** Opens the engines, lets them take ranges until none is left, and waits for ranges that another run holds. */
async function compute(ranges: readonly Range[], job: Job, effects: Effects): Promise<Result> {
  const total = ranges.reduce((sum, range) => sum + range.pending.length, 0);
  if (total === 0) return { computed: 0, rejections: 0, engine: null };
  const workers = Math.min(job.workers, ranges.length);
  const threads = Math.max(1, Math.floor(availableParallelism() / workers));
  const engines = await Promise.all(
    Array.from({ length: workers }, () => openEngine(job.engine, job.weights, { threads })),
  );
  const description = engines[0]?.description ?? null;
  effects.log(`engine: ${description}${workers > 1 ? `, ${workers} workers` : ''}`);
  const progress = effects.progress('extract', total, 'photographs');
  let done = 0;
  let computed = 0;
  let rejections = 0;
  const listener = {
    settled(count: number): void {
      done += count;
      progress.update(done);
    },
    computed(count: number): void {
      computed += count;
      listener.settled(count);
    },
    rejected({ id, digest }: { id: string; digest: string }, reason: string, passing: boolean): void {
      rejections++;
      job.rejected.push({ id, reason });
      listener.settled(1);
      for (const image of passing ? [] : job.index.values()) if (image.digest === digest) image.rejected = reason;
    },
  };
  const cached = async (): Promise<ReadonlySet<string>> =>
    new Set((await readManifest(job.folder)).shards.flatMap((shard) => shard.digests));
  const queue = [...ranges];
  const told = new Set<string>();
  const takeRanges = async (engine: (typeof engines)[number]): Promise<void> => {
    const work: Work = { folder: job.folder, key: job.key, engine, cached, signal: effects.signal };
    for (let range = queue.shift(); range !== undefined && !effects.signal.aborted; range = queue.shift()) {
      const owner = await computeRange(range, work, listener);
      if (owner === undefined) continue;
      queue.push(range);
      if (!told.has(owner.token)) effects.log(`waiting for another run: ${ownerText(owner)}`);
      told.add(owner.token);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  };
  try {
    await Promise.all(engines.map(takeRanges));
  } finally {
    progress.stop();
    await Promise.all(engines.map((engine) => engine.close()));
  }
  return { computed, rejections, engine: description };
}

/** Several runs may list one folder at once: the index is read, merged and written under a lock. */
async function saveIndex(folder: string, index: ImageIndex): Promise<void> {
  const held = await lock(join(folder, 'locks', 'index'));
  try {
    await writeIndex(folder, new Map([...(await readIndex(folder)), ...index]));
  } finally {
    await held.release();
  }
}

/** Where the last extract used another key, says which part of the key makes its features stale. */
async function explainStale(features: string, folder: string, key: CacheKey, effects: Effects): Promise<void> {
  const current = await currentFolder(features);
  if (current === undefined || current === folder) return;
  const before = await readHeader(current).catch(() => undefined);
  if (before === undefined) return;
  const rows = (await readManifest(current)).shards.reduce((sum, shard) => sum + shard.digests.length, 0);
  effects.log(`stale ${rows} (${differences(before.key, key).join(', ')}); they stay in ${current}`);
}

function counts(plan: Plan, rejected: number): Summary['plan'] {
  const { fresh, changed, renamed, missing } = plan;
  return { fresh, new: plan.new, changed, renamed, missing, rejected };
}

function planText(plan: Plan, rejected: number): string {
  return Object.entries(counts(plan, rejected))
    .map(([name, count]) => `${name} ${count.toLocaleString('en')}`)
    .join(' · ');
}

function knownRejections(images: readonly { id: string }[], index: ImageIndex): Rejection[] {
  return images.flatMap(({ id }) => {
    const reason = index.get(id)?.rejected;
    return reason === undefined ? [] : [{ id, reason }];
  });
}

function parsePart(text: string): { part: number; parts: number } {
  const [, part, parts] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? [];
  if (part === undefined || parts === undefined || part < 1 || part > parts || parts > 256) {
    throw new InputError({ expected: '--shard i/n with 1 <= i <= n <= 256', found: text });
  }
  return { part, parts };
}

function noImages(folder: string, rejected: readonly Rejection[]): InputError {
  const [first] = rejected;
  const found = first === undefined ? 'none' : `${rejected.length} that cannot be used, ${first.id}: ${first.reason}`;
  const fix = 'pool5 reads JPEG, PNG, WebP, AVIF, TIFF and GIF files.';
  return new InputError({ expected: 'at least one photograph', found, where: folder, fix });
}

function interrupted(signal: AbortSignal, computed: number): InterruptedError {
  const name = signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT';
  return new InterruptedError(name, `${computed} new features are safe; run the same command again to go on.`);
}
