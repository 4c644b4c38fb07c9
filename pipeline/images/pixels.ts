import { errorMessage } from '../errors.js';

/**
 * Version of the path from bytes to pixels, part of the cache's key. Raise it with every change that alters a pixel,
 * a new release of sharp included: test/pipeline/images/pixels.test.ts holds the pixels it stands for.
 */
export const PREPROCESSING_VERSION = '1';

/** Height and width in pixels of what `decodePixels` gives. */
const SIZE = 224;

const FORMATS = new Set(['jpg', 'png', 'webp', 'avif', 'tif', 'gif']);

/** Bytes that are no usable photograph; the message is the reason. */
export class UnusableImage extends Error {}

/**
 * Decodes a photograph as the tutorial does: EXIF orientation applied, alpha flattened on white, sRGB, the centre
 * square of the short edge, scaled to 224x224.
 * @param bytes a JPEG, PNG, WebP, AVIF, TIFF or GIF file (the first frame or page counts)
 * @returns uint8 HWC RGB [224, 224, 3], 0..255
 * @throws UnusableImage with the reason
 */
export async function decodePixels(bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes.length === 0) throw new UnusableImage('empty file');
  // Loaded on the first picture: a run that finds all features cached needs no decoder.
  const [{ fileTypeFromBuffer }, { default: sharp }] = await Promise.all([import('file-type'), import('sharp')]);
  const type = await fileTypeFromBuffer(bytes).catch(() => undefined); // of some truncated files it makes an error
  if (type === undefined || !FORMATS.has(type.ext)) {
    throw new UnusableImage(`not a picture: ${type === undefined ? looksLike(bytes) : type.mime}`);
  }
  try {
    const { data, info } = await sharp(bytes, { failOn: 'error', autoOrient: true })
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .resize(SIZE, SIZE, { fit: 'cover', position: 'centre' })
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new UnusableImage(`${info.channels} channels after conversion to sRGB`);
    return data;
  } catch (error) {
    if (error instanceof UnusableImage) throw error;
    throw new UnusableImage(`cannot be decoded: ${errorMessage(error).split('\n').at(-1)}`);
  }
}

function looksLike(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, 256)).toString('latin1').trimStart().toLowerCase();
  if (start.startsWith('<svg')) return 'an SVG drawing';
  return start.startsWith('<!doctype html') || start.startsWith('<html') ? 'an HTML page' : 'unknown content';
}
