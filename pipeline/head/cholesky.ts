/** K = L Lᵀ for the rows and columns of K in pivot order, as far as its numerical rank goes. */
export interface Factor {
  /** Which rows of K were taken, in this order: rank of them. */
  readonly pivots: readonly number[];
  /** Row k holds L's first k + 1 numbers of pivot k. */
  readonly lower: readonly Float64Array[];
  /** Coordinates of every row of K, [rows][rank]: row i times row j is K's i, j. */
  readonly coordinates: readonly Float64Array[];
}

/** What is left of a row's squared norm, relative to it, below which the row adds no direction. */
const TOLERANCE = 1e-5;

function dot(a: Float64Array, b: Float64Array, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/**
 * Pivoted Cholesky factorisation of a symmetric positive semi-definite matrix (Higham, "Analysis of the Cholesky
 * decomposition of a semi-definite matrix", 1990). Takes the row with the most left first, so that it reveals the rank.
 * @param gram [n][n]
 */
export function pivotedCholesky(gram: readonly Float64Array[]): Factor {
  const count = gram.length;
  const coordinates = gram.map(() => new Float64Array(count));
  const diagonal = gram.map((row, index) => row[index] ?? Number.NaN);
  const left = Float64Array.from(diagonal);
  const taken = new Uint8Array(count);
  const pivots: number[] = [];
  for (;;) {
    let pivot = -1;
    for (let i = 0; i < count; i++) {
      if (taken[i] === 1 || !((left[i] ?? 0) > TOLERANCE * (diagonal[i] ?? 0))) continue;
      if (pivot === -1 || (left[i] ?? 0) > (left[pivot] ?? 0)) pivot = i;
    }
    const pivotRow = coordinates[pivot];
    const products = gram[pivot];
    if (pivotRow === undefined || products === undefined) break;
    const rank = pivots.length;
    const root = Math.sqrt(left[pivot] ?? 0);
    for (const [i, row] of coordinates.entries()) {
      if (taken[i] === 1 || i === pivot) continue;
      const value = ((products[i] ?? 0) - dot(row, pivotRow, rank)) / root;
      row[rank] = value;
      left[i] = (left[i] ?? 0) - value * value;
    }
    pivotRow[rank] = root;
    taken[pivot] = 1;
    pivots.push(pivot);
  }
  const rank = pivots.length;
  const trimmed = coordinates.map((row) => row.subarray(0, rank));
  const lower = pivots.map((pivot, index) => (trimmed[pivot] ?? new Float64Array()).subarray(0, index + 1));
  return { pivots, lower, coordinates: trimmed };
}

/** x in L x = b, for the products b of a new row with the pivots: the new row's coordinates. */
export function solveLower(lower: readonly Float64Array[], products: Float64Array): Float64Array {
  const solution = new Float64Array(products.length);
  for (const [k, row] of lower.entries()) {
    solution[k] = ((products[k] ?? 0) - dot(row, solution, k)) / (row[k] ?? Number.NaN);
  }
  return solution;
}

/** X in Lᵀ X = B, B [rank, columns] row by row: combinations of the pivots' rows that give B's directions. */
export function solveUpper(lower: readonly Float64Array[], values: ArrayLike<number>, columns: number): Float64Array {
  const solution = Float64Array.from(values);
  for (let k = lower.length - 1; k >= 0; k--) {
    const row = lower[k] ?? new Float64Array();
    const own = row[k] ?? Number.NaN;
    for (let c = 0; c < columns; c++) solution[k * columns + c] = (solution[k * columns + c] ?? 0) / own;
    for (let j = 0; j < k; j++) {
      const factor = row[j] ?? 0;
      for (let c = 0; c < columns; c++) {
        solution[j * columns + c] = (solution[j * columns + c] ?? 0) - factor * (solution[k * columns + c] ?? 0);
      }
    }
  }
  return solution;
}
