/** A prediction plus or minus `half` holds the truth for new photographs with at least this probability. */
export interface ConformalInterval {
  /** In the target's unit. */
  readonly half: number;
  /** What was asked for, e.g. 0.9. */
  readonly coverage: number;
  /** How many residuals it rests on. */
  readonly count: number;
}

/** Residuals below which no interval of this coverage exists: ceil((n + 1) * coverage) would exceed n. */
export function fewestResiduals(coverage: number): number {
  return Math.ceil(coverage / (1 - coverage) - 1e-9);
}

/**
 * Split conformal prediction: the ceil((n + 1) * coverage)-th smallest absolute residual of photographs that did not
 * train the head (Lei, G'Sell, Rinaldo, Tibshirani and Wasserman, "Distribution-Free Predictive Inference for
 * Regression", 2018, algorithm 2). Where they chose the epoch, the guarantee is no longer exact.
 * @param residuals prediction minus truth
 * @returns null where there are too few residuals for this coverage
 */
export function conformalInterval(residuals: ArrayLike<number>, coverage: number): ConformalInterval | null {
  const sorted = Float64Array.from(residuals, Math.abs).toSorted();
  const count = sorted.length;
  // The small subtraction keeps (n + 1) * coverage = 9.000000000000002 at rank 9.
  const rank = Math.ceil((count + 1) * coverage - 1e-9);
  const half = rank <= count ? sorted[rank - 1] : undefined;
  return half === undefined || !Number.isFinite(half) ? null : { half, coverage, count };
}
