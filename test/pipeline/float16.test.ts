import { expect, it } from 'vitest';
import { fromFloat16 } from '../../pipeline/float16.js';

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
