import { distance } from './descriptor.js';

/** A photograph with its label, its prediction and what it looks like. */
export interface Labelled {
  readonly target: number;
  readonly prediction: number;
  readonly descriptor: Float32Array;
}

/** By position in the list that was given. */
export interface Pair {
  readonly a: number;
  readonly b: number;
  readonly distance: number;
}

export interface DoubtfulLabel {
  readonly index: number;
  /** The median label of the photographs that look most alike. */
  readonly expected: number;
  /** Robust standard deviations between label and expectation. */
  readonly score: number;
}

/**
 * Descriptors closer than this belong to copies. Measured on 240 photographs of cats and dogs and 240 drawn pictures:
 * copies saved anew as JPEG of quality 60, cropped by 4 % a side or brightened were mostly within 0.03; the closest two
 * different photographs were 0.105 apart, the closest two drawings 0.052.
 */
const COPY_DISTANCE = 0.04;

/** Look-alikes that are asked for a label. */
const NEIGHBOURS = 7;

/**
 * Robust standard deviations beyond which a label is doubted. Measured on the 240 drawn pictures: with one label made
 * wrong at a time, 34 of 40 were found at 4 (36 at 3), and 3 of the 240 right labels were doubted (11 at 3).
 */
const DOUBT = 4;

/** Pairs of near-duplicates, the closest first. */
export function nearDuplicates(descriptors: readonly Float32Array[]): Pair[] {
  const pairs: Pair[] = [];
  for (const [a, first] of descriptors.entries()) {
    for (let b = a + 1; b < descriptors.length; b++) {
      const between = distance(first, descriptors[b] ?? first);
      if (between < COPY_DISTANCE) pairs.push({ a, b, distance: between });
    }
  }
  return pairs.toSorted((p, q) => p.distance - q.distance || p.a - q.a || p.b - q.b);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}

/**
 * Labels that look wrong, the most doubtful first: each label is compared with the median label of the 7 photographs
 * that look most alike (itself left out); those are doubted that lie more than 4 robust standard deviations (1.4826
 * times the median absolute deviation) from it, while the head's prediction errs to the same side.
 * @returns none where there are too few photographs (fewer than 30) to tell
 */
export function doubtfulLabels(photographs: readonly Labelled[]): DoubtfulLabel[] {
  if (photographs.length < 30) return [];
  const expectations = photographs.map(({ descriptor }, index) => {
    const others = photographs
      .map((other, position) => ({
        target: other.target,
        far: position === index ? Infinity : distance(descriptor, other.descriptor),
      }))
      .toSorted((a, b) => a.far - b.far);
    return median(others.slice(0, NEIGHBOURS).map(({ target }) => target));
  });
  const gaps = photographs.map(({ target }, index) => target - (expectations[index] ?? target));
  const center = median(gaps);
  const spread = 1.4826 * median(gaps.map((gap) => Math.abs(gap - center)));
  if (!(spread > 0)) return [];
  return photographs
    .map(({ target, prediction }, index) => {
      const gap = gaps[index] ?? 0;
      const agrees = Math.sign(target - prediction) === Math.sign(gap);
      return { index, expected: expectations[index] ?? target, score: agrees ? Math.abs(gap - center) / spread : 0 };
    })
    .filter(({ score }) => score > DOUBT)
    .toSorted((a, b) => b.score - a.score);
}
