import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePixels, UnusableImage } from '../../../pipeline/images/pixels.js';
import { quarters } from './generated.js';

const PIXELS = 224 * 224 * 3;

/** Bytes to flip (position as a share of the length, and the bits) and where to cut. */
const injury = fc.record({
  flips: fc.array(
    fc.record({ place: fc.double({ min: 0, max: 1, noNaN: true }), bits: fc.integer({ min: 1, max: 255 }) }),
    {
      maxLength: 2,
    },
  ),
  cut: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 1 }),
});

function injure(
  bytes: Uint8Array,
  { flips, cut }: { flips: { place: number; bits: number }[]; cut: number | null },
): Uint8Array {
  const injured = new Uint8Array(bytes);
  for (const { place, bits } of flips) {
    const position = Math.min(bytes.length - 1, Math.floor(place * bytes.length));
    injured[position] = (injured[position] ?? 0) ^ bits;
  }
  return cut === null ? injured : injured.subarray(0, Math.floor(cut * bytes.length));
}

describe('injured pictures give pixels or a reason, never a crash or a hang', () => {
  it.each([
    ['JPEG', () => quarters().jpeg()],
    ['progressive JPEG', () => quarters().jpeg({ progressive: true })],
    ['PNG', () => quarters().png()],
    ['WebP', () => quarters().webp()],
    ['TIFF', () => quarters().tiff()],
    ['GIF', () => quarters().gif()],
  ])('%s', async (_, make) => {
    const bytes = await make().toBuffer();
    expect((await decodePixels(bytes)).length).toBe(PIXELS);
    let decoded = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(injury, async (wounds) => {
        try {
          const pixels = await decodePixels(injure(bytes, wounds));
          if (pixels.length !== PIXELS) throw new Error(`${pixels.length} bytes`);
          decoded++;
        } catch (error) {
          if (!(error instanceof UnusableImage) || error.message === '') throw error;
          refused++;
        }
      }),
      { numRuns: 500, seed: 1 },
    );
    expect([decoded, refused].every((count) => count > 20)).toBe(true);
  });
});
