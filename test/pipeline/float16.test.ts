import { describe, expect, it } from 'vitest';
import { fromFloat16, toFloat16 } from '../../pipeline/float16.js';

const halves = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
const isNaNBits = (bits: number): boolean => (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0;
const rounded = (value: number): number => toFloat16(Float32Array.of(value))[0] ?? -1;

describe('half precision', () => {
  it('widens every number exactly (against DataView arithmetic)', () => {
    const values = fromFloat16(halves);
    for (const bits of halves) {
      const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
      const expected =
        exponent === 31
          ? fraction === 0
            ? sign * Infinity
            : NaN
          : exponent === 0
            ? sign * (fraction / 2 ** 24)
            : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
      if (!Object.is(values[bits], expected)) throw new Error(`${bits}: ${values[bits]} for ${expected}`);
    }
    expect(values.length).toBe(65_536);
  });

  it('returns every number as it was; NaN stays NaN', () => {
    const again = toFloat16(fromFloat16(halves));
    const wrong = halves.filter((bits) => (isNaNBits(bits) ? !isNaNBits(again[bits] ?? 0) : again[bits] !== bits));
    expect([...wrong]).toEqual([]);
  });

  it('rounds to the nearest, halfway cases to even, between any two neighbours', () => {
    const values = fromFloat16(halves);
    const up = new Float32Array(1);
    const bits = new Uint32Array(up.buffer);
    let checked = 0;
    for (let low = 0; low < 0x7bff; low++) {
      const [a = NaN, b = NaN] = [values[low], values[low + 1]];
      up[0] = (a + b) / 2; // exact in float32
      const middle = up[0];
      bits[0] = (bits[0] ?? 0) + 1;
      const above = up[0];
      bits[0] = (bits[0] ?? 0) - 2;
      const below = up[0];
      const even = low % 2 === 0 ? low : low + 1;
      if (rounded(middle) !== even || rounded(above) !== low + 1 || rounded(below) !== low) throw new Error(`${low}`);
      if (rounded(-middle) !== (even | 0x8000)) throw new Error(`-${low}`);
      checked++;
    }
    expect(checked).toBe(0x7bff);
  });

  it.each([
    [65_504, 0x7bff],
    [65_519.996, 0x7bff],
    [65_520, 0x7c00],
    [1e30, 0x7c00],
    [-65_520, 0xfc00],
    [Infinity, 0x7c00],
    [2 ** -25, 0],
    [2 ** -25 * 1.0001, 1],
    [-(2 ** -26), 0x8000],
    [-0, 0x8000],
    [0, 0],
  ])('%d', (value, bits) => expect(rounded(value)).toBe(bits));
});
