/** How far predictions are from the truth, in the target's unit. */
export interface Metrics {
  readonly count: number;
  /** Mean absolute error. */
  readonly mae: number;
  /** Root mean squared error. */
  readonly rmse: number;
  /** 1 - squared error / squared deviation from these targets' own mean; null where they do not vary. */
  readonly r2: number | null;
}

/** @returns null where there is nothing to compare */
export function metricsOf(targets: ArrayLike<number>, predictions: ArrayLike<number>): Metrics | null {
  const count = targets.length;
  if (count === 0) return null;
  let absolute = 0;
  let squared = 0;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const error = (predictions[i] ?? Number.NaN) - (targets[i] ?? Number.NaN);
    absolute += Math.abs(error);
    squared += error * error;
    sum += targets[i] ?? Number.NaN;
  }
  let deviation = 0;
  for (let i = 0; i < count; i++) deviation += ((targets[i] ?? Number.NaN) - sum / count) ** 2;
  return {
    count,
    mae: absolute / count,
    rmse: Math.sqrt(squared / count),
    r2: deviation === 0 ? null : 1 - squared / deviation,
  };
}
