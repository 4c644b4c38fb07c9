import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePixels, UnusableImage } from '../../../pipeline/images/pixels.js';

const RUNS = Number(process.env['POOL5_FUZZ'] ?? 25);

/** A small picture with detail, so that most bytes of a file matter. */
const picture = sharp(
  Uint8Array.from({ length: 96 * 80 * 3 }, (_, i) => 128 + 90 * Math.sin(i / 7) + 37 * Math.cos(i / 31)),
  { raw: { width: 96, height: 80, channels: 3 } },
);

const FILES = {
  JPEG: await picture.clone().jpeg({ quality: 90 }).toBuffer(),
  'progressive JPEG': await picture.clone().jpeg({ quality: 90, progressive: true }).toBuffer(),
  PNG: await picture.clone().png().toBuffer(),
  WebP: await picture.clone().webp({ quality: 80 }).toBuffer(),
  'lossless WebP': await picture.clone().webp({ lossless: true }).toBuffer(),
};

/** Pixels, or the reason why there are none; anything else but an UnusableImage fails the test. */
async function decodeOrReason(bytes: Uint8Array): Promise<Uint8Array | string> {
  try {
    return await decodePixels(bytes);
  } catch (error) {
    if (!(error instanceof UnusableImage)) throw error;
    expect(error.message).toMatch(/^(?:empty file|not a picture: .+|cannot be decoded: .+)$/);
    return error.message;
  }
}

describe.each(Object.entries(FILES))('%s', (_, whole) => {
  it('cut anywhere, is set aside, or nothing that shows was cut off', async () => {
    const expected = await decodePixels(whole);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), async (length) => {
        const result = await decodeOrReason(whole.subarray(0, length));
        if (typeof result !== 'string') expect(Buffer.compare(result, expected)).toBe(0);
      }),
      { numRuns: RUNS, seed: 1 },
    );
  });

  it('with flipped bits, gives pixels or a reason, each time the same', async () => {
    const flips = fc.array(fc.nat(whole.length * 8 - 1), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(flips, async (bits) => {
        const bytes = Uint8Array.from(whole);
        for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const result = await decodeOrReason(bytes);
        if (typeof result !== 'string') expect(result.length).toBe(224 * 224 * 3);
        expect(await decodeOrReason(bytes)).toEqual(result);
      }),
      { numRuns: RUNS, seed: 2 },
    );
  });
});
