import type { Calibration } from '../head/calibration.js';

/** What a run predicted for one photograph. */
export interface Outcome {
  /** The image's id: its path below the folder of photographs, with /. */
  readonly id: string;
  /** train, validation, holdout or test. */
  readonly split: string;
  readonly target: number;
  readonly prediction: number;
}

/** The loss or error after an epoch. */
export interface CurvePoint {
  readonly epoch: number;
  readonly series: string;
  readonly value: number;
}

/** Errors that the head's are compared with, in the target's unit. */
export interface Reference {
  readonly name: string;
  /** Undefined for the noise floor. */
  readonly mae?: number;
  readonly rmse: number;
  /** Whether this is what chance in made-up labels leaves, which no predictor can get below but by luck. */
  readonly floor?: boolean;
}

export interface Duplicate {
  readonly a: string;
  readonly b: string;
  /** Cosine distance of their descriptors. */
  readonly distance: number;
  readonly splits: readonly [string, string];
  readonly targets: readonly [number, number];
}

export interface Suspect {
  readonly id: string;
  readonly target: number;
  readonly prediction: number;
  /** What photographs that look alike would make of it, in the target's unit. */
  readonly expected: number;
  /** Robust standard deviations between target and expected. */
  readonly score: number;
}

/** A table of facts: name and value, both text. */
export interface Facts {
  readonly title: string;
  readonly rows: readonly (readonly [string, string])[];
}

/** Everything that a run's page shows, read and computed; the page itself only lays it out. */
export interface RunReport {
  readonly name: string;
  /** Of the target; '' where unknown. */
  readonly unit: string;
  /** What the head learned, e.g. length. */
  readonly target: string;
  readonly outcomes: readonly Outcome[];
  readonly curves: {
    /** Whether values are root mean squared errors in the target's unit; else they are losses. */
    readonly inUnit: boolean;
    readonly points: readonly CurvePoint[];
    readonly best: number | undefined;
  };
  /** Baselines (the mean, ridge, the mean of the folder) and, for made-up labels, the noise floor. */
  readonly references: readonly Reference[];
  /** The prediction interval, where there is one. */
  readonly interval: Calibration | undefined;
  /** Undefined where no features were at hand; `note` says so. */
  readonly likeness: { readonly duplicates: readonly Duplicate[]; readonly suspects: readonly Suspect[] } | undefined;
  readonly notes: readonly string[];
  readonly facts: readonly Facts[];
}

const ORDER = ['train', 'validation', 'holdout', 'test'];

function rank(split: string): number {
  return ORDER.includes(split) ? ORDER.indexOf(split) : ORDER.length;
}

/** The splits that occur, training first. */
export function splitsOf(outcomes: readonly Outcome[]): string[] {
  return [...new Set(outcomes.map(({ split }) => split))].toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** Folders that all ids have in front: they tell no photograph from another. */
function commonDepth(paths: readonly (readonly string[])[]): number {
  const [first = []] = paths;
  const depth = first.findIndex((folder, index) => paths.some((path) => path[index] !== folder));
  return depth === -1 ? first.length : depth;
}

/**
 * A group for each id: the first folder that is not the same for all, where that makes 2 to 12 groups; else one group
 * without a name. (More groups than that are no longer groups that a chart could show.)
 */
export function groupsOf(ids: readonly string[]): Map<string, string> {
  const paths = ids.map((id) => id.split('/').slice(0, -1));
  const depth = commonDepth(paths);
  const folders = paths.map((path) => path[depth] ?? '(no folder)');
  const names = new Set(folders);
  const usable = names.size >= 2 && names.size <= 12;
  return new Map(ids.map((id, index) => [id, usable ? (folders[index] ?? '') : '']));
}

/** Decimals that show a thousandth of the targets' range or less, at least one. */
export function decimalsFor(values: readonly number[]): number {
  const range = Math.max(...values) - Math.min(...values);
  if (!(range > 0)) return 1;
  return Math.min(6, Math.max(1, Math.ceil(2 - Math.log10(range))));
}
