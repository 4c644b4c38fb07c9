import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePixels } from '../../../pipeline/images/pixels.js';
import { quarters } from './generated.js';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

/** The colours in the middle of the four quarters: above left, above right, below left, below right. */
function corners(pixels: Uint8Array): number[][] {
  const at = (x: number, y: number): number[] => [...pixels.subarray((y * 224 + x) * 3, (y * 224 + x) * 3 + 3)];
  return [at(56, 56), at(168, 56), at(56, 168), at(168, 168)];
}

const RED = [200, 30, 40];
const GREEN = [20, 180, 60];
const BLUE = [30, 40, 220];
const WHITE = [250, 250, 250];

describe('the path from bytes to pixels (PREPROCESSING_VERSION stands for these)', () => {
  it('cuts the centre square and keeps colours', async () => {
    const pixels = await decodePixels(await quarters().png().toBuffer());
    expect(pixels.length).toBe(224 * 224 * 3);
    expect(corners(pixels)).toEqual([RED, GREEN, BLUE, WHITE]);
  });

  it('leaves a 224x224 picture as it is, bit for bit', async () => {
    const noise = Buffer.from(Array.from({ length: 224 * 224 * 3 }, (_, i) => (i * 7919) % 256));
    const png = sharp(noise, { raw: { width: 224, height: 224, channels: 3 } }).png();
    expect(Buffer.from(await decodePixels(await png.toBuffer())).equals(noise)).toBe(true);
  });

  it.each([
    [1, [RED, GREEN, BLUE, WHITE]],
    [2, [GREEN, RED, WHITE, BLUE]],
    [3, [WHITE, BLUE, GREEN, RED]],
    [4, [BLUE, WHITE, RED, GREEN]],
    [5, [RED, BLUE, GREEN, WHITE]],
    [6, [BLUE, RED, WHITE, GREEN]],
    [7, [WHITE, GREEN, BLUE, RED]],
    [8, [GREEN, WHITE, RED, BLUE]],
  ])('applies EXIF orientation %i', async (orientation, expected) => {
    const bytes = await quarters().withMetadata({ orientation }).png().toBuffer();
    expect(corners(await decodePixels(bytes))).toEqual(expected);
  });

  it('flattens alpha on white', async () => {
    const bytes = await sharp({
      create: { width: 60, height: 50, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0.5 } },
    })
      .png()
      .toBuffer();
    const pixels = await decodePixels(bytes);
    expect(new Set(pixels)).toEqual(new Set([127]));
  });

  it.each([
    ['grey', () => quarters().greyscale().png()],
    ['16-bit', () => quarters().toColourspace('rgb16').png()],
    ['CMYK', () => quarters().toColourspace('cmyk').jpeg({ quality: 95 })],
    ['progressive JPEG', () => quarters().jpeg({ progressive: true })],
    ['GIF', () => quarters().gif()],
    ['AVIF', () => quarters().avif({ lossless: true })],
    ['TIFF', () => quarters().tiff({ compression: 'lzw' })],
    ['WebP', () => quarters().webp({ lossless: true })],
    ['one pixel', () => quarters().extract({ left: 0, top: 0, width: 1, height: 1 }).png()],
    ['1000 to 1', () => quarters().resize(1000, 1, { fit: 'fill' }).png()],
  ])('%s', async (name, make) => {
    const pixels = await decodePixels(await make().toBuffer());
    expect(`${name}: ${sha256(pixels)} ${JSON.stringify(corners(pixels))}`).toMatchSnapshot();
  });

  it.each([
    ['', 'empty file'],
    ['<html><body>', 'not a picture: an HTML page'],
    ['<svg xmlns="http://www.w3.org/2000/svg"/>', 'not a picture: an SVG drawing'],
    ['<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', 'not a picture: application/xml'],
    ['%PDF-1.7 etc.', 'not a picture: application/pdf'],
    ['hello', 'not a picture: unknown content'],
  ])('refuses %j', async (text, reason) => {
    await expect(decodePixels(Buffer.from(text))).rejects.toThrow(new Error(reason));
  });

  it('refuses a truncated JPEG', async () => {
    const bytes = await quarters().resize(400, 300).jpeg().toBuffer();
    await expect(decodePixels(bytes.subarray(0, bytes.length / 2))).rejects.toThrow(
      /^cannot be decoded: VipsJpeg: premature end of JPEG image$/i,
    );
  });
});
