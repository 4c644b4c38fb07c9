import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodePixels } from '../../../pipeline/images/pixels.js';
import { PACKAGE_ROOT } from '../../../pipeline/package-root.js';

const FOLDER = join(PACKAGE_ROOT, '../shared/golden');

/** Whether ../shared/golden is there: six pictures and their features, made by an independent implementation. */
export const HAS_GOLDEN = existsSync(FOLDER);

export const EXACT_WEIGHTS = join(PACKAGE_ROOT, '../shared/weights/vgg16.npy');

/** uint8 [6, 224, 224, 3], in the order of the golden features. */
export async function goldenPixels(): Promise<Uint8Array> {
  const names = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.png'))
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return Buffer.concat(await Promise.all(names.map(async (name) => decodePixels(await readFile(join(FOLDER, name))))));
}

/** float32 [6, 7, 7, 512] of a .npy file of version 1. */
export async function goldenFeatures(name: string): Promise<Float32Array> {
  const bytes = await readFile(join(FOLDER, name));
  return new Float32Array(new Uint8Array(bytes.subarray(10 + bytes.readUInt16LE(8))).buffer);
}

/** |a - b| / |b| in the L2 norm. */
export function relativeError(a: Float32Array, b: Float32Array): number {
  let difference = 0;
  let norm = 0;
  for (const [i, value] of b.entries()) {
    difference += ((a[i] ?? NaN) - value) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(difference / norm);
}
