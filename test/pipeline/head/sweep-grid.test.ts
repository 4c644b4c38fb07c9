import { describe, expect, test } from 'vitest';
import { listsFrom, parseSeeds, sweepVariants } from '../../../pipeline/head/sweep-grid.js';

describe('parseSeeds', () => {
  test.each([
    ['1..4', [1, 2, 3, 4]],
    ['3', [3]],
    ['1, 2,5', [1, 2, 5]],
    ['1..3,7,2', [1, 2, 3, 7]],
  ])('%s', (text, seeds) => {
    expect(parseSeeds(text)).toEqual(seeds);
  });

  test('a range that runs backwards', () => {
    expect(() => parseSeeds('5..1')).toThrow(
      'Expected a range of seeds with the lower one first, got 5..1 (--seeds). Write 1..5.',
    );
  });

  test.each(['', 'a', '1..', '1.5', '-1', '1;2'])('%j is none', (text) => {
    expect(() => parseSeeds(text)).toThrow(`Expected seeds such as 1..10 or 1,2,5, got "${text}" (--seeds).`);
  });
});

describe('listsFrom', () => {
  test('splits at commas, except hidden layers, and keeps numbers as numbers', () => {
    const options = { learningRate: ['0.1,0.01', '1'], hidden: ['256', '256,64'], optimizer: ['adam'], batch: [] };
    expect(listsFrom(['learning-rate', 'hidden', 'optimizer', 'batch', 'dropout'], options)).toEqual({
      learningRate: [0.1, 0.01, 1],
      hidden: ['256', '256,64'],
      optimizer: ['adam'],
    });
  });
});

describe('sweepVariants', () => {
  const lists = { learningRate: [0.1, 0.01], dropout: [0], batch: [8, 16] };

  test('makes every combination and names it by what varies', () => {
    const variants = sweepVariants('default', lists, [1, 2], 'all', { holdout: 0.2 });
    expect(variants.map(({ label }) => label)).toEqual([
      'learning-rate 0.1, batch 8',
      'learning-rate 0.1, batch 16',
      'learning-rate 0.01, batch 8',
      'learning-rate 0.01, batch 16',
    ]);
    expect(variants[1]?.runs.map(({ seed, settings }) => [seed, settings.learningRate, settings.batch])).toEqual([
      [1, 0.1, 16],
      [2, 0.1, 16],
    ]);
    expect(variants[0]?.runs[1]?.settings).toMatchObject({
      dropout: 0,
      holdout: 0.2,
      splitSeed: 2,
      initSeed: 2,
      batchSeed: 2,
    });
  });

  test.each([
    ['init', { splitSeed: 1, initSeed: 7, batchSeed: 1 }],
    ['split', { splitSeed: 7, initSeed: 1, batchSeed: 1 }],
    ['batch', { splitSeed: 1, initSeed: 1, batchSeed: 7 }],
  ] as const)('--vary %s moves one seed alone', (vary, seeds) => {
    const [variant] = sweepVariants('tutorial', {}, [7], vary, {});
    expect(variant?.label).toBe('tutorial');
    expect(variant?.runs[0]?.settings).toMatchObject(seeds);
  });
});
