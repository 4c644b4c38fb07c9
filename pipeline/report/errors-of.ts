import type { Outcome } from './outcome.js';

interface Errors {
  readonly count: number;
  readonly mae: number;
  readonly rmse: number;
  readonly r2: number | undefined;
}

/** Root mean squared error. */
export function rmseOf(outcomes: readonly Pick<Outcome, 'target' | 'prediction'>[]): number {
  return Math.sqrt(
    outcomes.reduce((sum, { target, prediction }) => sum + (prediction - target) ** 2, 0) / outcomes.length,
  );
}

/** Mean absolute error, root mean squared error and R2 of a part; R2 is undefined where its targets do not vary. */
export function errorsOf(outcomes: readonly Outcome[]): Errors {
  const count = outcomes.length;
  const mean = outcomes.reduce((sum, { target }) => sum + target, 0) / count;
  const spread = outcomes.reduce((sum, { target }) => sum + (target - mean) ** 2, 0);
  const mae = outcomes.reduce((sum, { target, prediction }) => sum + Math.abs(prediction - target), 0) / count;
  const rmse = rmseOf(outcomes);
  return { count, mae, rmse, r2: spread === 0 ? undefined : 1 - (rmse ** 2 * count) / spread };
}
