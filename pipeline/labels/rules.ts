import { randomNormal } from 'd3-random';
import seedrandom from 'seedrandom';
import { InputError } from '../errors.js';
import type { LabelTable } from './read.js';

/** How numbers are made up for the photographs of a folder: max(least, N(mean, deviation)). */
export interface Rule {
  readonly folder: string;
  readonly mean: number;
  readonly deviation: number;
  /** -Infinity where the rule names none. */
  readonly least: number;
}

const NUMBER = '([+-]?(?:\\d+\\.?\\d*|\\.\\d+))';
const RULE = new RegExp(
  `^(.+?)\\s*:\\s*normal\\s*\\(\\s*${NUMBER}\\s*,\\s*${NUMBER}\\s*\\)(?:\\s+min\\s+${NUMBER})?$`,
  'i',
);

/** @throws InputError for text that is no rule, and a deviation below 0 */
export function parseRule(text: string, where: string): Rule {
  const [, folder, mean, deviation, least] = RULE.exec(text.trim()) ?? [];
  if (folder === undefined || Number(deviation) < 0) {
    const expected = "a rule such as 'tiger: normal(100, 30) min 20'";
    throw new InputError({ expected, found: `"${text}"`, where });
  }
  const name = folder.replaceAll('\\', '/').replace(/^(\.?\/)+|\/+$/g, '');
  return { folder: name, mean: Number(mean), deviation: Number(deviation), least: Number(least ?? -Infinity) };
}

export function ruleText({ folder, mean, deviation, least }: Rule): string {
  return `${folder}: normal(${mean},${deviation})${least === -Infinity ? '' : ` min ${least}`}`;
}

/** The rule of the innermost folder on the image's path that has one, by its name or its path. */
export function ruleFor(id: string, rules: readonly Rule[]): Rule | undefined {
  const folders = id.split('/').slice(0, -1);
  for (let depth = folders.length; depth > 0; depth--) {
    const path = folders.slice(0, depth).join('/');
    const rule = rules.find(({ folder }) => folder === path || folder === folders[depth - 1]);
    if (rule !== undefined) return rule;
  }
  return undefined;
}

/** A made-up number, rounded to hundredths: of the photograph's bytes and the seed alone, whatever else there is. */
export function madeUp({ mean, deviation, least }: Rule, digest: string, seed: number): number {
  const value = randomNormal.source(seedrandom(`${seed} ${digest}`))(mean, deviation)();
  return Math.max(least, Math.round(value * 100) / 100);
}

function density(x: number): number {
  return Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
}

/** Distribution function of N(0, 1); the series of G. Marsaglia, "Evaluating the Normal Distribution" (2004). */
function cumulative(x: number): number {
  if (Math.abs(x) > 8) return x > 0 ? 1 : 0;
  let sum = x;
  let term = x;
  for (let n = 3, before = Number.NaN; sum !== before; n += 2) {
    before = sum;
    term *= (x * x) / n;
    sum += term;
  }
  return 0.5 + sum * density(x);
}

/**
 * Mean and variance of max(least, N(mean, deviation)), a censored normal: with a = (least - mean) / deviation,
 * E = least Phi(a) + mean (1 - Phi(a)) + deviation phi(a) and
 * E2 = least^2 Phi(a) + (mean^2 + deviation^2)(1 - Phi(a)) + deviation (least + mean) phi(a)
 * (W. H. Greene, Econometric Analysis, theorem 19.3).
 */
export function censoredMoments({ mean, deviation, least }: Rule): { mean: number; variance: number } {
  if (deviation === 0) return { mean: Math.max(least, mean), variance: 0 };
  if (least === -Infinity) return { mean, variance: deviation ** 2 };
  // Around the mean, so that a far-off mean costs no digits.
  const shift = least - mean;
  const below = cumulative(shift / deviation);
  const edge = deviation * density(shift / deviation);
  const first = shift * below + edge;
  const second = shift ** 2 * below + deviation ** 2 * (1 - below) + shift * edge;
  return { mean: mean + first, variance: Math.max(0, second - first ** 2) };
}

/** The rules in a labels file's header, as `pool5 label` writes them; empty for labels that were measured. */
function rulesOf({ file, comments }: Pick<LabelTable, 'file' | 'comments'>): Rule[] {
  const texts = comments.filter((comment) => comment.startsWith('rule:'));
  return texts.map((comment) => parseRule(comment.slice('rule:'.length), file));
}

export interface NoiseFloor {
  /** The least RMSE that is possible, in the labels' unit: of whoever tells the folders apart without a mistake. */
  readonly rmse: number;
  /** Images that the rules cover. */
  readonly count: number;
}

/**
 * What is left to chance in made-up labels: sqrt of the mean, over the given images, of their rule's variance.
 * @param ids images to weigh the rules with, e.g. those of the validation split; by default all of the table
 * @returns undefined for a file without rules, or with an image that no rule covers
 */
export function noiseFloor(
  table: Pick<LabelTable, 'file' | 'comments'> & { readonly rows: readonly { readonly id: string }[] },
  ids: readonly string[] = table.rows.map((row) => row.id),
): NoiseFloor | undefined {
  const rules = rulesOf(table);
  if (rules.length === 0 || ids.length === 0) return undefined;
  let sum = 0;
  for (const id of ids) {
    const rule = ruleFor(id, rules);
    if (rule === undefined) return undefined;
    sum += censoredMoments(rule).variance;
  }
  return { rmse: Math.sqrt(sum / ids.length), count: ids.length };
}
