import { describe, expect, test } from 'vitest';
import { partOf, splitExamples, type SplitSettings } from '../../../pipeline/head/split.js';
import { digestOf } from './memory-cache.js';

const settings = { splitSeed: 1, validation: 0.2, holdout: 0, test: 0, folds: null };
const groups = Array.from({ length: 1000 }, (_, index) => ({ group: digestOf(String(index)) }));
const count = (parts: readonly string[], part: string): number => parts.filter((each) => each === part).length;

const testIndices = (parts: readonly string[]): number[] =>
  [...parts.keys()].filter((index) => parts[index] === 'test');

describe('splitExamples', () => {
  test('gives each part about its fraction', () => {
    const parts = splitExamples(groups, { ...settings, holdout: 0.2, test: 0.1 });
    expect(['train', 'validation', 'holdout', 'test'].map((part) => count(parts, part))).toEqual([600, 134, 181, 85]);
  });

  test('adding photographs moves none', () => {
    const few = splitExamples(groups.slice(0, 100), settings);
    expect(splitExamples(groups, settings).slice(0, 100)).toEqual(few);
  });

  test('copies and groups stay together', () => {
    const doubled = [...groups.slice(0, 50), ...groups.slice(0, 50)];
    const parts = splitExamples(doubled, settings);
    expect(parts.slice(0, 50)).toEqual(parts.slice(50));
  });

  test('another split seed gives another validation part but the same test part', () => {
    const one = splitExamples(groups, { ...settings, test: 0.2 });
    const other = splitExamples(groups, { ...settings, test: 0.2, splitSeed: 2 });
    expect(testIndices(one)).toEqual(testIndices(other));
    expect(one).not.toEqual(other);
  });

  test('each example is held out in exactly one fold', () => {
    const few = groups.slice(0, 60);
    const held = few.map(() => 0);
    for (let fold = 0; fold < 5; fold++) {
      for (const [index, part] of splitExamples(few, { ...settings, folds: 5 }, fold).entries()) {
        if (part === 'holdout') held[index] = (held[index] ?? 0) + 1;
      }
    }
    expect(held).toEqual(few.map(() => 1));
  });

  test('more folds than photographs', () => {
    expect(() => splitExamples(groups.slice(0, 3), { ...settings, folds: 5 }, 0)).toThrow(
      'Expected at most 3 folds for 3 photographs, got 5 (--folds).',
    );
  });

  test('a part that nothing falls into', () => {
    expect(() => splitExamples(groups.slice(0, 1), settings)).toThrow(
      'Expected at least one photograph for validation, got none of 1 (split seed 1). ' +
        'Give more labels or another --split-seed.',
    );
    const [group] = groups;
    const alike = [group, group, group].flatMap((each) => each ?? []);
    expect(() => splitExamples(alike, settings)).toThrow('got none of 3 in 1 group (split seed 1).');
  });
});

test('partOf depends on the group, the seed and the fractions alone', () => {
  const split: SplitSettings = { splitSeed: 3, validation: 0.5, holdout: 0.3, test: 0.1 };
  expect(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((group) => partOf(group, split))).toMatchInlineSnapshot(`
    [
      "holdout",
      "validation",
      "validation",
      "holdout",
      "validation",
      "holdout",
      "holdout",
    ]
  `);
});
