/** A photograph with its label and its prediction. */
export interface Labelled {
  readonly target: number;
  readonly prediction: number;
}

export interface DoubtfulLabel {
  /** Position in the list that was given. */
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
export const COPY_DISTANCE = 0.04;

/** Look-alikes that are asked for a label. */
export const NEIGHBOURS = 7;

/**
 * Robust standard deviations beyond which a label is doubted. Measured on the 240 drawn pictures: with one label made
 * wrong at a time, 34 of 40 were found at 4 (36 at 3), and 3 of the 240 right labels were doubted (11 at 3).
 */
const DOUBT = 4;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}

/**
 * Labels that look wrong, the most doubtful first: each label is compared with the median label of the 7 photographs
 * that look most alike (itself left out); those are doubted that lie more than 4 robust standard deviations (1.4826
 * times the median absolute deviation) from it, while the head's prediction errs to the same side.
 * @param nearest of each photograph, the positions of those that look most alike; see neighboursOf
 * @returns none where there are too few photographs (fewer than 30) to tell
 */
export function doubtfulLabels(
  photographs: readonly Labelled[],
  nearest: readonly (readonly number[])[],
): DoubtfulLabel[] {
  if (photographs.length < 30) return [];
  const expectations = photographs.map((_, index) =>
    median((nearest[index] ?? []).map((other) => photographs[other]?.target ?? Number.NaN)),
  );
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
