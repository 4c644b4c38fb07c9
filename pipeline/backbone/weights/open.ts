import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../package-root.js';
import { readSafetensors } from './safetensors.js';
import { assembleWeights, type Weights } from './weights.js';

const EMBEDDED = join(PACKAGE_ROOT, 'pipeline/backbone/weights/vgg16-conv-f16.safetensors');

/** The embedded weights. */
export async function openWeights(_spec: string | undefined): Promise<Weights> {
  return assembleWeights(readSafetensors(await readFile(EMBEDDED), EMBEDDED), 'embedded VGG16 (float16)');
}
