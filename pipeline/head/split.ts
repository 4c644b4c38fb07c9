import { createHash } from 'node:crypto';
import { InputError } from '../errors.js';

/**
 * What an example is for: to fit the weights, to choose the epoch, to compare heads (it chose nothing), or to be
 * looked at once, when everything is decided.
 */
export type Part = 'train' | 'validation' | 'holdout' | 'test';

export interface SplitSettings {
  readonly splitSeed: number;
  /** Fraction of what holdout and test leave. */
  readonly validation: number;
  /** Fraction of what test leaves, drawn anew with each split seed; or one of several folds. */
  readonly holdout: number | { readonly fold: number; readonly folds: number };
  /** Fraction; the same examples for every split seed. */
  readonly test: number;
}

/** A number in [0, 1) that depends on nothing but its arguments: adding examples moves none. */
function position(purpose: string, seed: number, group: string): number {
  return createHash('sha256').update(`${purpose}/${seed}/${group}`).digest().readUIntBE(0, 6) / 2 ** 48;
}

/** The part of one group of examples: copies of a photograph (the group is its digest), or what --split-by names. */
export function partOf(group: string, { splitSeed, validation, holdout, test }: SplitSettings): Part {
  if (position('test', 0, group) < test) return 'test';
  const held = position('holdout', splitSeed, group);
  if (typeof holdout === 'number' ? held < holdout : Math.floor(held * holdout.folds) === holdout.fold) {
    return 'holdout';
  }
  return position('validation', splitSeed, group) < validation ? 'validation' : 'train';
}

/** @throws InputError where a part that was asked for is empty */
function checkParts(parts: readonly Part[], groups: number, settings: SplitSettings): void {
  const { validation, holdout, test, splitSeed } = settings;
  const wanted: [Part, boolean][] = [
    ['train', true],
    ['validation', validation > 0],
    ['holdout', typeof holdout !== 'number' || holdout > 0],
    ['test', test > 0],
  ];
  for (const [part, asked] of wanted) {
    if (!asked || parts.includes(part)) continue;
    const photographs = `${parts.length}${groups < parts.length ? ` in ${groups} group${groups === 1 ? '' : 's'}` : ''}`;
    throw new InputError({
      expected: `at least one photograph for ${part === 'train' ? 'training' : part}`,
      found: `none of ${photographs} (split seed ${splitSeed})`,
      fix: part === 'test' ? 'Give more labels or a larger --test.' : 'Give more labels or another --split-seed.',
    });
  }
}

/**
 * Splits examples by their groups.
 * @param fold of settings.folds, from 0: that one is held out
 * @throws InputError where a part that was asked for is empty, or there are more folds than groups
 */
export function splitExamples(
  examples: readonly { readonly group: string }[],
  settings: Omit<SplitSettings, 'holdout'> & { readonly holdout: number; readonly folds: number | null },
  fold?: number,
): Part[] {
  const { folds } = settings;
  const groups = new Set(examples.map(({ group }) => group)).size;
  if (folds !== null && folds > groups) {
    throw new InputError({
      expected: `at most ${groups} folds for ${groups} photographs`,
      found: String(folds),
      where: '--folds',
    });
  }
  const holdout = fold === undefined || folds === null ? settings.holdout : { fold, folds };
  const split = { ...settings, holdout };
  const parts = examples.map(({ group }) => partOf(group, split));
  checkParts(parts, groups, split);
  return parts;
}
