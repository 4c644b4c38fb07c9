/**
 * Kernels as 8-bit integers that any processor multiplies exactly.
 *
 * x86 without 8-bit dot products multiplies two neighbouring uint8 activations by two int8 weights and adds the
 * products in 16 bits, which saturate (Intel's VPMADDUBSW). onnxruntime pairs input channels 2m and 2m + 1 of a tap.
 * Two weights of one sign that add up to at most 128 keep 255 w0 + 255 w1 within 32,767. So the step of an output
 * channel is the least with which each pair does: between the step of 7 bits and that of 8.
 */
const PAIR_LIMIT = 126; // rounding adds at most 1 to each of the two

export interface QuantizedKernel {
  /** int8 OIHW [outputs, inputs, 3, 3]. */
  readonly values: Int8Array;
  /** Of each output channel: values x step is the kernel. */
  readonly steps: Float32Array;
}

/**
 * Rounds so that the 9 taps of a pair of channels keep their sum: neighbouring activations are much alike, so that the
 * errors of single taps cancel. Where the sum of the nearest integers is off by k, the k taps for which it costs least
 * are rounded the other way.
 * @param kernel float32 HWIO [3, 3, inputs, outputs]; inputs is even
 * @param inputScale of each input channel: what its weights are multiplied with first
 * @param leastSteps of each output channel
 */
export function quantizeKernel(
  kernel: Float32Array,
  inputs: number,
  outputs: number,
  inputScale: Float32Array,
  leastSteps: Float32Array,
): QuantizedKernel {
  const values = new Int8Array(kernel.length);
  const steps = new Float32Array(outputs);
  const taps = new Float64Array(inputs * 9);
  for (let o = 0; o < outputs; o++) {
    for (let tap = 0; tap < 9; tap++) {
      for (let i = 0; i < inputs; i++) {
        taps[i * 9 + tap] = (kernel[(tap * inputs + i) * outputs + o] ?? NaN) * (inputScale[i] ?? NaN);
      }
    }
    const step = Math.max(Math.fround(largestPair(taps) / PAIR_LIMIT), leastSteps[o] ?? NaN) || 1; // a kernel of zeros has any step
    steps[o] = step;
    for (let i = 0; i < inputs; i++) roundTaps(taps, i * 9, step, values, (o * inputs + i) * 9);
  }
  return { values, steps };
}

/** The largest sum of two paired weights of one sign, or the largest weight. */
function largestPair(taps: Float64Array): number {
  let largest = 0;
  for (let at = 0; at < taps.length; at += 18) {
    for (let tap = at; tap < at + 9; tap++) {
      const [a, b] = [taps[tap] ?? NaN, taps[tap + 9] ?? NaN];
      largest = Math.max(largest, Math.max(a, 0) + Math.max(b, 0), -Math.min(a, 0) - Math.min(b, 0));
    }
  }
  return largest;
}

function roundTaps(taps: Float64Array, from: number, step: number, result: Int8Array, to: number): void {
  let off = 0;
  for (let tap = 0; tap < 9; tap++) {
    const exact = (taps[from + tap] ?? NaN) / step;
    const nearest = Math.round(exact);
    result[to + tap] = nearest;
    off += exact - nearest;
  }
  const excess = Math.round(off);
  const direction = Math.sign(excess);
  for (let left = Math.abs(excess); left > 0; left--) {
    let best = 0;
    let most = -Infinity;
    for (let tap = 0; tap < 9; tap++) {
      const remainder = ((taps[from + tap] ?? NaN) / step - (result[to + tap] ?? NaN)) * direction;
      if (remainder <= most) continue;
      best = tap;
      most = remainder;
    }
    result[to + best] = (result[to + best] ?? NaN) + direction;
  }
}
