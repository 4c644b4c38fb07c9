import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

/** Ridge regression with an intercept that is not penalised, in its dual form. */
export interface Ridge {
  /** The penalty on the squared weights, for features as they are. */
  readonly lambda: number;
  /** w = Xᵀ a, [training rows]. */
  readonly dual: Float64Array;
  readonly intercept: number;
  /** Each training target as predicted by the ridge fitted to all others, exactly. */
  readonly leaveOneOut: Float64Array;
}

/** Penalties tried, as multiples of the centred features' mean squared norm: 1e-4 to 1e3, four a decade. */
const GRID = Array.from({ length: 29 }, (_, index) => 10 ** (-4 + index / 4));

const meanOf = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, v) => sum + v, 0) / values.length;

/** K of centred features from K of features. */
function centred(gram: readonly Float64Array[], rowMeans: readonly number[], mean: number): Matrix {
  const count = gram.length;
  const matrix = new Matrix(count, count);
  for (const [i, row] of gram.entries()) {
    for (let j = 0; j < count; j++) matrix.set(i, j, (row[j] ?? 0) - (rowMeans[i] ?? 0) - (rowMeans[j] ?? 0) + mean);
  }
  return matrix;
}

/**
 * Fits for each penalty of a grid and keeps the one with the least leave-one-out error, which is
 * (y_i - ŷ_i) / (1 - h_ii) with h the diagonal of the hat matrix, the intercept's 1/n included (Hastie, Tibshirani and
 * Friedman, "The Elements of Statistical Learning", 2nd edition, 7.10; scikit-learn's RidgeCV gives the same).
 * @param gram K = X Xᵀ of the training rows, [n][n]
 * @param penalties for features as they are; default: a logarithmic grid
 */
export function fitRidge(gram: readonly Float64Array[], targets: ArrayLike<number>, penalties?: number[]): Ridge {
  const count = gram.length;
  const rowMeans = gram.map(meanOf);
  const matrix = centred(gram, rowMeans, meanOf(rowMeans));
  const meanTarget = meanOf(targets);
  const deviations = Float64Array.from(targets, (target) => target - meanTarget);
  const decomposition = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const vectors = decomposition.eigenvectorMatrix;
  // Rounding leaves values a little below 0 where the true one is 0.
  const values = decomposition.realEigenvalues.map((value) => Math.max(0, value));
  const rotated = vectors
    .transpose()
    .mmul(Matrix.columnVector(Array.from(deviations)))
    .to1DArray();
  const meanNorm = matrix.trace() / count;
  let best: { lambda: number; error: number; leaveOneOut: Float64Array } | undefined;
  for (const lambda of penalties ?? GRID.map((each) => each * meanNorm)) {
    const leaveOneOut = new Float64Array(count);
    let error = 0;
    for (let i = 0; i < count; i++) {
      let fitted = 0;
      let leverage = 1 / count;
      for (const [k, value] of values.entries()) {
        const vector = vectors.get(i, k);
        const kept = value / (value + lambda);
        fitted += vector * kept * (rotated[k] ?? 0);
        leverage += vector * vector * kept;
      }
      const residual = ((deviations[i] ?? 0) - fitted) / (1 - leverage);
      leaveOneOut[i] = (targets[i] ?? 0) - residual;
      error += residual * residual;
    }
    if (best === undefined || error < best.error) best = { lambda, error, leaveOneOut };
  }
  const { lambda, leaveOneOut } = best ?? { lambda: 0, leaveOneOut: new Float64Array(count) };
  const scaled = rotated.map((value, k) => value / ((values[k] ?? 0) + lambda));
  const dual = Float64Array.from(vectors.mmul(Matrix.columnVector(scaled)).to1DArray());
  const shift = dual.reduce((sum, value, i) => sum + value * (rowMeans[i] ?? 0), 0);
  return { lambda, dual, intercept: meanTarget - shift, leaveOneOut };
}

/** @param products of one photograph with each training row */
export function predictRidge({ dual, intercept }: Ridge, products: Float64Array): number {
  return dual.reduce((sum, value, i) => sum + value * (products[i] ?? Number.NaN), intercept);
}
