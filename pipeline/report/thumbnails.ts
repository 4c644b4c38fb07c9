import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import sharp from 'sharp';

/** Bytes that all thumbnails of a page may take as base64, so that a page of 1,000 photographs stays under 5 MB. */
const BUDGET = 3_900_000;

const LARGEST_EDGE = 220;
const SMALLEST_EDGE = 72;

/** Settings from best to most frugal; the first whose result fits is taken. */
function attempts(bytes: number): { edge: number; quality: number }[] {
  const edge = Math.round(Math.min(LARGEST_EDGE, Math.max(SMALLEST_EDGE, Math.sqrt(bytes) * 2.3)));
  return [
    { edge, quality: 74 },
    { edge, quality: 50 },
    { edge: Math.max(SMALLEST_EDGE, Math.round(edge * 0.8)), quality: 35 },
    { edge: Math.max(40, Math.round(edge * 0.6)), quality: 20 },
    { edge: 32, quality: 5 },
  ];
}

async function thumbnail(file: string | undefined, bytes: number): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    for (const { edge, quality } of attempts(bytes)) {
      const upright = sharp(file).autoOrient().flatten({ background: '#fff' });
      const webp = await upright.resize(edge, edge, { fit: 'inside' }).webp({ quality, effort: 4 }).toBuffer();
      if (webp.length <= bytes) return webp.toString('base64');
    }
  } catch {
    // Moved, deleted or broken since the run: the page says how many are missing.
  }
  return undefined;
}

/**
 * Small WebP copies of images, upright, as base64.
 * @param files undefined where there is none
 * @returns for each file its thumbnail, or undefined where the image cannot be read
 */
export async function thumbnailsOf(files: readonly (string | undefined)[]): Promise<(string | undefined)[]> {
  const bytes = Math.min(16_000, (BUDGET / Math.max(1, files.length)) * 0.75);
  const limit = pLimit(availableParallelism());
  return Promise.all(files.map((file) => limit(thumbnail, file, bytes)));
}
