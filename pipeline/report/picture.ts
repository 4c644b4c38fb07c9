import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import sharp, { type OverlayOptions } from 'sharp';
import { errorMessage, InputError } from '../errors.js';
import { writeAtomically } from '../files/atomic.js';
import { fitted } from './lettering.js';

export interface PictureItem {
  /** Path of an image in a format that sharp reads. */
  readonly file: string;
  /** Shown above it, e.g. "Len: 43.2 cm". */
  readonly title: string;
}

/** Pixels: the square that an image is fitted into, the space between squares, the height of a title's line. */
const CELL = 260;
const GAP = 28;
const TITLE = 34;
const FONT_SIZE = 19;

async function thumbnail(file: string): Promise<{ data: Buffer; width: number; height: number }> {
  try {
    const upright = sharp(file).autoOrient().flatten({ background: '#fff' }).toColourspace('srgb');
    const { data, info } = await upright
      .resize(CELL, CELL, { fit: 'inside' })
      .png()
      .toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height };
  } catch (error) {
    throw new InputError({ expected: 'an image', found: `"${errorMessage(error)}"`, where: file }, { cause: error });
  }
}

/** As many columns as make the grid about square, as matplotlib's users lay theirs out. */
function columnsFor(count: number): number {
  return count <= 3 ? count : Math.ceil(Math.sqrt(count));
}

/**
 * Draws images in a grid on white, each under its title, and writes it as PNG (whole or not at all). Images keep their
 * shape and stand upright by their EXIF orientation. Needs no font on the machine.
 * @throws InputError where an image cannot be read, there is none, or `out` does not end in .png
 */
export async function drawPicture(items: readonly PictureItem[], out: string): Promise<void> {
  if (!/\.png$/i.test(out)) {
    throw new InputError({ expected: 'a name that ends in .png', found: out, where: '--picture' });
  }
  if (items.length === 0) throw new InputError({ expected: 'at least one image to draw', found: 'none', where: out });
  const columns = columnsFor(items.length);
  const width = columns * (CELL + GAP) + GAP;
  const height = Math.ceil(items.length / columns) * (CELL + TITLE + GAP) + GAP;
  const limit = pLimit(availableParallelism());
  const thumbnails = await Promise.all(items.map(({ file }) => limit(thumbnail, file)));
  let titles = '';
  const layers = thumbnails.map((image, index): OverlayOptions => {
    const left = GAP + (index % columns) * (CELL + GAP);
    const top = GAP + Math.floor(index / columns) * (CELL + TITLE + GAP) + TITLE;
    const inset = Math.floor((CELL - image.height) / 2);
    const title = fitted(items[index]?.title ?? '', FONT_SIZE, CELL + GAP - 8);
    const x = left + (CELL - title.width) / 2;
    titles += `<path transform="translate(${x.toFixed(2)} ${top + inset - 10})" d="${title.path}"/>`;
    return { input: image.data, left: left + Math.floor((CELL - image.width) / 2), top: top + inset };
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${titles}</svg>`;
  const page = sharp({ create: { width, height, channels: 3, background: '#fff' } });
  const png = await page
    .composite([...layers, { input: Buffer.from(svg) }])
    .png()
    .toBuffer();
  await writeAtomically(out, png);
}
