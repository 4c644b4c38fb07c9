import { conformalInterval } from '../head/conformal.js';
import { rmseOf } from './errors-of.js';
import {
  groupsOf,
  splitsOf,
  type CurvePoint,
  type Facts,
  type Outcome,
  type Reference,
  type RunReport,
} from './outcome.js';
import type { RunFiles } from './run-files.js';

/** The coverage of the interval that a page shows. */
const COVERAGE = 0.9;

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && !Number.isInteger(value)) return String(Number(value.toPrecision(4)));
  return JSON.stringify(value);
}

/** Nested settings as rows: { a: { b: 1 } } is "a.b", "1"; fractions with four significant digits. */
export function flatten(value: unknown, name = ''): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[name, textOf(value)]];
  if (Array.isArray(value) && value.every((each) => typeof each !== 'object')) return [[name, value.join(', ')]];
  return Object.entries(value).flatMap(([key, inner]) => flatten(inner, name === '' ? key : `${name}.${key}`));
}

/**
 * What a unit of the training target is in the target's own unit: the population deviation of the training targets
 * where they are standardised, 1 where they are raw; undefined for logarithms, whose errors are ratios.
 */
function scaleOf(kind: string, outcomes: readonly Outcome[]): number | undefined {
  if (kind === 'raw') return 1;
  if (kind !== 'standard') return undefined;
  const targets = outcomes.filter(({ split }) => split === 'train').map(({ target }) => target);
  const mean = targets.reduce((sum, target) => sum + target, 0) / targets.length;
  return Math.sqrt(targets.reduce((sum, target) => sum + (target - mean) ** 2, 0) / targets.length);
}

function curvesOf({ metrics, outcomes, config, summary }: RunFiles): RunReport['curves'] {
  const scale = scaleOf(config.settings.target, outcomes);
  const value = (loss: number): number => (scale === undefined ? loss : Math.sqrt(loss) * scale);
  const points = metrics.flatMap(({ epoch, loss, validationLoss }): CurvePoint[] => [
    { epoch, series: 'train', value: value(loss) },
    ...(typeof validationLoss === 'number' ? [{ epoch, series: 'validation', value: value(validationLoss) }] : []),
  ]);
  return { inUnit: scale !== undefined, points, best: summary.epoch ?? undefined };
}

/** The error of the training photographs' mean in each group: what a head would reach that knows only the folder. */
function groupMeans(outcomes: readonly Outcome[], split: string): Reference | undefined {
  const groups = groupsOf(outcomes.map(({ id }) => id));
  if (new Set(groups.values()).size < 2) return undefined;
  const means = new Map<string, { sum: number; count: number }>();
  for (const { id, target } of outcomes.filter((each) => each.split === 'train')) {
    const group = groups.get(id) ?? '';
    const { sum, count } = means.get(group) ?? { sum: 0, count: 0 };
    means.set(group, { sum: sum + target, count: count + 1 });
  }
  const guesses = outcomes.flatMap((outcome) => {
    const mean = means.get(groups.get(outcome.id) ?? '');
    return outcome.split === split && mean !== undefined ? [{ ...outcome, prediction: mean.sum / mean.count }] : [];
  });
  if (guesses.length === 0) return undefined;
  const mae = guesses.reduce((sum, { target, prediction }) => sum + Math.abs(target - prediction), 0) / guesses.length;
  return { name: `mean of the folder (${split})`, mae, rmse: rmseOf(guesses) };
}

function referencesOf({ outcomes, summary }: RunFiles, split: string): Reference[] {
  const { baselines } = summary;
  const named = [
    { name: `mean of the training targets (${split})`, errors: baselines?.mean?.[split] },
    { name: `ridge (${split})`, errors: baselines?.ridge?.parts[split] },
  ].flatMap(({ name, errors }): Reference[] => {
    const { mae, rmse } = errors ?? {};
    return typeof mae === 'number' && typeof rmse === 'number' ? [{ name, mae, rmse }] : [];
  });
  const group = groupMeans(outcomes, split);
  return group === undefined ? named : [...named, group];
}

/** How often later splits kept the interval's promise: they chose nothing. */
function coverageNotes(outcomes: readonly Outcome[], half: number): string[] {
  return ['holdout', 'test'].flatMap((split) => {
    const part = outcomes.filter((outcome) => outcome.split === split);
    if (part.length === 0) return [];
    const inside = part.filter(({ target, prediction }) => Math.abs(target - prediction) <= half).length;
    const share = Math.round((inside / part.length) * 100);
    return [
      `The ${COVERAGE * 100} % interval holds ${inside} of the ${part.length} ${split} photographs (${share} %).`,
    ];
  });
}

/** Everything that a page says about a run but its look-alikes, which need the features. */
export function runReport(run: RunFiles, likeness: RunReport['likeness'], notes: readonly string[]): RunReport {
  const { outcomes, config, summary } = run;
  const validation = outcomes.filter(({ split }) => split === 'validation');
  const residuals = validation.map(({ target, prediction }) => prediction - target);
  const interval = conformalInterval(residuals, COVERAGE);
  const split = splitsOf(outcomes).at(-1) ?? 'train';
  const { settings, ...source } = config;
  const { metrics: _metrics, baselines: _baselines, ...rest } = summary;
  const facts: Facts[] = [
    { title: 'Settings and seeds', rows: flatten(settings) },
    { title: 'Labels, features and versions', rows: flatten(source) },
    { title: 'Result and timings (seconds)', rows: flatten(rest) },
  ];
  const random = config.features.random ? ['The features come from random weights: the numbers mean nothing.'] : [];
  const optimism =
    interval === null || typeof summary.epoch !== 'number' || validation.length === 0
      ? []
      : ['The validation photographs chose the epoch, so their error and the interval are a little optimistic.'];
  const covered = interval === null ? [] : coverageNotes(outcomes, interval.half);
  return {
    name: run.name,
    unit: config.labels.unit,
    target: config.labels.target,
    outcomes,
    curves: curvesOf(run),
    references: referencesOf(run, split),
    interval: interval ?? undefined,
    likeness,
    notes: [...random, ...optimism, ...covered, ...notes],
    facts,
  };
}
