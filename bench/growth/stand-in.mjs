// All of extract but the stack: node bench/growth/stand-in.mjs IMAGES FEATURES. Lists, hashes, decodes, writes and
// checks as extract does, with an engine that takes a sixth of the pixels for features: its time is next to nothing.
// Such a cache says in its shards who made it; it belongs in a scratch folder.
import { FEATURE_LENGTH, IMAGE_BYTES } from '../../dist/pipeline/backbone/vgg16.js';
import { identifyWeights } from '../../dist/pipeline/backbone/weights/open.js';
import { compareFolder, saveIndex } from '../../dist/pipeline/extraction/compare.js';
import { computeRanges } from '../../dist/pipeline/extraction/compute.js';
import { writeCurrent } from '../../dist/pipeline/features/cache.js';
import { cutRanges, SHARD_ROWS } from '../../dist/pipeline/features/ranges.js';
import { folderName } from '../../dist/pipeline/features/key.js';
import { readManifest } from '../../dist/pipeline/features/manifest.js';
import { contentDigest, placesOf } from '../../dist/pipeline/features/places.js';
import { mend } from '../../dist/pipeline/features/store.js';
import { PREPROCESSING_VERSION } from '../../dist/pipeline/images/pixels.js';
import { nodeEffects } from '../../dist/pipeline/terminal/effects.js';

const [, , images, features] = process.argv;

const standIn = {
  name: 'onnx',
  description: 'stand-in of bench/growth: pixels, not features',
  batchSize: 4,
  async run(pixels) {
    const step = IMAGE_BYTES / FEATURE_LENGTH;
    const numbers = new Float32Array(pixels.length / step);
    for (let i = 0; i < numbers.length; i++) numbers[i] = Math.max(0, pixels[i * step] - 96);
    return numbers;
  },
  close: async () => undefined,
};

const { signal } = new AbortController();
const effects = nodeEffects({ quiet: true, signal });
const weights = await identifyWeights(undefined);
const key = { weights: weights.digest, preprocessing: PREPROCESSING_VERSION, layer: 'pool5', dtype: 'float32' };
const started = performance.now();
const comparison = await compareFolder({ images, features, rehash: false }, key, signal);
const { folder, plan, shards } = comparison;
await mend(folder, key, weights, shards, effects);
await saveIndex(folder, plan.index);
const planned = performance.now();
const job = {
  folder,
  key,
  loadWeights: () => weights.load(),
  engine: 'auto',
  workers: 1,
  shardRows: SHARD_ROWS,
  rejected: (item, reason, passing) => comparison.reject(item, reason, passing),
};
const { rows } = await computeRanges(cutRanges(plan.pending, SHARD_ROWS), job, effects, async () => [standIn]);
await writeCurrent(features, folderName(key));
const entries = (await readManifest(folder)).shards;
const seconds = { plan: (planned - started) / 1000, rest: (performance.now() - planned) / 1000 };
const digest = contentDigest(placesOf(entries));
console.log(JSON.stringify({ rows, shards: entries.length, folder, digest, seconds }));
