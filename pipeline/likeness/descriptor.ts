/** Channels of pool5, and so the length of a descriptor. */
const CHANNELS = 512;

/**
 * A short description of what a photograph shows: pool5 averaged over its 7x7 places and scaled to length 1 (the SPoC
 * descriptor without its centring prior and whitening; Babenko and Lempitsky, "Aggregating Deep Convolutional Features
 * for Image Retrieval", 2015).
 * @param feature float32 [7, 7, 512], channels last
 * @returns float32 [512]; all 0 where the feature is
 */
export function descriptorOf(feature: Float32Array): Float32Array {
  const sums = new Float64Array(CHANNELS);
  for (let i = 0; i < feature.length; i++) sums[i % CHANNELS] = (sums[i % CHANNELS] ?? 0) + (feature[i] ?? 0);
  const norm = Math.hypot(...sums);
  return Float32Array.from(sums, (value) => (norm === 0 ? 0 : value / norm));
}

/** Cosine distance of two descriptors: 0 (same direction) to 1 (nothing in common), as relu leaves no negatives. */
export function distance(a: Float32Array, b: Float32Array): number {
  let product = 0;
  for (let i = 0; i < a.length; i++) product += (a[i] ?? 0) * (b[i] ?? 0);
  return Math.max(0, 1 - product);
}
