import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Engine } from '../../../pipeline/backbone/engines/engine.js';
import { FEATURE_LENGTH } from '../../../pipeline/backbone/vgg16.js';
import { compareFolder } from '../../../pipeline/extraction/compare.js';
import { computeRanges, type Job } from '../../../pipeline/extraction/compute.js';
import { cutRanges } from '../../../pipeline/features/ranges.js';
import type { CacheKey } from '../../../pipeline/features/schema.js';
import { nodeEffects } from '../../../pipeline/terminal/effects.js';
import { drawPictures } from '../../faults/extraction.js';
import { newFolder } from '../../stages/command-line.js';

const KEY: CacheKey = { weights: '0'.repeat(64), preprocessing: '1', layer: 'pool5', dtype: 'float32' };

it('asks the engine for the next batch while it computes one', async () => {
  const folder = await newFolder();
  const images = join(folder, 'images');
  await drawPictures(images, 2);
  const { signal } = new AbortController();
  const effects = nodeEffects({ quiet: true, signal });
  const paths = { images, features: join(folder, 'features'), rehash: false };
  const comparison = await compareFolder(paths, KEY, signal);
  const ranges = cutRanges(comparison.plan.pending, 1);
  expect(ranges).toHaveLength(2);

  // Answers only once it has been asked for both ranges.
  let asked = 0;
  let answer: (() => void) | undefined;
  const both = new Promise<void>((resolve) => (answer = resolve));
  const engine: Engine = {
    name: 'onnx',
    description: 'two at once',
    batchSize: 4,
    async run() {
      if (++asked === 2) answer?.();
      await both;
      return new Float32Array(FEATURE_LENGTH);
    },
    close: async () => undefined,
  };
  const job: Job = {
    folder: comparison.folder,
    key: KEY,
    loadWeights: () => Promise.reject(new Error('not asked for')),
    engine: 'auto',
    workers: 1,
    shardRows: 1,
    rejected: (_, reason) => expect.unreachable(reason),
  };
  expect(await computeRanges(ranges, job, effects, async () => [engine])).toEqual({ rows: 2, engine: 'two at once' });
  await rm(folder, { recursive: true });
});
