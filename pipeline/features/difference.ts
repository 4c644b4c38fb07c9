import type { CacheKey, FeatureCache } from './schema.js';

/** How far two caches' rows of one photograph lie apart. */
interface RowDifference {
  readonly digest: string;
  /** max |a - b| over the feature, relative to max |a|. */
  readonly difference: number;
}

export interface Difference {
  /** Largest relative difference that rounding explains. */
  readonly tolerance: number;
  /** Photographs of both, in digest order. */
  readonly rows: readonly RowDifference[];
  readonly largest: number;
  readonly within: boolean;
  /** Photographs that only one of the two has. */
  readonly onlyHere: number;
  readonly onlyThere: number;
}

/**
 * Tolerance for two engines or processors: float32 sums in another order differ by some 1e-6 of the largest feature
 * (measured between onnxruntime and TensorFlow.js); half precision alone rounds by up to 2^-11 = 4.9e-4; an 8-bit
 * stack is some 3e-2 off in L2.
 */
function toleranceOf(keys: readonly CacheKey[]): number {
  if (keys.some((key) => key.precision === 'int8')) return 0.1;
  return keys.some((key) => key.dtype === 'float16') ? 1e-3 : 1e-5;
}

/** Compares the rows of photographs that both caches hold, one row of each in memory at a time. */
export async function compareCaches(a: FeatureCache, b: FeatureCache): Promise<Difference> {
  const [here, there] = [new Set(a.images.values()), new Set(b.images.values())];
  const both = [...here].filter((digest) => there.has(digest));
  const others = b.rows(both)[Symbol.asyncIterator]();
  const rows: RowDifference[] = [];
  try {
    for await (const { digest, feature } of a.rows(both)) {
      const next = await others.next();
      if (next.done === true || next.value.digest !== digest) throw new Error(`no row of ${digest}`);
      rows.push({ digest, difference: relativeDifference(feature, next.value.feature) });
    }
  } finally {
    await others.return?.(); // closes its files
  }
  const tolerance = toleranceOf([a.key, b.key]);
  const largest = rows.reduce((most, row) => Math.max(most, row.difference), 0);
  return {
    tolerance,
    rows,
    largest,
    within: largest <= tolerance,
    onlyHere: here.size - both.length,
    onlyThere: there.size - both.length,
  };
}

function relativeDifference(a: Float32Array, b: Float32Array): number {
  let apart = 0;
  let scale = 0;
  for (const [i, value] of a.entries()) {
    apart = Math.max(apart, Math.abs(value - (b[i] ?? NaN)));
    scale = Math.max(scale, Math.abs(value));
  }
  return apart === 0 ? 0 : apart / scale;
}
