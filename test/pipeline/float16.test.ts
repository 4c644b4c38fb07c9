import { expect, it } from 'vitest';
import { fromFloat16, toFloat16 } from '../../pipeline/float16.js';

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

const isNan = (bits: number): boolean => (bits & 0x7fff) > 0x7c00;

it('gives back every half-precision number', () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const back = toFloat16(fromFloat16(bits));
  for (const value of bits) {
    expect(isNan(value) ? isNan(back[value] ?? 0) : back[value] === value).toBe(true);
  }
});

it('rounds to the nearest, ties to even', () => {
  const values = Float32Array.of(
    1 + 2 ** -11,
    1 + 3 * 2 ** -11,
    1 + 2 ** -11 + 2 ** -20,
    65519,
    65520,
    2 ** -25,
    3 * 2 ** -25,
  );
  expect([...toFloat16(values)]).toEqual([0x3c00, 0x3c02, 0x3c01, 0x7bff, 0x7c00, 0x0000, 0x0002]);
});
