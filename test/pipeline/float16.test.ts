import { expect, it } from 'vitest';
import { fromFloat16, toFloat16 } from '../../pipeline/float16.js';

const isNaN16 = (bits: number): boolean => (bits & 0x7fff) > 0x7c00;

const rounded = (numbers: number[]): number[] => [...toFloat16(Float32Array.from(numbers))];

const ALL = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

it('decodes the half-precision numbers of the standard', () => {
  const known: [number, number][] = [
    [0x0000, 0],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x3c00, 1],
    [0x3c01, 1 + 2 ** -10],
    [0x7bff, 65504],
    [0x7c00, Infinity],
    [0x8000, -0],
    [0xc000, -2],
    [0xfc00, -Infinity],
    [0x7e00, NaN],
  ];
  const decoded = fromFloat16(Uint16Array.from(known, ([bits]) => bits));
  expect([...decoded]).toEqual(known.map(([, value]) => value));
});

it('gives back each of the 65,536 half-precision numbers, bit for bit (of NaN one stands for all)', () => {
  const back = toFloat16(fromFloat16(ALL));
  const expected = ALL.map((bits) => (isNaN16(bits) ? (bits & 0x8000) | 0x7e00 : bits));
  expect([...back].map((bits) => (isNaN16(bits) ? bits & 0x7fff : bits))).toEqual(
    [...expected].map((bits) => (isNaN16(bits) ? bits & 0x7fff : bits)),
  );
});

it('rounds what lies between two neighbours to the nearer one, and the middle to the even one', () => {
  const float = new Float32Array(1);
  const bits = new Int32Array(float.buffer);
  /** The next float32 away from zero, or towards it. */
  const step = (value: number, by: 1 | -1): number => {
    float[0] = value;
    bits[0] = (bits[0] ?? 0) + by;
    return float[0];
  };
  const low = [...ALL.subarray(0, 0x7bff)];
  const values = fromFloat16(ALL);
  const middles = low.map((half) => ((values[half] ?? NaN) + (values[half + 1] ?? NaN)) / 2);
  expect(rounded(middles)).toEqual(low.map((half) => half + (half % 2)));
  expect(rounded(middles.map((value) => step(value, -1)))).toEqual(low);
  expect(rounded(middles.map((value) => step(value, 1)))).toEqual(low.map((half) => half + 1));
  expect(rounded(middles.map((value) => -step(value, 1)))).toEqual(low.map((half) => 0x8000 + half + 1));
});

it('gives infinity from 65,520 on, and the largest number below', () => {
  expect([...toFloat16(Float32Array.of(65519.996, 65520, -65520, 1e30))]).toEqual([0x7bff, 0x7c00, 0xfc00, 0x7c00]);
});
