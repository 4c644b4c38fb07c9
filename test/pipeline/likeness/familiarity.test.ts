import { rmSync } from 'node:fs';
import seedrandom from 'seedrandom';
import { expect, it } from 'vitest';
import { FEATURE_LENGTH } from '../../../pipeline/backbone/vgg16.js';
import { familiarityOf } from '../../../pipeline/likeness/familiarity.js';
import { memoryCache } from '../head/memory-cache.js';

/** A photograph of a kind: each kind has 100 channels of its own. */
function featureOf(kind: number, name: string): Float32Array {
  const random = seedrandom(name);
  const channels = Array.from({ length: 512 }, (_, c) => (Math.floor(c / 100) === kind ? 3 + random() : 0));
  return Float32Array.from({ length: FEATURE_LENGTH }, (_, i) => channels[i % 512] ?? 0);
}

it('measures against the photographs that trained, and no others', async () => {
  const trained = Array.from({ length: 30 }, (_, i) => [`${i}.jpg`, featureOf(0, `train ${i}`)] as const);
  const cache = memoryCache(new Map([...trained, ['other.jpg', featureOf(1, 'other')]]));
  const ids = [...trained.map(([id]) => id), 'deleted.jpg'];
  const { threshold, distanceOf } = await familiarityOf(cache, ids);
  expect(cache.given).toHaveLength(30);
  expect(distanceOf(featureOf(0, 'train 3'))).toBeCloseTo(0, 6);
  expect(distanceOf(featureOf(0, 'new'))).toBeLessThan(2 * threshold);
  expect(distanceOf(featureOf(1, 'other'))).toBe(1);
  expect(threshold).toBeGreaterThan(0);
  expect(threshold).toBeLessThan(0.1);
  rmSync(cache.folder, { recursive: true });
});

it('calls nothing far where there is nothing to compare with', async () => {
  const cache = memoryCache(new Map());
  const { threshold, distanceOf } = await familiarityOf(cache, []);
  expect([threshold, distanceOf(featureOf(0, 'any')) > threshold]).toEqual([Infinity, false]);
  rmSync(cache.folder, { recursive: true });
});
