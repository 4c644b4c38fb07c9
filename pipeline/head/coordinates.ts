import type { FeatureCache } from '../features/schema.js';
import { pivotedCholesky, solveLower, solveUpper } from './cholesky.js';
import { FEATURE_LENGTH } from '../backbone/vgg16.js';
import { checkedRows, rowBlocks } from './features.js';
import { normalizedProducts, normalizeRows } from './normalize.js';
import type { Gram } from './gram.js';
import { product32 } from './matrix.js';
import type { Settings } from './settings.js';

/** The numbers in which the first layer is trained, and the way back to a kernel over all 25,088 features. */
export interface Coordinates {
  readonly width: number;
  /** What features are multiplied by; kernelOf folds it in. */
  readonly scale: number;
  /** Of photographs by their digests. @returns float32 [digests.length, width] */
  rows(digests: readonly string[]): Promise<Float32Array>;
  /**
   * @param kernel float32 [width, units], for coordinates
   * @returns float32 [25088, units], for features that are not scaled (but normalized, where they are)
   */
  kernelOf(kernel: Float32Array, units: number): Promise<Float32Array>;
}

/** @returns the factor that gives features of this mean squared norm the wanted one */
function scaleFor(squaredNorm: number | null, meanSquaredNorm: number): number {
  return squaredNorm === null || meanSquaredNorm === 0 ? 1 : Math.sqrt(squaredNorm / meanSquaredNorm);
}

/** What happens to features before they reach the first layer. */
export type Scaling = Pick<Settings, 'normalize' | 'squaredNorm'>;

/** Features of so many photographs stay in memory: 800 MB. Others are read again whenever they are asked for. */
const KEPT_ROWS = 8192;

/**
 * The features themselves.
 * @param training distinct digests
 */
export async function fullCoordinates(
  cache: FeatureCache,
  training: readonly string[],
  { normalize, squaredNorm }: Scaling,
  keptRows = KEPT_ROWS,
): Promise<Coordinates> {
  const kept = new Map<string, Float32Array>();
  const remember = (digest: string, feature: Float32Array): void => {
    if (kept.size < keptRows) kept.set(digest, feature);
  };
  let squares = 0;
  for await (const { digest, feature } of checkedRows(cache, training)) {
    normalizeRows(normalize, feature);
    for (const value of feature) squares += value * value;
    remember(digest, feature);
  }
  const scale = scaleFor(squaredNorm, squares / training.length);
  const rescale = (feature: Float32Array): void => {
    for (let i = 0; i < feature.length; i++) feature[i] = (feature[i] ?? 0) * scale;
  };
  for (const feature of kept.values()) rescale(feature);
  return {
    width: FEATURE_LENGTH,
    scale,
    async rows(wanted) {
      const rows = new Float32Array(wanted.length * FEATURE_LENGTH);
      const read = new Map<string, Float32Array>();
      for await (const { digest, feature } of checkedRows(cache, new Set(wanted.filter((each) => !kept.has(each))))) {
        normalizeRows(normalize, feature);
        rescale(feature);
        read.set(digest, feature);
        remember(digest, feature);
      }
      for (const [index, digest] of wanted.entries()) {
        rows.set(kept.get(digest) ?? read.get(digest) ?? [], index * FEATURE_LENGTH);
      }
      return rows;
    },
    kernelOf: async (kernel) => kernel.map((value) => value * scale),
  };
}

/** Photographs whose features are in memory at once where a kernel is put together. */
const BLOCK_ROWS = 256;

/** @returns Xᵀ A, float32 [25088, units], for the (normalized) features X of photographs and A [photographs, units] */
export async function combineRows(
  cache: FeatureCache,
  normalize: Settings['normalize'],
  digests: readonly string[],
  weights: Float64Array,
  units: number,
): Promise<Float32Array> {
  const position = new Map(digests.map((digest, index) => [digest, index]));
  const total = new Float32Array(FEATURE_LENGTH * units);
  for await (const block of rowBlocks(cache, digests, BLOCK_ROWS)) {
    normalizeRows(normalize, block.features);
    const rows = block.digests.length;
    const part = new Float32Array(rows * units);
    for (const [row, digest] of block.digests.entries()) {
      const start = (position.get(digest) ?? 0) * units;
      part.set(weights.subarray(start, start + units), row * units);
    }
    const features = { rows, columns: FEATURE_LENGTH, data: block.features };
    const sum = await product32(features, { rows, columns: units, data: part }, 'first');
    for (let i = 0; i < total.length; i++) total[i] = (total[i] ?? 0) + (sum[i] ?? Number.NaN);
  }
  return total;
}

/**
 * Coordinates in the span of the training photographs: X = Z Vᵀ with Vᵀ V = I and Z from the Cholesky factor of
 * K = X Xᵀ. A kernel V W has no part outside of the span, where training could not reach.
 * @param training distinct digests
 */
export async function spanCoordinates(
  cache: FeatureCache,
  gram: Gram,
  training: readonly string[],
  { normalize, squaredNorm }: Scaling,
): Promise<Coordinates> {
  const products = normalizedProducts(normalize, gram);
  const squares = training.reduce((sum, digest) => sum + products.product(digest, digest), 0);
  const scale = scaleFor(squaredNorm, squares / training.length);
  const { pivots, lower, coordinates } = await pivotedCholesky(products.block(training, training));
  const scaled = (row: Float64Array): Float32Array => {
    const result = new Float32Array(row.length);
    for (let k = 0; k < row.length; k++) result[k] = (row[k] ?? Number.NaN) * scale;
    return result;
  };
  const known = new Map(training.map((digest, index) => [digest, scaled(coordinates[index] ?? new Float64Array())]));
  const pivotDigests = pivots.map((pivot) => training[pivot] ?? '');
  const width = pivots.length;
  const rowOf = (digest: string): Float32Array => {
    const [row = new Float64Array()] = products.block([digest], pivotDigests);
    const own = scaled(solveLower(lower, row));
    known.set(digest, own);
    return own;
  };
  return {
    width,
    scale,
    async rows(digests) {
      const rows = new Float32Array(digests.length * width);
      for (const [index, digest] of digests.entries()) rows.set(known.get(digest) ?? rowOf(digest), index * width);
      return rows;
    },
    kernelOf(kernel, units) {
      const combined = solveUpper(lower, kernel, units).map((value) => value * scale);
      return combineRows(cache, normalize, pivotDigests, combined, units);
    },
  };
}
