import { product64 } from './matrix.js';

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

/** Pivots after which what they explain is subtracted from the rest of the matrix, as one product of matrices. */
const PANEL = 64;
/** Rows of that product that are in memory at once. */
const BLOCK_ROWS = 1024;

/** Subtracts what a panel explains, [n][PANEL], from the rows and columns of K that are not taken yet. */
async function subtractPanel(
  gram: readonly Float64Array[],
  panel: Float64Array,
  rest: readonly number[],
): Promise<void> {
  const data = new Float64Array(rest.length * PANEL);
  for (const [i, row] of rest.entries()) data.set(panel.subarray(row * PANEL, (row + 1) * PANEL), i * PANEL);
  const all = { rows: rest.length, columns: PANEL, data };
  for (let start = 0; start < rest.length; start += BLOCK_ROWS) {
    const rows = rest.slice(start, start + BLOCK_ROWS);
    const block = {
      rows: rows.length,
      columns: PANEL,
      data: data.subarray(start * PANEL, (start + rows.length) * PANEL),
    };
    const explained = await product64(block, all, 'second');
    for (const [i, row] of rows.entries()) {
      const own = gram[row] ?? new Float64Array();
      for (let j = 0; j < rest.length; j++) {
        const column = rest[j] ?? 0;
        own[column] = (own[column] ?? Number.NaN) - (explained[i * rest.length + j] ?? Number.NaN);
      }
    }
  }
}

/**
 * Pivoted Cholesky factorisation of a symmetric positive semi-definite matrix (Higham, "Analysis of the Cholesky
 * decomposition of a semi-definite matrix", 1990), in panels (Lucas, "LAPACK-style codes for level 2 and 3 pivoted
 * Cholesky factorizations", 2004). Takes the row with the most left first, so that it reveals the rank.
 * @param gram [n][n]; it is overwritten
 */
export async function pivotedCholesky(gram: readonly Float64Array[]): Promise<Factor> {
  const count = gram.length;
  const coordinates = gram.map(() => new Float64Array(count));
  const diagonal = gram.map((row, index) => row[index] ?? Number.NaN);
  const left = Float64Array.from(diagonal);
  const pivots: number[] = [];
  let rest = [...gram.keys()];
  let panel = new Float64Array(count * PANEL);

  const nextPivot = (): number | undefined => {
    let pivot: number | undefined;
    for (const i of rest) {
      if (!((left[i] ?? 0) > TOLERANCE * (diagonal[i] ?? 0))) continue;
      if (pivot === undefined || (left[i] ?? 0) > (left[pivot] ?? 0)) pivot = i;
    }
    return pivot;
  };

  for (let pivot = nextPivot(); pivot !== undefined; pivot = nextPivot()) {
    const rank = pivots.length;
    const column = rank % PANEL;
    const root = Math.sqrt(left[pivot] ?? Number.NaN);
    const pivotRow = panel.subarray(pivot * PANEL, pivot * PANEL + column);
    rest = rest.filter((i) => i !== pivot);
    for (const i of rest) {
      const explained = dot(panel.subarray(i * PANEL, i * PANEL + column), pivotRow, column);
      const value = ((gram[i]?.[pivot] ?? Number.NaN) - explained) / root;
      panel[i * PANEL + column] = value;
      left[i] = (left[i] ?? 0) - value * value;
    }
    panel[pivot * PANEL + column] = root;
    for (const i of [pivot, ...rest]) {
      const row = coordinates[i];
      if (row !== undefined) row[rank] = panel[i * PANEL + column] ?? Number.NaN;
    }
    pivots.push(pivot);
    if (column === PANEL - 1) {
      await subtractPanel(gram, panel, rest);
      panel = new Float64Array(count * PANEL);
    }
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
