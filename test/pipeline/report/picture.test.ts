import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fitted, lettering } from '../../../pipeline/report/lettering.js';
import { drawPicture } from '../../../pipeline/report/picture.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pool5-picture-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function image(name: string, width: number, height: number, orientation = 1): Promise<string> {
  const file = join(folder, name);
  // Left half red, right half blue: turned by orientation 6, red is on top.
  const half = { create: { width: width / 2, height, channels: 3, background: '#00f' } } as const;
  const red = sharp({ create: { width, height, channels: 3, background: '#f00' } });
  await red
    .composite([{ input: await sharp(half).png().toBuffer(), left: width / 2, top: 0 }])
    .withMetadata({ orientation })
    .png()
    .toFile(file);
  return file;
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly at: (x: number, y: number) => number[];
  /** Non-white pixels in a rectangle. */
  readonly inked: (left: number, top: number, width: number, height: number) => number;
}

async function pixels(file: string): Promise<Pixels> {
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number): number[] => [
    ...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3),
  ];
  const inked = (left: number, top: number, width: number, height: number): number => {
    let count = 0;
    for (let y = top; y < top + height; y++) {
      for (let x = left; x < left + width; x++) if (at(x, y).some((value) => value < 128)) count++;
    }
    return count;
  };
  return { width: info.width, height: info.height, at, inked };
}

describe('drawPicture', () => {
  it('draws two images side by side, each under its title', async () => {
    const out = join(folder, 'two.png');
    const file = await image('wide.png', 400, 200);
    await drawPicture(
      [
        { file, title: 'Len: 43.2 cm' },
        { file, title: '' },
      ],
      out,
    );
    const { width, height, at, inked } = await pixels(out);
    expect([width, height]).toEqual([28 + 2 * 288, 28 + 322]);
    expect(at(5, 5)).toEqual([255, 255, 255]);
    // The 260 x 130 image stands in the middle of its square, which begins at (28, 62).
    expect(at(28 + 60, 62 + 130)).toEqual([255, 0, 0]);
    expect(at(28 + 200, 62 + 130)).toEqual([0, 0, 255]);
    expect(at(28 + 60, 62 + 60)).toEqual([255, 255, 255]);
    const title = [62 + 65 - 28, 26] as const;
    expect(inked(28, title[0], 260, title[1])).toBeGreaterThan(300);
    expect(inked(28 + 288, title[0], 260, title[1])).toBe(0);
  });

  it('turns an image by its EXIF orientation', async () => {
    const out = join(folder, 'turned.png');
    await drawPicture([{ file: await image('turned-in.png', 400, 200, 6), title: '' }], out);
    const { at } = await pixels(out);
    expect(at(28 + 130, 62 + 60)).toEqual([255, 0, 0]);
    expect(at(28 + 130, 62 + 200)).toEqual([0, 0, 255]);
    expect(at(28 + 20, 62 + 130)).toEqual([255, 255, 255]);
  });

  it('takes any number of images, any characters and any length of title', async () => {
    const out = join(folder, 'new', 'many.png');
    const file = await image('small.png', 20, 20);
    const titles = [
      '<img src=x onerror="alert(1)">&amp;',
      '体長 43.2 cm',
      'Länge: 12,3 µm²',
      'x'.repeat(500),
      '\u0000\uD800',
      'e',
      'f',
    ];
    await drawPicture(
      titles.map((title) => ({ file, title })),
      out,
    );
    const { width, height, inked } = await pixels(out);
    expect([width, height]).toEqual([28 + 3 * 288, 28 + 3 * 322]);
    // The longest title stays within its own square's column.
    expect(inked(0, 28 + 322, 14, 322)).toBe(0);
  });

  it('leaves only the finished file', async () => {
    const before = new Set(await readdir(folder));
    const broken = join(folder, 'broken.jpg');
    await writeFile(broken, '<html>');
    const out = join(folder, 'never.png');
    await expect(drawPicture([{ file: broken, title: '' }], out)).rejects.toThrow(
      `Expected an image, got "Input file contains unsupported image format" (${broken}).`,
    );
    expect((await readdir(folder)).filter((name) => !before.has(name))).toEqual(['broken.jpg']);
  });

  it('refuses a name that is not .png, and no images', async () => {
    await expect(drawPicture([], 'x.jpg')).rejects.toThrow('Expected a name that ends in .png, got x.jpg (--picture).');
    await expect(drawPicture([], 'x.png')).rejects.toThrow('Expected at least one image to draw, got none (x.png).');
  });
});

describe('lettering', () => {
  it("sets each glyph after the last by the font's own widths", () => {
    // DejaVu Sans: L is 1141 of 2048 units wide.
    expect(lettering('L', 2048).width).toBe(1141);
    expect(lettering('LL', 20).width).toBeCloseTo((2 * 1141 * 20) / 2048, 9);
  });

  it('marks a cut with an ellipsis and never exceeds the width', () => {
    const cut = fitted('W'.repeat(50), 20, 100);
    expect(cut.width).toBeLessThanOrEqual(100);
    expect(cut.path.endsWith(lettering('WWWW…', 20).path.slice(-60))).toBe(true);
    expect(fitted('short', 20, 100)).toEqual(lettering('short', 20));
  });
});
