import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePixels, UnusableImage } from '../../../pipeline/images/pixels.js';
import { PACKAGE_ROOT } from '../../../pipeline/package-root.js';
import { quarters } from './generated.js';

const GOLDEN = join(PACKAGE_ROOT, 'test/golden/images');
const SIZE = 224;

/** What PREPROCESSING_VERSION 1 makes of the files in test/golden/images: where one of these moves, raise the version. */
const PIXELS = {
  'alpha.webp': 'b32b36486ef7f04e787ad4e89496f1401e27e3a5c7da1013454c9a4ba2ef40ec',
  'cmyk.jpg': '01ca7345832d867f24cdb1f4e9aa47e35c6c5693471d98973909c7bcd59829c3',
  'grey.jpg': '8fd0765c5637a4398a81336f7a2b99383510b3712fb4e8615f4292aa5bdb6f49',
  'lossy.webp': '4aa1e6f7e1375a5a91cbc39c0d09743876c9c83becb49f1d29bb5f9f70d14683',
  'progressive.jpg': '82f1b642d8bd1fc6287dfa07067661c0c3fe99d36d6f3daaa0ac125b5c34095b',
  'rgb.avif': 'b800e71ae6c3ab0d59d88815c1e13c6194e86f5cc5f9064f21641fae2980839b',
  'rgb.jpg': '41906fc40654c5fbb1a5bebdb5274a2f070b6dc1957eb8b2634a90c82ff89c68',
  'turned.jpg': '3e8f2cd4d2ca563bc20d423f27fab65d4150b39c7b9ffa12b7e00a1d710c3d44',
};

/** uint8 [height, width, channels] from a formula. */
function draw(
  width: number,
  height: number,
  channels: 1 | 2 | 3 | 4,
  value: (x: number, y: number, c: number) => number,
): Uint8Array {
  const values = new Uint8Array(width * height * channels);
  for (const i of values.keys()) {
    const pixel = Math.floor(i / channels);
    values[i] = value(pixel % width, Math.floor(pixel / width), i % channels);
  }
  return values;
}

/** No two of the 224x224 pixels are equal, so that any turn, flip or shift shows. */
const unique = (x: number, y: number, c: number): number => [x, y, (x * 7 + y * 3) % 256][c] ?? 0;

/** For pictures larger than the square. */
const wide = (x: number, y: number, c: number): number => [x % 256, y % 256, (x + y) % 256][c] ?? 0;

const square = draw(SIZE, SIZE, 3, unique);

function from(values: Uint8Array | Uint16Array, channels: 1 | 2 | 3 | 4, width = SIZE, height = SIZE): Sharp {
  return sharp(values, { raw: { width, height, channels } });
}

function isSame(pixels: Uint8Array, expected: Uint8Array): boolean {
  return pixels.length === SIZE * SIZE * 3 && Buffer.compare(pixels, expected) === 0;
}

describe('formats that lose nothing, pixel for pixel', () => {
  it.each<[string, (image: Sharp) => Sharp]>([
    ['PNG', (image) => image.png()],
    ['interlaced PNG', (image) => image.png({ progressive: true })],
    ['WebP', (image) => image.webp({ lossless: true })],
    ['TIFF', (image) => image.tiff({ compression: 'lzw' })],
    ['TIFF in tiles', (image) => image.tiff({ compression: 'deflate', tile: true })],
  ])('%s', async (_, encode) => {
    expect(isSame(await decodePixels(await encode(from(square, 3)).toBuffer()), square)).toBe(true);
  });

  it('GIF of few colours', async () => {
    const values = draw(SIZE, SIZE, 3, (x, y, c) => [(x & 96) * 2, y & 64, 90][c] ?? 0);
    expect(isSame(await decodePixels(await from(values, 3).gif({ dither: 0 }).toBuffer()), values)).toBe(true);
  });

  it('the first of a GIF with two frames', async () => {
    const frames = draw(SIZE, SIZE * 2, 3, (x, y, c) => [y < SIZE ? 200 : 20, x < 99 ? 40 : 80, 10][c] ?? 0);
    const gif = await sharp(frames, { raw: { width: SIZE, height: SIZE * 2, channels: 3, pageHeight: SIZE } })
      .gif({ dither: 0 })
      .toBuffer();
    expect((await sharp(gif).metadata()).pages).toBe(2);
    expect(isSame(await decodePixels(gif), frames.subarray(0, frames.length / 2))).toBe(true);
  });

  it('grey gives three equal channels', async () => {
    const grey = draw(SIZE, SIZE, 1, (x, y) => (x * 5 + y) % 256);
    const expected = draw(SIZE, SIZE, 3, (x, y) => (x * 5 + y) % 256);
    expect(isSame(await decodePixels(await from(grey, 1).toColourspace('b-w').png().toBuffer()), expected)).toBe(true);
  });

  it('16 bits a channel: the upper eight', async () => {
    const deep = Uint16Array.from(square, (value, i) => value * 256 + (i % 256));
    const bytes = await from(deep, 3).toColourspace('rgb16').png().toBuffer();
    expect((await sharp(bytes).metadata()).depth).toBe('ushort');
    expect(isSame(await decodePixels(bytes), square)).toBe(true);
  });

  it('alpha is laid on white', async () => {
    const steps = [0, 51, 255];
    const values = draw(SIZE, SIZE, 4, (x, y, c) => (c === 3 ? (steps[x % 3] ?? 0) : unique(x, y, c)));
    const pixels = await decodePixels(await from(values, 4).png().toBuffer());
    const blend = (x: number, y: number, c: number): number => {
      const alpha = (steps[x % 3] ?? 0) / 255;
      return alpha * unique(x, y, c) + (1 - alpha) * 255;
    };
    const worst = pixels.reduce((most, value, i) => {
      const pixel = Math.floor(i / 3);
      return Math.max(most, Math.abs(value - blend(pixel % SIZE, Math.floor(pixel / SIZE), i % 3)));
    }, 0);
    expect(worst).toBeLessThan(1);
  });
});

describe('shape', () => {
  it.each([
    ['wide', 400, SIZE, 88, 0],
    ['tall', SIZE, 300, 0, 38],
  ])('of a %s picture the centre square', async (_, width, height, left, top) => {
    const bytes = await from(draw(width, height, 3, wide), 3, width, height)
      .png()
      .toBuffer();
    expect(
      isSame(
        await decodePixels(bytes),
        draw(SIZE, SIZE, 3, (x, y, c) => wide(x + left, y + top, c)),
      ),
    ).toBe(true);
  });

  it('a single pixel fills the square', async () => {
    const bytes = await from(Uint8Array.of(10, 20, 30), 3, 1, 1)
      .png()
      .toBuffer();
    expect(
      isSame(
        await decodePixels(bytes),
        draw(SIZE, SIZE, 3, (_x, _y, c) => [10, 20, 30][c] ?? 0),
      ),
    ).toBe(true);
  });

  it('of a line of 1,000 pixels the middle ones, blended', async () => {
    const line = draw(1000, 1, 3, (x, _y, c) => [x < 500 ? 0 : 200, 90, 10][c] ?? 0);
    const pixels = await decodePixels(await from(line, 3, 1000, 1).png().toBuffer());
    const reds = Array.from({ length: SIZE }, (_, x) => pixels[x * 3] ?? NaN);
    expect(reds.every((red, x) => red >= (reds[x - 1] ?? 0))).toBe(true);
    expect([reds[0], reds[112], reds[SIZE - 1]]).toEqual([0, 100, 200]);
    expect(
      isSame(
        pixels,
        draw(SIZE, SIZE, 3, (x, _y, c) => [reds[x], 90, 10][c] ?? 0),
      ),
    ).toBe(true);
  });

  const last = SIZE - 1;
  /** EXIF 2.3, 4.6.4 A: where the pixel at (x, y) of the upright picture lies in the stored one. */
  const stored: Record<number, (x: number, y: number) => [number, number]> = {
    1: (x, y) => [x, y],
    2: (x, y) => [last - x, y],
    3: (x, y) => [last - x, last - y],
    4: (x, y) => [x, last - y],
    5: (x, y) => [y, x],
    6: (x, y) => [y, last - x],
    7: (x, y) => [last - y, last - x],
    8: (x, y) => [last - y, x],
  };
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('EXIF orientation %i', async (orientation) => {
    for (const format of ['png', 'webp'] as const) {
      const bytes = await from(square, 3)[format]({ lossless: true }).withMetadata({ orientation }).toBuffer();
      const upright = draw(SIZE, SIZE, 3, (x, y, c) => unique(...(stored[orientation]?.(x, y) ?? [0, 0]), c));
      expect(isSame(await decodePixels(bytes), upright)).toBe(true);
    }
  });
});

describe('goldens', () => {
  it.each(Object.entries(PIXELS))('%s', async (name, expected) => {
    const pixels = await decodePixels(await readFile(join(GOLDEN, name)));
    expect(createHash('sha256').update(pixels).digest('hex')).toBe(expected);
  });

  it('a JPEG and its progressive, CMYK, AVIF and WebP kin show one picture', async () => {
    const reference = await decodePixels(await readFile(join(GOLDEN, 'rgb.jpg')));
    for (const name of ['progressive.jpg', 'cmyk.jpg', 'rgb.avif', 'lossy.webp']) {
      const pixels = await decodePixels(await readFile(join(GOLDEN, name)));
      const sum = pixels.reduce((total, value, i) => total + Math.abs(value - (reference[i] ?? NaN)), 0);
      expect(sum / pixels.length).toBeLessThan(name === 'cmyk.jpg' ? 12 : 3 /* of colours that ink cannot show */);
    }
  });
});

describe('what is no photograph', () => {
  it('a decompression bomb: 20,000 x 20,000 pixels, by its header, in 100 bytes', async () => {
    const bomb = await from(Uint8Array.of(1, 2, 3), 3, 1, 1)
      .png()
      .toBuffer();
    // Width, height and the checksum of the header chunk (PNG specification, 11.2.1), which begins at byte 12.
    bomb.writeUInt32BE(20_000, 16);
    bomb.writeUInt32BE(20_000, 20);
    bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
    await expect(decodePixels(bomb)).rejects.toThrow(
      new UnusableImage('cannot be decoded: Input image exceeds pixel limit'),
    );
  });

  it('100 megapixels are a photograph', async () => {
    const large = await sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: '#0a141e' } })
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .toBuffer();
    expect(
      isSame(
        await decodePixels(large),
        draw(SIZE, SIZE, 3, (_x, _y, c) => [10, 20, 30][c] ?? 0),
      ),
    ).toBe(true);
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
