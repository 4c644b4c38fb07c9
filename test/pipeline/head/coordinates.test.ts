import { describe, expect, test } from 'vitest';
import { FEATURE_LENGTH } from '../../../pipeline/backbone/vgg16.js';
import type { FeatureCache } from '../../../pipeline/features/schema.js';
import { fullCoordinates, spanCoordinates, type Coordinates } from '../../../pipeline/head/coordinates.js';
import { initialWeights, type LayerWeights } from '../../../pipeline/head/dense.js';
import { fit, type Matrix } from '../../../pipeline/head/fit.js';
import { extendGram, Gram } from '../../../pipeline/head/gram.js';
import { openPredictor } from '../../../pipeline/head/network.js';
import { normalNumbers } from '../../../pipeline/head/random.js';
import { PRESETS, type Settings } from '../../../pipeline/head/settings.js';
import { digestOf, memoryCache, randomFeature, randomFeatures } from './memory-cache.js';

const UNITS = 8;

async function gramOf(cache: FeatureCache): Promise<Gram> {
  return extendGram(new Gram([], new Float64Array(), new Float64Array()), cache, cache.images.values());
}

/** The kernel over all features that a kernel in the span stands for. */
async function lifted(span: Coordinates, layers: readonly LayerWeights[]): Promise<LayerWeights[]> {
  const [first, ...rest] = layers;
  if (first === undefined) throw new Error('no layers');
  return [{ ...first, inputs: FEATURE_LENGTH, kernel: await span.kernelOf(first.kernel, first.outputs) }, ...rest];
}

async function predict(layers: readonly LayerWeights[], rows: Float32Array): Promise<number[]> {
  const predictor = await openPredictor(layers.length);
  const outputs = await predictor.predict(layers, rows);
  await predictor.close();
  return [...outputs];
}

/** Trains in both spaces from the same start and compares losses and predictions on photographs never seen. */
async function compare(settings: Settings, features: Map<string, Float32Array>, trainIds: readonly string[]) {
  const cache = memoryCache(features);
  const training = [...new Set(trainIds)].map(digestOf).toSorted();
  const gram = await gramOf(cache);
  const span = await spanCoordinates(cache, gram, training, settings);
  const full = await fullCoordinates(cache, training, settings);
  const initial = initialWeights(span.width, FEATURE_LENGTH, [UNITS], 1);
  // kernelOf folds the scale in, so the same kernel for scaled features is without it.
  const start = await lifted(span, initial);
  const fullStart = start.map((layer, index) =>
    index === 0 ? { ...layer, kernel: layer.kernel.map((value) => value / full.scale) } : layer,
  );
  const digests = trainIds.map(digestOf);
  const targets = normalNumbers(digests.length, 1, 5, 'targets');
  const matrix = (coordinates: Coordinates): Matrix => ({
    width: coordinates.width,
    targets,
    rows: async (indices) => coordinates.rows(Array.from(indices, (index) => digests[index] ?? '')),
  });
  const common = { validation: null, settings, signal: new AbortController().signal };
  const inSpan = await fit({ ...common, initial, train: matrix(span) });
  const inFull = await fit({ ...common, initial: fullStart, train: matrix(full) });
  const unseen = [...cache.images.values()].filter((digest) => !training.includes(digest));
  const raw = await fullCoordinates(cache, unseen, { ...settings, squaredNorm: null });
  const spanHead = await lifted(span, inSpan.layers);
  const fullHead = await Promise.all(
    inFull.layers.map(async (layer, index) =>
      index === 0 ? { ...layer, kernel: await full.kernelOf(layer.kernel, layer.outputs) } : layer,
    ),
  );
  return {
    width: span.width,
    losses: [inSpan.history, inFull.history].map((history) => history.map(({ loss }) => loss)),
    predictions: [await predict(spanHead, await raw.rows(unseen)), await predict(fullHead, await raw.rows(unseen))],
    coordinates: await predict(inSpan.layers, await span.rows(unseen)),
  };
}

function largestDifference(one: readonly number[] = [], other: readonly number[] = []): number {
  expect(one.length).toBe(other.length);
  expect(one.length).toBeGreaterThan(0);
  return one.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (other[i] ?? Number.NaN))), 0);
}

const sgd: Settings = {
  ...PRESETS.default,
  normalize: 'none',
  dropout: 0,
  optimizer: 'sgd',
  learningRate: 0.05,
  epochs: 15,
  hidden: [UNITS],
};

describe('span', () => {
  const features = randomFeatures(24);
  const trainIds = [...features.keys()].slice(0, 16);

  test.each([
    ['full-batch', 16, 'none'],
    ['mini-batch', 5, 'none'],
    ['mini-batch', 5, 'layer'],
  ] as const)(
    '%s SGD (batch %i, normalize %s) gives the losses and predictions of all features, to 2e-5',
    async (_, batch, normalize) => {
      const { width, losses, predictions, coordinates } = await compare(
        { ...sgd, batch, normalize },
        features,
        trainIds,
      );
      expect(width).toBe(16);
      expect(largestDifference(losses[0], losses[1])).toBeLessThan(2e-5);
      expect(losses[0]?.at(-1)).toBeLessThan(0.5 * (losses[0]?.[0] ?? 0));
      expect(largestDifference(predictions[0], predictions[1])).toBeLessThan(2e-5);
      expect(largestDifference(predictions[0], coordinates)).toBeLessThan(2e-5);
    },
  );

  test('copies add no direction', async () => {
    const { width, losses, predictions } = await compare({ ...sgd, batch: 5 }, features, [
      ...trainIds,
      '0.jpg',
      '3.jpg',
    ]);
    expect(width).toBe(16);
    expect(largestDifference(losses[0], losses[1])).toBeLessThan(2e-5);
    expect(largestDifference(predictions[0], predictions[1])).toBeLessThan(2e-5);
  });

  test('other photographs with equal features add no direction', async () => {
    const doubled = new Map(features).set('again.jpg', randomFeature(0)).set('and again.jpg', randomFeature(0));
    const { width, losses } = await compare({ ...sgd, batch: 5 }, doubled, [...trainIds, 'again.jpg', 'and again.jpg']);
    expect(width).toBe(16);
    expect(largestDifference(losses[0], losses[1])).toBeLessThan(2e-5);
  });

  test('constant features, to 1e-4: float32 sums of equal numbers err to one side', async () => {
    const constant = new Map(['a', 'b', 'c', 'd'].map((id) => [id, new Float32Array(FEATURE_LENGTH).fill(3)]));
    const { width, losses, predictions } = await compare({ ...sgd, learningRate: 0.005, batch: 2 }, constant, [
      'a',
      'b',
      'c',
    ]);
    expect(width).toBe(1);
    expect(largestDifference(losses[0], losses[1])).toBeLessThan(1e-4);
    expect(largestDifference(predictions[0], predictions[1])).toBeLessThan(1e-4);
  });

  test('one photograph', async () => {
    const { width, losses, predictions } = await compare({ ...sgd, batch: 2 }, features, ['0.jpg']);
    expect(width).toBe(1);
    expect(largestDifference(losses[0], losses[1])).toBeLessThan(2e-5);
    expect(largestDifference(predictions[0], predictions[1])).toBeLessThan(2e-5);
  });

  test('coordinates have the features’ lengths and angles', async () => {
    const cache = memoryCache(features);
    const training = trainIds.map(digestOf).toSorted();
    const gram = await gramOf(cache);
    const span = await spanCoordinates(cache, gram, training, { normalize: 'none', squaredNorm: 16 });
    const rows = await span.rows(training);
    let squares = 0;
    for (const [i, one] of training.entries()) {
      for (const [j, other] of training.entries()) {
        let product = 0;
        for (let k = 0; k < span.width; k++)
          product += (rows[i * span.width + k] ?? 0) * (rows[j * span.width + k] ?? 0);
        expect(product).toBeCloseTo(gram.product(one, other) * span.scale ** 2, 4);
        if (i === j) squares += product;
      }
    }
    expect(squares / training.length).toBeCloseTo(16, 4);
  });
});

describe('all features', () => {
  const features = randomFeatures(8);
  const digests = [...features.keys()].map(digestOf).toSorted();

  test.each(['none', 'layer'] as const)(
    'those that memory does not hold are read again and are the same (normalize %s)',
    async (normalize) => {
      const cache = memoryCache(features);
      const scaling = { normalize, squaredNorm: 16 };
      const all = await fullCoordinates(cache, digests, scaling);
      const some = await fullCoordinates(cache, digests, scaling, 3);
      expect(some.scale).toBe(all.scale);
      const wanted = [digests[7], digests[0], digests[7], digests[3]].map((digest) => digest ?? '');
      const expected = await all.rows(wanted);
      for (let round = 0; round < 2; round++) {
        cache.given.length = 0;
        expect(largestDifference([...(await some.rows(wanted))], [...expected])).toBe(0);
        expect(cache.given).toEqual([digests[3], digests[7]]);
      }
      cache.given.length = 0;
      await all.rows(digests);
      expect(cache.given).toEqual([]);
    },
  );
});
