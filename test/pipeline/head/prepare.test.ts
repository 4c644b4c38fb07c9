import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FEATURE_LENGTH } from '../../../pipeline/backbone/vgg16.js';
import { baselinesOf } from '../../../pipeline/head/baselines.js';
import { trainHead } from '../../../pipeline/head/experiment.js';
import { prepare } from '../../../pipeline/head/prepare.js';
import { PRESETS } from '../../../pipeline/head/settings.js';
import { splitExamples } from '../../../pipeline/head/split.js';
import type { Effects } from '../../../pipeline/terminal/effects.js';
import { randomFeatures, writeCache } from './memory-cache.js';

const progress = (): ReturnType<Effects['progress']> => ({ update: () => undefined, stop: () => undefined });

function recordingEffects(): { lines: string[]; effects: Effects } {
  const lines: string[] = [];
  const { signal } = new AbortController();
  return { lines, effects: { print: () => undefined, log: (line) => void lines.push(line), progress, signal } };
}

async function files(header = 'image,length_cm'): Promise<{ features: string; labels: string }> {
  const features = await writeCache(randomFeatures(20));
  const labels = join(mkdtempSync(join(tmpdir(), 'pool5-prepare-')), 'labels.csv');
  const cells = header.split(',').length - 1;
  const rows = Array.from({ length: 20 }, (_, i) => `${i}.jpg${`,${10 + i}`.repeat(cells)}\n`);
  writeFileSync(labels, `${header}\n${rows.join('')}`);
  return { features, labels };
}

test('more photographs than features fall to all features, without ridge, and it is said', async () => {
  const { features, labels } = await files();
  const { lines, effects } = recordingEffects();
  const { experiment } = await prepare(features, { file: labels }, effects, 19);
  expect(lines).toEqual(['20 photographs are more than 19 features: no span, no ridge.']);
  expect(experiment.gram).toBeNull();
  const settings = { ...PRESETS.default, hidden: [4], epochs: 2 };
  const parts = splitExamples(experiment.examples, settings);
  const head = await trainHead(experiment, parts, settings, { signal: effects.signal });
  expect(head.width).toBe(FEATURE_LENGTH);
  expect((await baselinesOf(experiment, parts, 'layer')).ridge).toBeNull();
});

test('as many photographs as features use the span', async () => {
  const { features, labels } = await files();
  const { lines, effects } = recordingEffects();
  const { experiment } = await prepare(features, { file: labels }, effects, 20);
  expect(lines).toEqual([]);
  expect(experiment.gram?.digests.length).toBe(20);
});

test("train's name for the labels' column is in the message", async () => {
  const { features, labels } = await files('image,length_cm,weight_kg');
  const { effects } = recordingEffects();
  await expect(prepare(features, { file: labels }, effects)).rejects.toThrow(
    `Expected one column of numbers besides the ids, got length_cm, weight_kg (${labels}). ` +
      'Name the one to learn with --column.',
  );
});
