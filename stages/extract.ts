import { identifyWeights, type IdentifiedWeights } from '../pipeline/backbone/weights/open.js';
import { InputError, InterruptedError } from '../pipeline/errors.js';
import { compareFolder, readFolder, saveIndex, type Comparison, type Stale } from '../pipeline/extraction/compare.js';
import { computeRanges } from '../pipeline/extraction/compute.js';
import { choosePart, partText, type Part } from '../pipeline/extraction/part.js';
import type { Tidied } from '../pipeline/extraction/tidy.js';
import { writeCurrent } from '../pipeline/features/cache.js';
import { inPart } from '../pipeline/features/claims.js';
import { recordFolder } from '../pipeline/features/folders.js';
import { folderName } from '../pipeline/features/key.js';
import { readManifest, type Damage } from '../pipeline/features/manifest.js';
import type { Plan } from '../pipeline/features/plan.js';
import { contentDigest, placesOf } from '../pipeline/features/places.js';
import { cutRanges, SHARD_ROWS } from '../pipeline/features/ranges.js';
import type { CacheKey } from '../pipeline/features/schema.js';
import { MOST_ROWS } from '../pipeline/features/shard-content.js';
import { mend } from '../pipeline/features/store.js';
import type { Rejection } from '../pipeline/images/find.js';
import { PREPROCESSING_VERSION } from '../pipeline/images/pixels.js';
import { defineStage } from './stage.js';

type Counts = Pick<Plan, 'fresh' | 'new' | 'changed' | 'renamed' | 'missing' | 'rejected'>;

interface Summary {
  /** The cache's folder below --features. */
  readonly folder: string;
  readonly plan: Counts;
  /** What was to be computed, copies counted once, of the part. */
  readonly pending: number;
  readonly part: Part;
  readonly stale: Stale | null;
  readonly computed: number;
  readonly rejected: readonly Rejection[];
  readonly repaired: readonly Damage[];
  readonly tidied: Tidied;
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
      .option('dtype', {
        choices: ['float32', 'float16'] as const,
        default: 'float32' as const,
        describe: 'How features are stored; float16 takes half the space',
      })
      .option('precision', {
        choices: ['float32', 'int8'] as const,
        default: 'float32' as const,
        describe: 'In which numbers the stack multiplies; int8 is 2 to 3 times as fast, with features 3% off',
      })
      .option('plan', { type: 'boolean', default: false, describe: 'Say what would be done, and stop' })
      .option('rehash', { type: 'boolean', default: false, describe: 'Read every photograph and shard again' })
      .option('prune', { type: 'boolean', default: false, describe: 'Drop deleted photographs and stale caches' })
      .option('compact', { type: 'boolean', default: false, describe: 'Merge small shards' })
      .option('workers', { type: 'number', default: 1, describe: 'Engines at once; they share the cores' })
      .option('shard-rows', {
        type: 'number',
        default: SHARD_ROWS,
        describe: 'Rows that are written at a time; a kill can cost twice as many',
      })
      .option('shard', {
        type: 'string',
        describe:
          'i/n: only part i of n (from 1), by content, for many machines; default: of the array task that this is',
      })
      .example('$0 extract --images data/photos', 'Compute what the cache lacks')
      .example('$0 extract --images data/photos --plan', 'Only say what would be computed'),

  async run(options, effects): Promise<Summary> {
    const part = choosePart(options.shard, process.env);
    checkCount('workers', options.workers, 256);
    checkCount('shard-rows', options.shardRows, MOST_ROWS);
    const { signal } = effects;
    const weights = await identifyWeights(options.weights);
    const key = keyOf(weights, options);
    const comparison = options.plan
      ? await compareFolder(options, key, signal)
      : await readFolder(options, key, part.parts === 1, effects);
    const { folder, plan, stale, shards: survey } = comparison;
    if (comparison.images.length === 0) throw noImages(options.images, comparison.rejections());
    const pending = plan.pending.filter((item) => inPart(item.digest, part));
    const summary = (): Omit<Summary, 'computed' | 'tidied' | 'engine' | 'seconds' | 'imagesPerSecond'> => ({
      folder,
      plan: countsOf(comparison),
      pending: pending.length,
      part,
      stale,
      rejected: comparison.rejections(),
      repaired: survey.damaged,
      weights: { digest: weights.digest, origin: weights.origin, random: weights.random },
      contentDigest: contentDigest(placesOf(survey.shards)),
    });
    const nothing = { computed: 0, tidied: { pruned: null, compacted: null }, engine: null };

    if (signal.aborted) throw interrupted(signal, 0); // the plan is unfinished
    for (const line of planLines(comparison)) effects.log(line);
    const chosen = partText(part);
    if (chosen !== null) effects.log(`${chosen}: ${pending.length} to compute`);
    if (options.plan) return { ...summary(), ...nothing, seconds: 0, imagesPerSecond: null };
    if (weights.random) effects.log(`The weights are random (${weights.origin}): these features mean nothing.`);
    await mend(folder, key, weights, survey, effects);
    await recordFolder(folder, options.images);

    const started = performance.now();
    let setAside = 0;
    const { rows: computed, engine } = await computeRanges(
      cutRanges(pending, options.shardRows),
      {
        folder,
        key,
        loadWeights: () => weights.load(),
        engine: options.engine,
        planned: plan.pending,
        workers: options.workers,
        shardRows: options.shardRows,
        rejected(item, reason, passing) {
          setAside++;
          comparison.reject(item, reason, passing);
        },
      },
      effects,
    );
    const seconds = (performance.now() - started) / 1000;
    if (setAside > 0) await saveIndex(folder, plan.index);
    if (signal.aborted) throw interrupted(signal, computed);
    await writeCurrent(options.features, folderName(key));
    if (!comparison.images.some(({ id }) => comparison.isUsable(id))) {
      throw noImages(options.images, comparison.rejections());
    }
    const tidied =
      options.prune || options.compact
        ? await (await import('../pipeline/extraction/tidy.js')).tidy(comparison, key, options, effects)
        : nothing.tidied;
    if (signal.aborted) throw interrupted(signal, computed);
    const changed = computed > 0 || pending.length > 0 || tidied.pruned !== null;
    return {
      ...summary(),
      ...(changed ? { contentDigest: contentDigest(placesOf((await readManifest(folder)).shards)) } : {}),
      computed,
      tidied,
      engine,
      seconds,
      imagesPerSecond: computed === 0 ? null : computed / seconds,
    };
  },

  text(summary, options) {
    const lines = summary.rejected.slice(0, 20).map(({ id, reason }) => `set aside: ${id}: ${reason}`);
    if (summary.rejected.length > 20) lines.push(`set aside: and ${summary.rejected.length - 20} more`);
    const { imagesPerSecond: rate, pending, computed, folder, engine } = summary;
    const chosen = partText(summary.part);
    const whose = chosen === null ? '' : ` (${chosen})`;
    if (options.plan) return [...lines, `${pending} to compute${whose}; nothing was (--plan).`].join('\n');
    const { pruned, compacted } = summary.tidied;
    if (rate !== null) {
      const speed = `${summary.seconds.toFixed(1)} s (${rate.toFixed(1)} photographs/s, ${engine})`;
      lines.push(`Computed ${computed} features${whose} in ${speed} into ${folder}.`);
    } else if (pending === 0) {
      lines.push(`Nothing to compute: all features${whose} are in ${folder}.`);
    } else lines.push(`Computed nothing into ${folder}: see what was set aside, or another run did it.`);
    if (pruned !== null) {
      lines.push(`Pruned ${pruned.rows} features of ${pruned.images} photographs that are gone.`);
      lines.push(...pruned.folders.map((path) => `Pruned ${path}, made for another key.`));
      lines.push(...pruned.inUse.map(({ folder: path, owner }) => `Left ${path}: ${owner}, works on it.`));
    }
    if (compacted !== null) lines.push(`Compacted ${compacted.before} shards to ${compacted.after}.`);
    if (summary.weights.random) lines.push(`Made with random weights (${summary.weights.origin}).`);
    return lines.join('\n');
  },
});

function keyOf(
  weights: IdentifiedWeights,
  { dtype, precision, engine }: { dtype: CacheKey['dtype']; precision: 'float32' | 'int8'; engine: string },
): CacheKey {
  const key = { weights: weights.digest, preprocessing: PREPROCESSING_VERSION, layer: 'pool5', dtype } as const;
  if (precision === 'float32') return key;
  if (engine === 'auto' || engine === 'onnx') return { ...key, precision };
  throw new InputError({ expected: '--engine onnx with --precision int8', found: `--engine ${engine}` });
}

function countsOf(comparison: Comparison): Counts {
  const { fresh, new: added, changed, renamed, missing } = comparison.plan;
  return { fresh, new: added, changed, renamed, missing, rejected: comparison.rejections().length };
}

/** What is damaged, what is stale and why, and how the folder stands to the cache. */
function planLines(comparison: Comparison): string[] {
  const { shards, stale } = comparison;
  const lines = shards.damaged.map(({ file, reason }) => `damaged: ${file}: ${reason}; its rows are computed anew`);
  if (stale !== null) {
    lines.push(`stale ${stale.rows} (${stale.reasons.join(', ')}); they stay in ${stale.folder} until --prune`);
  }
  const counts = Object.entries(countsOf(comparison));
  lines.push(counts.map(([name, count]: [string, number]) => `${name} ${count.toLocaleString('en')}`).join(' · '));
  return lines;
}

function checkCount(option: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new InputError({ expected: `a whole number from 1 to ${most} for --${option}`, found: String(value) });
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
