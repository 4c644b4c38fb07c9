import { basisOf, calibrate, type Calibration } from '../head/calibration.js';
import { machineRows } from '../machine.js';
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
  return { name: 'folder mean', mae, rmse: rmseOf(guesses) };
}

function referencesOf({ outcomes, summary }: RunFiles, split: string): Reference[] {
  const { baselines } = summary;
  const named = [
    { name: 'training mean', errors: baselines?.mean?.[split] },
    { name: 'ridge', errors: baselines?.ridge?.parts[split] },
  ].flatMap(({ name, errors }): Reference[] => {
    const { mae, rmse } = errors ?? {};
    return typeof mae === 'number' && typeof rmse === 'number' ? [{ name, mae, rmse }] : [];
  });
  const group = groupMeans(outcomes, split);
  const { floor } = summary;
  // train names the floor of the part that chose the least, which is the last of the splits.
  const least = typeof floor === 'number' ? [{ name: 'noise floor', rmse: floor, floor: true }] : [];
  return [...named, ...(group === undefined ? [] : [group]), ...least];
}

/** How many of some photographs an interval holds: "9 of 10". */
function held(outcomes: readonly Outcome[], half: number): string {
  const inside = outcomes.filter(({ target, prediction }) => Math.abs(target - prediction) <= half).length;
  return `${inside} of ${outcomes.length}`;
}

/** What the interval rests on, and how it fares where it was not made, and in each group. */
function intervalNotes(outcomes: readonly Outcome[], interval: Calibration): string[] {
  const { half, coverage, part } = interval;
  const name = `The ${coverage * 100} % interval`;
  const later = ['holdout', 'test'].flatMap((split) => {
    const seen = outcomes.filter((outcome) => outcome.split === split);
    return split === part || seen.length === 0 ? [] : [`${name} holds ${held(seen, half)} ${split} photographs.`];
  });
  const groups = groupsOf(outcomes.map(({ id }) => id));
  const names = [...new Set(groups.values())].filter((group) => group !== '').toSorted();
  const members = (group: string): Outcome[] =>
    outcomes.filter(({ id, split }) => split === part && groups.get(id) === group);
  const byGroup = names
    .filter((group) => members(group).length > 0)
    .map((group) => `${held(members(group), half)} in ${group}`);
  return [
    `${name} rests on ${basisOf(interval)}.`,
    ...later,
    ...(byGroup.length < 2
      ? []
      : [`It is as wide for all: of those that it rests on, it holds ${byGroup.join(', ')}.`]),
  ];
}

/** How long each step took; not the saving, which the summary cannot know, nor steps that there were none of. */
function timings(seconds: Readonly<Record<string, number>> = {}): [string, string][] {
  const steps = Object.entries(seconds).filter(([name, value]) => name !== 'save' && value >= 0.005);
  return steps.map(([name, value]) => [name, value.toFixed(2)]);
}

/** Runs of an early pool5 do not say where they were made. */
export const UNRECORDED: [string, string][] = [['Machine', 'not recorded']];

/** Everything that a page says about a run but its look-alikes, which need the features. */
export function runReport(run: RunFiles, likeness: RunReport['likeness'], notes: readonly string[]): RunReport {
  const { outcomes, config, summary } = run;
  const interval = calibrate(outcomes, summary);
  const split = splitsOf(outcomes).at(-1) ?? 'train';
  const { settings, ...source } = config;
  const { metrics: _metrics, baselines: _baselines, machine, seconds, ...rest } = summary;
  const facts: Facts[] = [
    { title: 'Settings and seeds', rows: flatten(settings) },
    { title: 'Labels, features and versions', rows: flatten(source) },
    { title: 'Result', rows: flatten(rest) },
    { title: 'Timings (seconds)', rows: timings(seconds) },
    { title: 'Machine', rows: machine === undefined ? UNRECORDED : machineRows(machine) },
  ];
  const random = config.features.random ? ['The features come from random weights: the numbers mean nothing.'] : [];
  const chose = typeof summary.epoch === 'number' && outcomes.some((outcome) => outcome.split === 'validation');
  const optimism = chose ? ['The validation photographs chose the epoch, so their error is a little optimistic.'] : [];
  const promise = interval === null ? [] : intervalNotes(outcomes, interval);
  return {
    name: run.name,
    unit: config.labels.unit,
    target: config.labels.target,
    outcomes,
    curves: curvesOf(run),
    references: referencesOf(run, split),
    interval: interval ?? undefined,
    likeness,
    notes: [...random, ...optimism, ...promise, ...notes],
    facts,
  };
}
