import type { FeatureCache } from '../features/schema.js';
import { FEATURE_LENGTH } from '../backbone/vgg16.js';
import { rowBlocks, type RowBlock } from './features.js';
import { product32, type Matrix } from './matrix.js';

/** Inner products of features by their photographs' digests. */
export interface Products {
  /** NaN where one is not in here. */
  product(one: string, other: string): number;
  /** [rows][columns]. */
  block(rows: readonly string[], columns: readonly string[]): Float64Array[];
}

/** Inner products of features as they are (the Gram matrix K = X Xᵀ), of which the lower triangle is kept. */
export class Gram implements Products {
  readonly digests: readonly string[];
  /** Each photograph's features, summed. */
  readonly sums: Float64Array;
  /** Row i holds its products with rows 0 to i, from i (i + 1) / 2 on. */
  readonly packed: Float64Array;
  readonly #index: ReadonlyMap<string, number>;

  constructor(digests: readonly string[], sums: Float64Array, packed: Float64Array) {
    this.digests = digests;
    this.sums = sums;
    this.packed = packed;
    this.#index = new Map(digests.map((digest, index) => [digest, index]));
  }

  has(digest: string): boolean {
    return this.#index.has(digest);
  }

  product(one: string, other: string): number {
    return this.#at(this.#indexOf(one), this.#indexOf(other));
  }

  #indexOf(digest: string): number {
    return this.#index.get(digest) ?? Number.NaN;
  }

  #at(a: number, b: number): number {
    return this.packed[a < b ? (b * (b + 1)) / 2 + a : (a * (a + 1)) / 2 + b] ?? Number.NaN;
  }

  /** The sum of a photograph's features. */
  sum(digest: string): number {
    return this.sums[this.#index.get(digest) ?? -1] ?? Number.NaN;
  }

  block(rows: readonly string[], columns: readonly string[]): Float64Array[] {
    const places = columns.map((column) => this.#indexOf(column));
    return rows.map((row) => {
      const place = this.#indexOf(row);
      const own = new Float64Array(places.length);
      for (const [j, other] of places.entries()) own[j] = this.#at(place, other);
      return own;
    });
  }
}

/** Rows that are in memory at once, twice: 2 x 50 MB. */
const BLOCK_ROWS = 512;

/** float32 products are summed over so many features, then in float64: K's error stays near 1e-7 of its size. */
const CHUNK = 1568;

function chunkOf({ digests, features }: RowBlock, start: number): Matrix<Float32Array> {
  const chunk = new Float32Array(digests.length * CHUNK);
  for (let row = 0; row < digests.length; row++) {
    const from = row * FEATURE_LENGTH + start;
    chunk.set(features.subarray(from, from + CHUNK), row * CHUNK);
  }
  return { rows: digests.length, columns: CHUNK, data: chunk };
}

/** All products of two blocks' rows, [a, b]. */
async function products(a: RowBlock, b: RowBlock): Promise<Float64Array> {
  const total = new Float64Array(a.digests.length * b.digests.length);
  for (let start = 0; start < FEATURE_LENGTH; start += CHUNK) {
    const part = await product32(chunkOf(a, start), chunkOf(b, start), 'second');
    for (let i = 0; i < total.length; i++) total[i] = (total[i] ?? 0) + (part[i] ?? Number.NaN);
  }
  return total;
}

/**
 * Adds the photographs that a Gram matrix lacks; what it has is not computed again. At most 2 x 512 rows of features
 * are in memory.
 * @param onPair called as the work goes on, with rows done of rows to do
 */
export async function extendGram(
  gram: Gram,
  cache: FeatureCache,
  digests: Iterable<string>,
  onPair: (done: number, total: number) => void = () => undefined,
): Promise<Gram> {
  const added = [...new Set(digests)].filter((digest) => !gram.has(digest)).toSorted();
  if (added.length === 0) return gram;
  const all = [...gram.digests, ...added];
  const position = new Map(all.map((digest, index) => [digest, index]));
  const sums = new Float64Array(all.length);
  sums.set(gram.sums);
  const packed = new Float64Array((all.length * (all.length + 1)) / 2);
  packed.set(gram.packed);
  let done = 0;
  for await (const block of rowBlocks(cache, added, BLOCK_ROWS)) {
    const last = position.get(block.digests.at(-1) ?? '') ?? 0;
    for (const [row, digest] of block.digests.entries()) {
      const feature = block.features.subarray(row * FEATURE_LENGTH, (row + 1) * FEATURE_LENGTH);
      sums[position.get(digest) ?? 0] = feature.reduce((sum, value) => sum + value, 0);
    }
    // The new rows up to this block's last, and all the old ones.
    const partners = all.slice(0, last + 1);
    for await (const partner of rowBlocks(cache, partners, BLOCK_ROWS)) {
      const part = await products(block, partner);
      for (const [i, one] of block.digests.entries()) {
        const row = position.get(one) ?? 0;
        for (const [j, other] of partner.digests.entries()) {
          const column = position.get(other) ?? 0;
          if (column <= row) packed[(row * (row + 1)) / 2 + column] = part[i * partner.digests.length + j] ?? 0;
        }
      }
    }
    done += block.digests.length;
    onPair(done, added.length);
  }
  return new Gram(all, sums, packed);
}
