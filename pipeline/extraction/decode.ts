import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Pending } from '../features/plan.js';
import { accessReason } from '../images/find.js';
import { decodePixels, UnusableImage } from '../images/pixels.js';

/** What becomes of a photograph on its way to the stack. */
export type Decoded =
  | { readonly item: Pending; readonly pixels: Uint8Array }
  | { readonly item: Pending; readonly rejected: string; readonly passing: boolean };

/** Reads a photograph, makes sure that it still is the one of the plan, and decodes it. */
export async function decodePending(item: Pending): Promise<Decoded> {
  let bytes: Buffer;
  try {
    bytes = await readFile(item.path);
  } catch (error) {
    return { item, rejected: accessReason(error), passing: true };
  }
  if (createHash('sha256').update(bytes).digest('hex') !== item.digest) {
    return { item, rejected: 'rewritten while the run went on: run extract again', passing: true };
  }
  try {
    return { item, pixels: await decodePixels(bytes) };
  } catch (error) {
    if (error instanceof UnusableImage) return { item, rejected: error.message, passing: false };
    throw error;
  }
}
