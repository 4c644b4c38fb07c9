import { createHash } from 'node:crypto';
import { assert, asyncProperty, nat, record } from 'fast-check';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePixels, UnusableImage } from '../../../pipeline/images/pixels.js';

const SIZE = 224;

type Colour = readonly [number, number, number];

/** 448 x 224: a left, a middle-left, a middle-right and a right quarter; the centre square shows the middle two. */
function quarters(colours: readonly Colour[]): Buffer {
  const pixels = Buffer.alloc(448 * SIZE * 3);
  for (let i = 0; i < 448 * SIZE; i++) {
    const quarter = Math.floor((i % 448) / 112);
    for (const [c, value] of (colours[quarter] ?? [0, 0, 0]).entries()) pixels[i * 3 + c] = value;
  }
  return pixels;
}

const RED: Colour = [250, 10, 20];
const GREEN: Colour = [10, 200, 30];
const BLUE: Colour = [20, 30, 240];
const GREY: Colour = [90, 90, 90];

function picture(): Sharp {
  return sharp(quarters([RED, GREEN, BLUE, GREY]), { raw: { width: 448, height: SIZE, channels: 3 } });
}

function at(pixels: Uint8Array, x: number, y: number): number[] {
  return [...pixels.subarray((y * SIZE + x) * 3, (y * SIZE + x) * 3 + 3)];
}

function expectNear(pixels: Uint8Array, x: number, y: number, colour: Colour, tolerance: number): void {
  for (const [c, value] of at(pixels, x, y).entries()) {
    expect(Math.abs(value - (colour[c] ?? NaN))).toBeLessThanOrEqual(tolerance);
  }
}

describe('decodePixels', () => {
  it('leaves a 224x224 picture as it is, bit for bit', async () => {
    const noise = Buffer.from(Array.from({ length: SIZE * SIZE * 3 }, (_, i) => (i * 7919) % 256));
    const png = await sharp(noise, { raw: { width: SIZE, height: SIZE, channels: 3 } })
      .png()
      .toBuffer();
    expect(Buffer.from(await decodePixels(png)).equals(noise)).toBe(true);
  });

  it('takes the centre square of a wide and of a tall picture', async () => {
    const wide = await decodePixels(await picture().png().toBuffer());
    expect(wide).toHaveLength(SIZE * SIZE * 3);
    expect(at(wide, 0, 0)).toEqual(GREEN);
    expect(at(wide, 111, 223)).toEqual(GREEN);
    expect(at(wide, 112, 0)).toEqual(BLUE);
    expect(at(wide, 223, 100)).toEqual(BLUE);
    const tall = await decodePixels(await picture().rotate(90).png().toBuffer());
    expect(at(tall, 100, 0)).toEqual(GREEN);
    expect(at(tall, 100, 223)).toEqual(BLUE);
  });

  it.each([
    ['WebP', () => picture().webp({ lossless: true }), 0],
    ['TIFF', () => picture().tiff({ compression: 'lzw' }), 0],
    ['GIF', () => picture().gif(), 3],
    ['AVIF', () => picture().avif({ quality: 90 }), 6],
    ['JPEG', () => picture().jpeg({ quality: 95, chromaSubsampling: '4:4:4' }), 4],
  ])('reads %s', async (_, encode, tolerance) => {
    const pixels = await decodePixels(await encode().toBuffer());
    expectNear(pixels, 50, 50, GREEN, tolerance);
    expectNear(pixels, 170, 170, BLUE, tolerance);
  });

  it('reads the first frame of an animated GIF', async () => {
    const frames = Buffer.concat(
      [RED, GREEN].map((colour) => Buffer.alloc(SIZE * SIZE * 3).map((_, i) => colour[i % 3] ?? 0)),
    );
    const raw = { width: SIZE, height: SIZE * 2, channels: 3, pageHeight: SIZE } as const;
    const gif = await sharp(frames, { raw })
      .gif({ delay: [100, 100] })
      .toBuffer();
    expect((await sharp(gif).metadata()).pages).toBe(2);
    expectNear(await decodePixels(gif), 9, 9, RED, 3);
  });

  it('grey: three equal channels', async () => {
    const raw = { width: SIZE, height: SIZE, channels: 1 } as const;
    const grey = await sharp(Buffer.alloc(SIZE * SIZE, 77), { raw })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect((await sharp(grey).metadata()).channels).toBe(1);
    expect(at(await decodePixels(grey), 5, 5)).toEqual([77, 77, 77]);
  });

  it('16 bits a channel: the high byte counts', async () => {
    const data = Uint16Array.from({ length: SIZE * SIZE * 3 }, (_, i) => [0x8000, 0x4000, 0xc0ff][i % 3] ?? 0);
    const raw = { width: SIZE, height: SIZE, channels: 3 } as const;
    const png = await sharp(data, { raw }).toColourspace('rgb16').png().toBuffer();
    expect((await sharp(png).metadata()).depth).toBe('ushort');
    expect(at(await decodePixels(png), 100, 100)).toEqual([0x80, 0x40, 0xc0]);
  });

  it('CMYK becomes sRGB', async () => {
    const jpeg = await picture().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
    expect((await sharp(jpeg).metadata()).space).toBe('cmyk');
    const pixels = await decodePixels(jpeg);
    // A press's gamut: saturated green comes back paler, as in print.
    expectNear(pixels, 50, 50, [113, 177, 14], 3);
  });

  it('alpha is flattened on white', async () => {
    const raw = { width: SIZE, height: SIZE, channels: 4 } as const;
    const rgba = Buffer.from(Array.from({ length: SIZE * SIZE }, () => [200, 0, 100, 0]).flat());
    expect(at(await decodePixels(await sharp(rgba, { raw }).png().toBuffer()), 3, 3)).toEqual([255, 255, 255]);
    const half = Buffer.from(Array.from({ length: SIZE * SIZE }, () => [200, 0, 100, 128]).flat());
    expectNear(await decodePixels(await sharp(half, { raw }).png().toBuffer()), 3, 3, [227, 127, 177], 1);
  });

  // What a viewer shows at the top left of the square for each orientation of a picture that is green | blue.
  it.each([
    [1, GREEN, BLUE, 'x'],
    [2, BLUE, GREEN, 'x'],
    [3, BLUE, GREEN, 'x'],
    [4, GREEN, BLUE, 'x'],
    [5, GREEN, BLUE, 'y'],
    [6, GREEN, BLUE, 'y'],
    [7, BLUE, GREEN, 'y'],
    [8, BLUE, GREEN, 'y'],
  ] as const)('EXIF orientation %i', async (orientation, first, second, axis) => {
    const tiff = await picture().withMetadata({ orientation }).jpeg({ quality: 95 }).toBuffer();
    const pixels = await decodePixels(tiff);
    expectNear(pixels, 20, 20, first, 5);
    expectNear(pixels, axis === 'x' ? 200 : 20, axis === 'x' ? 20 : 200, second, 5);
  });

  it('the pixels that preprocessing version 1 stands for', async () => {
    const waves = Buffer.from(
      Array.from({ length: 640 * 480 * 3 }, (_, i) => 127 + 120 * Math.sin(Math.floor(i / 3) / 97 + (i % 3))),
    );
    const png = await sharp(waves, { raw: { width: 640, height: 480, channels: 3 } })
      .png()
      .toBuffer();
    const sha256 = createHash('sha256')
      .update(await decodePixels(png))
      .digest('hex');
    // Another digest (a new sharp, say) means other features: raise PREPROCESSING_VERSION with it.
    expect(sha256).toMatchInlineSnapshot(`"7cf0ebfdc417135147228b7d4d8b8a3433d44113f1c54c75b861a9d6c110a269"`);
  });

  it.each([
    ['', 'empty file'],
    ['<!DOCTYPE html><html>', 'not a picture: an HTML page'],
    ['hello', 'not a picture: unknown content'],
    ['%PDF-1.4\n%%EOF', 'not a picture: application/pdf'],
    ['<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', 'not a picture: an SVG drawing'],
  ])('refuses %j', async (content, reason) => {
    await expect(decodePixels(Buffer.from(content))).rejects.toThrow(new UnusableImage(reason));
  });

  it('truncated and bit-flipped pictures give pixels or a reason, never a crash', async () => {
    const files = await Promise.all([
      picture().jpeg().toBuffer(),
      picture().png().toBuffer(),
      picture().webp().toBuffer(),
    ]);
    const damage = record({ kind: nat(2), cut: nat(1000), at: nat(100_000), bit: nat(7) });
    await assert(
      asyncProperty(damage, async ({ kind, cut, at: place, bit }) => {
        const file = files[kind] ?? Buffer.alloc(0);
        const bytes = Buffer.from(file.subarray(0, Math.ceil((file.length * cut) / 1000)));
        if (bytes.length > 0) bytes[place % bytes.length] = (bytes[place % bytes.length] ?? 0) ^ (1 << bit);
        const outcome = await decodePixels(bytes).catch((error: unknown) => error);
        const whole = outcome instanceof Uint8Array && outcome.length === SIZE * SIZE * 3;
        expect(whole || outcome instanceof UnusableImage).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
