import { describe, expect, it } from 'vitest';
import { isUnchanged, type IndexedImage } from '../../../pipeline/features/image-index.js';

const SECOND = 1_000_000_000n;
const known: IndexedImage = {
  id: 'p.jpg',
  digest: 'a'.repeat(64),
  size: 100,
  mtime: String(50n * SECOND),
  ctime: String(60n * SECOND),
  seen: String(100n * SECOND),
};
const file = { size: 100, mtimeNs: 50n * SECOND, ctimeNs: 60n * SECOND };
const at = (time: bigint): [IndexedImage, typeof file] => [
  { ...known, mtime: String(time), ctime: String(time) },
  { ...file, mtimeNs: time, ctimeNs: time },
];

describe('a file that is not read again', () => {
  it('has the size and both times that were seen', () => {
    expect(isUnchanged(known, file)).toBe(true);
    expect(isUnchanged(known, { ...file, size: 101 })).toBe(false);
    expect(isUnchanged(known, { ...file, mtimeNs: 50n * SECOND + 1n })).toBe(false);
    expect(isUnchanged(known, { ...file, ctimeNs: 60n * SECOND + 1n })).toBe(false);
  });

  it('changed more than two seconds before it was seen (racily clean otherwise)', () => {
    expect(isUnchanged(...at(98n * SECOND - 1n))).toBe(true);
    expect(isUnchanged(...at(98n * SECOND))).toBe(false);
    expect(isUnchanged(...at(100n * SECOND))).toBe(false);
    expect(isUnchanged(...at(2000n * SECOND))).toBe(false);
  });
});
