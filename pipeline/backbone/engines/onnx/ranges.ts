import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { PACKAGE_ROOT } from '../../../package-root.js';
import { STACK } from '../../vgg16.js';
import type { Weights } from '../../weights/weights.js';

const EMBEDDED = join(PACKAGE_ROOT, 'pipeline/backbone/weights/vgg16-ranges.json');

/** How large the activations of each convolution (after relu) become: layer name -> maximum of each channel. */
export type Ranges = ReadonlyMap<string, Float32Array>;

/** Ranges as they are kept in a file. */
export const rangesSchema = z
  .record(z.string(), z.array(z.number().nonnegative()))
  .refine((layers) => STACK.every((layer) => layer.kind === 'pool' || layers[layer.name]?.length === layer.outputs))
  .transform((layers): Ranges => {
    return new Map(Object.entries(layers).map(([name, maxima]) => [name, Float32Array.from(maxima)]));
  });

/** A step of 1/255 needs no more digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

export function rangesToJson(ranges: Ranges): Record<string, number[]> {
  return Object.fromEntries([...ranges].map(([name, maxima]) => [name, Array.from(maxima, rounded)]));
}

const embeddedSchema = z.object({
  /** Digest of the weights that the ranges were measured with. */
  weights: z.string(),
  /** How many were run. */
  photographs: z.int().positive(),
  maxima: rangesSchema,
});

/** The ranges that come with the embedded weights; undefined where the weights are others. */
export async function embeddedRanges(weights: Pick<Weights, 'digest'>): Promise<Ranges | undefined> {
  const found = embeddedSchema.parse(JSON.parse(await readFile(EMBEDDED, 'utf8')));
  return found.weights === weights.digest ? found.maxima : undefined;
}
