import type { FeatureCache } from './schema.js';

/** Engines and processors differ in a row's last bits; relative L2 differences up to this are the same features. */
export const TOLERANCE = 1e-5;

export interface Comparison {
  /** Rows that both caches have. */
  readonly common: number;
  readonly onlyHere: number;
  readonly onlyThere: number;
  /** Over the common rows: the largest |a - b| / |a| in the L2 norm. */
  readonly largest: number;
  /** The digest of the row with the largest difference; null where there is none in common. */
  readonly digest: string | null;
  readonly within: boolean;
}

/** Compares two caches row by row; memory holds two rows. */
export async function compareRows(here: FeatureCache, there: FeatureCache): Promise<Comparison> {
  const [a, b] = [new Set(here.images.values()), new Set(there.images.values())];
  const common = [...a].filter((digest) => b.has(digest));
  let largest = 0;
  let digest: string | null = null;
  const others = there.rows(common)[Symbol.asyncIterator]();
  for await (const row of here.rows(common)) {
    const other = await others.next();
    const difference = other.done === true ? Infinity : relative(row.feature, other.value.feature);
    if (difference < largest) continue;
    largest = difference;
    digest = row.digest;
  }
  const [onlyHere, onlyThere] = [a.size - common.length, b.size - common.length];
  return { common: common.length, onlyHere, onlyThere, largest, digest, within: largest <= TOLERANCE };
}

function relative(a: Float32Array, b: Float32Array): number {
  let difference = 0;
  let norm = 0;
  for (const [i, value] of a.entries()) {
    difference += (value - (b[i] ?? NaN)) ** 2;
    norm += value ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / norm);
}
