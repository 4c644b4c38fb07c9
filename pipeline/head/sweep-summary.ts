import { estimate, pairedDifference, type Estimate } from './statistics.js';
import type { Variant } from './sweep-grid.js';
import type { SweepRecord } from './sweep-record.js';

type Measure = 'mae' | 'rmse' | 'r2';

export interface VariantSummary {
  readonly label: string;
  readonly runs: number;
  /** Runs whose loss did not stay finite. */
  readonly failed: number;
  readonly metrics: Readonly<Record<Measure, Estimate | null>>;
}

export interface Difference {
  readonly one: string;
  readonly other: string;
  /** RMSE of `one` minus that of `other` over the same seeds. */
  readonly rmse: Estimate;
}

export interface Best {
  readonly label: string;
  readonly seed: number;
  readonly fingerprint: string;
  readonly validationRmse: number;
}

/** Up to so many settings are compared each with each, more with the best one only. */
const EACH_WITH_EACH = 4;

type Records = ReadonlyMap<string, SweepRecord>;
type Fingerprints = ReadonlyMap<Variant['runs'][number]['settings'], string>;

function recordOf(records: Records, prints: Fingerprints, run: Variant['runs'][number]): SweepRecord | undefined {
  return records.get(prints.get(run.settings) ?? '');
}

/** RMSE of photographs that chose nothing, by seed. */
function rmseBySeed({ runs }: Variant, records: Records, prints: Fingerprints): Map<string, number> {
  const values = new Map<string, number>();
  for (const run of runs) {
    const value = recordOf(records, prints, run)?.metrics.holdout?.rmse;
    if (value !== undefined) values.set(String(run.seed), value);
  }
  return values;
}

export function summarizeVariants(
  variants: readonly Variant[],
  records: Records,
  prints: Fingerprints,
): VariantSummary[] {
  return variants.map(({ label, runs }) => {
    const done = runs.flatMap((run) => recordOf(records, prints, run) ?? []);
    const of = (measure: Measure): Estimate | null =>
      estimate(done.flatMap(({ metrics }) => metrics.holdout?.[measure] ?? []));
    const failed = done.filter(({ failure }) => failure !== null).length;
    return { label, runs: runs.length, failed, metrics: { mae: of('mae'), rmse: of('rmse'), r2: of('r2') } };
  });
}

export function differences(variants: readonly Variant[], records: Records, prints: Fingerprints): Difference[] {
  const values = variants.map((variant) => ({
    label: variant.label,
    bySeed: rmseBySeed(variant, records, prints),
  }));
  const meanOf = ({ bySeed }: (typeof values)[number]): number => estimate([...bySeed.values()])?.mean ?? Infinity;
  const sorted = values.toSorted((a, b) => meanOf(a) - meanOf(b));
  const pairs =
    values.length <= EACH_WITH_EACH
      ? values.flatMap((one, index) => values.slice(index + 1).map((other) => [one, other] as const))
      : sorted.slice(1).flatMap((one) => (sorted[0] === undefined ? [] : [[one, sorted[0]] as const]));
  return pairs.flatMap(([one, other]) => {
    const rmse = pairedDifference(one.bySeed, other.bySeed);
    return rmse === null ? [] : [{ one: one.label, other: other.label, rmse }];
  });
}

/** The setting with the least mean validation error, and its run with the least; undefined where all failed. */
export function bestRun(variants: readonly Variant[], records: Records, prints: Fingerprints): Best | undefined {
  let best: (Best & { mean: number }) | undefined;
  for (const { label, runs } of variants) {
    const done = runs.flatMap(({ seed, settings }) => {
      const record = records.get(prints.get(settings) ?? '');
      const validationRmse = record?.metrics.validation?.rmse;
      if (record === undefined || validationRmse === undefined) return [];
      return [{ label, seed, fingerprint: record.fingerprint, validationRmse }];
    });
    const mean = estimate(done.map(({ validationRmse }) => validationRmse))?.mean ?? Infinity;
    const [first] = done.toSorted((a, b) => a.validationRmse - b.validationRmse);
    if (first !== undefined && (best === undefined || mean < best.mean)) best = { ...first, mean };
  }
  if (best === undefined) return undefined;
  const { mean: _, ...run } = best;
  return run;
}
