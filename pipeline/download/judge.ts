import { fileTypeFromBuffer } from 'file-type';
import sharp from 'sharp';
import { errorMessage } from '../errors.js';
import { type Failure, FailureError } from './outcome.js';

/** A picture that decodes. */
export interface Picture {
  readonly status: 'picture';
  /** Of a file's name, for what the bytes are. */
  readonly ending: string;
  readonly width: number;
  readonly height: number;
}

/** Formats that extract reads -> ending. */
const ENDINGS: Readonly<Record<string, string>> = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/webp': 'webp',
  'image/avif': 'avif',
  'image/tiff': 'tif',
  'image/gif': 'gif',
};

/** A few kilobytes of PNG can claim gigapixels. */
const MAX_PIXELS = 100_000_000;

/** What bytes that are no picture look like. */
function kindOf(bytes: Buffer, mime: string | undefined): string {
  const start = bytes.subarray(0, 2048).toString('latin1');
  if (/<(!doctype html|html|head|body|script|meta|title)\b/i.test(start)) return 'web page';
  if (mime !== undefined) return mime;
  return /^[\t\n\r\x20-\x7e\x80-\xff]*$/.test(start) ? 'text' : 'unknown bytes';
}

function notAnImage(detail: string): Failure {
  return { status: 'not an image', detail, passing: false };
}

/**
 * Decides by its bytes whether an answer is a picture: its signature, then a full decode, which finds what was cut
 * off or damaged.
 * @param minSide pixels of the short edge
 */
export async function judge(bytes: Buffer, minSide: number): Promise<Picture | Failure> {
  if (bytes.length === 0) return notAnImage('empty');
  const mime = (await fileTypeFromBuffer(bytes).catch(() => undefined))?.mime;
  const ending = mime === undefined ? undefined : ENDINGS[mime];
  if (ending === undefined) return notAnImage(kindOf(bytes, mime));
  try {
    const image = sharp(bytes, { failOn: 'error', limitInputPixels: false });
    const { width, height } = await image.metadata();
    if (width * height > MAX_PIXELS) throw new FailureError('too large', `${width}x${height} pixels`);
    if (Math.min(width, height) < minSide) throw new FailureError('too small', `${width}x${height} pixels`);
    // A small copy is enough: every byte of the picture is read for it.
    await image.resize(64, 64, { fit: 'fill' }).raw().toBuffer();
    return { status: 'picture', ending, width, height };
  } catch (error) {
    if (error instanceof FailureError) return error.failure;
    return notAnImage(`damaged ${ending}: ${errorMessage(error).split('\n')[0]}`);
  }
}
