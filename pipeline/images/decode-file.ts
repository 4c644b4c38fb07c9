import { readFile } from 'node:fs/promises';
import { sha256Of } from '../files/sha256.js';
import { accessReason } from './find.js';
import { decodePixels, UnusableImage } from './pixels.js';

/** A file's pixels, uint8 HWC RGB [224, 224, 3], or why there are none. */
export type DecodedFile =
  | { readonly pixels: Uint8Array }
  /** `passing`: the file may be usable another time (deleted, rewritten or locked just now). */
  | { readonly rejected: string; readonly passing: boolean };

/** @param digest sha256 (hex) of the bytes that are expected; any where it is undefined */
export async function decodeFile(path: string, digest?: string): Promise<DecodedFile> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    return { rejected: accessReason(error), passing: true };
  }
  if (digest !== undefined && sha256Of(bytes) !== digest) {
    return { rejected: 'rewritten while the run went on: run extract again', passing: true };
  }
  try {
    return { pixels: await decodePixels(bytes) };
  } catch (error) {
    if (error instanceof UnusableImage) return { rejected: error.message, passing: false };
    throw error;
  }
}
