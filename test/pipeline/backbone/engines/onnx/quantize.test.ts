import seedrandom from 'seedrandom';
import { describe, expect, it } from 'vitest';
import { quantizeKernel } from '../../../../../pipeline/backbone/engines/onnx/quantize.js';

const [INPUTS, OUTPUTS] = [32, 8];

function drawn(): Float32Array {
  const random = seedrandom('kernel');
  return Float32Array.from({ length: 9 * INPUTS * OUTPUTS }, () => (random() - 0.5) ** 3);
}

/** HWIO, of a kernel that quantizeKernel gave as OIHW. */
function restored(values: Int8Array, steps: Float32Array): Float32Array {
  return Float32Array.from({ length: values.length }, (_, at) => {
    const [tap, i, o] = [Math.floor(at / (INPUTS * OUTPUTS)), Math.floor(at / OUTPUTS) % INPUTS, at % OUTPUTS];
    return (values[(o * INPUTS + i) * 9 + tap] ?? NaN) * (steps[o] ?? NaN);
  });
}

/** Of each output's step. */
const any = new Float32Array(OUTPUTS);

describe('quantizeKernel', () => {
  const scale = new Float32Array(INPUTS).fill(1);
  const { values, steps } = quantizeKernel(drawn(), INPUTS, OUTPUTS, scale, any);

  it('keeps 255 times each pair of neighbouring inputs within 16 bits', () => {
    let most = 0;
    for (let at = 0; at < values.length; at += 18) {
      for (let tap = at; tap < at + 9; tap++) {
        const [a, b] = [values[tap] ?? NaN, values[tap + 9] ?? NaN];
        most = Math.max(most, 255 * (Math.max(a, 0) + Math.max(b, 0)), -255 * (Math.min(a, 0) + Math.min(b, 0)));
      }
    }
    expect(most).toBeLessThanOrEqual(32_767);
    expect(most).toBeGreaterThan(31_000); // and no precision is given away
  });

  it('is within a step of each weight and within half a step of the sum of 9 taps', () => {
    const kernel = drawn();
    const result = restored(values, steps);
    for (const [at, value] of kernel.entries()) {
      expect(Math.abs((result[at] ?? NaN) - value)).toBeLessThan((steps[at % OUTPUTS] ?? NaN) * 1.0001);
    }
    for (let pair = 0; pair < INPUTS * OUTPUTS; pair++) {
      let off = 0;
      for (let tap = 0; tap < 9; tap++) {
        const at = tap * INPUTS * OUTPUTS + pair;
        off += (result[at] ?? NaN) - (kernel[at] ?? NaN);
      }
      expect(Math.abs(off)).toBeLessThan((steps[pair % OUTPUTS] ?? NaN) * 0.5001);
    }
  });

  it('multiplies the weights of an input with its scale first', () => {
    const kernel = drawn();
    const double = quantizeKernel(kernel, INPUTS, OUTPUTS, new Float32Array(INPUTS).fill(2), any);
    expect(double.values).toEqual(values);
    expect(double.steps).toEqual(steps.map((step) => step * 2));
  });

  it('takes no step below the least', () => {
    const least = new Float32Array(OUTPUTS).fill(1000);
    const coarse = quantizeKernel(drawn(), INPUTS, OUTPUTS, scale, least);
    expect(coarse.steps).toEqual(least);
    expect(coarse.values).toEqual(new Int8Array(9 * INPUTS * OUTPUTS));
  });

  it('gives zeros for a kernel of zeros', () => {
    const zeros = quantizeKernel(new Float32Array(9 * INPUTS * OUTPUTS), INPUTS, OUTPUTS, scale, any);
    expect(zeros.values).toEqual(new Int8Array(9 * INPUTS * OUTPUTS));
    expect(zeros.steps).toEqual(new Float32Array(OUTPUTS).fill(1));
  });
});
