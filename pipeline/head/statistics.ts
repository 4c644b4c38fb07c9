import jstat from 'jstat';

/** A mean and how well it is known. */
export interface Estimate {
  readonly count: number;
  readonly mean: number;
  /** Of single values, with n - 1; null for one value. */
  readonly deviation: number | null;
  /** 95% interval of the mean by Student's t; null for one value. */
  readonly interval: readonly [number, number] | null;
}

/** @returns null where there is no value */
export function estimate(values: readonly number[]): Estimate | null {
  const count = values.length;
  if (count === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count === 1) return { count, mean, deviation: null, interval: null };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  const deviation = Math.sqrt(variance);
  const half = (jstat.jStat.studentt.inv(0.975, count - 1) * deviation) / Math.sqrt(count);
  return { count, mean, deviation, interval: [mean - half, mean + half] };
}

/** Differences of values that belong together (the same seed under two settings); unmatched ones are left out. */
export function pairedDifference(
  one: ReadonlyMap<string, number>,
  other: ReadonlyMap<string, number>,
): Estimate | null {
  const differences: number[] = [];
  for (const [key, value] of one) {
    const partner = other.get(key);
    if (partner !== undefined) differences.push(value - partner);
  }
  return estimate(differences);
}
