import { FEATURE_LENGTH } from '../backbone/vgg16.js';
import type { Gram, Products } from './gram.js';
import type { Settings } from './settings.js';

/** Added to the variance, so that features without any stay finite; far below that of a photograph's (about 150). */
export const EPSILON = 1e-3;

/**
 * Brings features to mean 0 and variance 1, in place.
 * @param feature float32 [25088]
 */
function layerNormalize(feature: Float32Array): void {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < feature.length; i++) {
    const value = feature[i] ?? Number.NaN;
    sum += value;
    squares += value * value;
  }
  const mean = sum / feature.length;
  const deviation = Math.sqrt(Math.max(0, squares / feature.length - mean * mean) + EPSILON);
  for (let i = 0; i < feature.length; i++) feature[i] = ((feature[i] ?? Number.NaN) - mean) / deviation;
}

/** What `normalize` does to features packed one after the other, in place. @param features float32 [n, 25088] */
export function normalizeRows(normalize: Settings['normalize'], features: Float32Array): void {
  if (normalize === 'none') return;
  for (let start = 0; start < features.length; start += FEATURE_LENGTH) {
    layerNormalize(features.subarray(start, start + FEATURE_LENGTH));
  }
}

/**
 * Inner products of normalized features from those of features as they are: (a · b - F mean(a) mean(b)) /
 * (deviation(a) deviation(b)), F = 25,088.
 */
class NormalizedProducts implements Products {
  readonly #gram: Gram;

  constructor(gram: Gram) {
    this.#gram = gram;
  }

  #centred(one: string, other: string): number {
    return this.#gram.product(one, other) - (this.#gram.sum(one) * this.#gram.sum(other)) / FEATURE_LENGTH;
  }

  #deviation(digest: string): number {
    return Math.sqrt(Math.max(0, this.#centred(digest, digest)) / FEATURE_LENGTH + EPSILON);
  }

  product(one: string, other: string): number {
    return this.#centred(one, other) / (this.#deviation(one) * this.#deviation(other));
  }

  block(rows: readonly string[], columns: readonly string[]): Float64Array[] {
    const deviations = columns.map((column) => this.#deviation(column));
    const sums = columns.map((column) => this.#gram.sum(column));
    return this.#gram.block(rows, columns).map((products, i) => {
      const row = rows[i] ?? '';
      const mean = this.#gram.sum(row) / FEATURE_LENGTH;
      const deviation = this.#deviation(row);
      for (const [j, product] of products.entries()) {
        products[j] = (product - mean * (sums[j] ?? Number.NaN)) / (deviation * (deviations[j] ?? Number.NaN));
      }
      return products;
    });
  }
}

/** Inner products of features after `normalize`. */
export function normalizedProducts(normalize: Settings['normalize'], gram: Gram): Products {
  return normalize === 'none' ? gram : new NormalizedProducts(gram);
}
