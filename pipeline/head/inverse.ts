import { product64, type Matrix } from './matrix.js';

/** Up to this size plain loops are as fast as products of blocks. */
const LEAF = 64;

/** A matrix of n rows and n columns. */
export interface Square {
  readonly size: number;
  readonly data: Float64Array;
}

function blockOf(
  { size, data }: Square,
  row: number,
  column: number,
  rows: number,
  columns: number,
): Matrix<Float64Array> {
  const block = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const start = (row + i) * size + column;
    block.set(data.subarray(start, start + columns), i * columns);
  }
  return { rows, columns, data: block };
}

function put({ size, data }: Square, row: number, column: number, block: Matrix<Float64Array>): void {
  for (let i = 0; i < block.rows; i++) {
    data.set(block.data.subarray(i * block.columns, (i + 1) * block.columns), (row + i) * size + column);
  }
}

/** The same by plain loops: L of A = L Lᵀ row by row, and each row of L⁻¹ from those above it. */
function smallInverse({ size, data }: Square): Square {
  const lower = new Float64Array(size * size);
  const inverse = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let left = data[i * size + j] ?? Number.NaN;
      for (let k = 0; k < j; k++) left -= (lower[i * size + k] ?? 0) * (lower[j * size + k] ?? 0);
      lower[i * size + j] = i === j ? Math.sqrt(left) : left / (lower[j * size + j] ?? Number.NaN);
    }
    const diagonal = lower[i * size + i] ?? Number.NaN;
    inverse[i * size + i] = 1 / diagonal;
    for (let j = 0; j < i; j++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum += (lower[i * size + k] ?? 0) * (inverse[k * size + j] ?? 0);
      inverse[i * size + j] = -sum / diagonal;
    }
  }
  return { size, data: inverse };
}

/**
 * L⁻¹ of a symmetric positive definite A = L Lᵀ (Cholesky), so that A⁻¹ = L⁻ᵀ L⁻¹. By halves, so that nearly all of the
 * 4/3 n³ operations are in products of large blocks: with A = [[A11, A21ᵀ], [A21, A22]], L21 = A21 L11⁻ᵀ and L22 is the
 * factor of A22 - L21 L21ᵀ (Golub and Van Loan, "Matrix Computations", 4th edition, 4.2.9).
 */
export async function inverseCholesky(matrix: Square): Promise<Square> {
  const { size } = matrix;
  if (size <= LEAF) return smallInverse(matrix);
  const half = Math.ceil(size / 2);
  const rest = size - half;
  const first = await inverseCholesky({ size: half, data: blockOf(matrix, 0, 0, half, half).data });
  const top = { rows: half, columns: half, data: first.data };
  const below = await product64(blockOf(matrix, half, 0, rest, half), top, 'second');
  const lower = { rows: rest, columns: half, data: below };
  const complement = blockOf(matrix, half, half, rest, rest).data;
  const explained = await product64(lower, lower, 'second');
  for (let i = 0; i < complement.length; i++)
    complement[i] = (complement[i] ?? Number.NaN) - (explained[i] ?? Number.NaN);
  const second = await inverseCholesky({ size: rest, data: complement });
  const bottom = { rows: rest, columns: rest, data: second.data };
  const between = await product64(
    bottom,
    { rows: rest, columns: half, data: await product64(lower, top, 'neither') },
    'neither',
  );
  const result = { size, data: new Float64Array(size * size) };
  put(result, 0, 0, top);
  put(result, half, half, bottom);
  put(result, half, 0, { rows: rest, columns: half, data: between.map((value) => -value) });
  return result;
}
