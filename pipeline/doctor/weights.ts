import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../errors.js';
import { PACKAGE_ROOT } from '../package-root.js';
import type { Check } from './check.js';

/** The weights that pool5 ships. */
const EMBEDDED = join(PACKAGE_ROOT, 'pipeline', 'backbone', 'weights', 'vgg16-conv-f16.safetensors');

/** sha256 (hex) of that file. */
const EXPECTED = 'b40f9afb20d63b8b4f24ffacdaf329e2da6ea8212c5203966b33b768144ce25b';

/** Whether the embedded weights are there, to the byte. */
export async function weightsCheck(file = EMBEDDED, expected = EXPECTED): Promise<Check> {
  const name = 'Weights';
  const fix = 'Get the file again: git checkout, or npm ci.';
  try {
    const digest = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    const found = `embedded VGG16 (float16), file's sha256 ${digest.slice(0, 16)}`;
    if (digest === expected) return { name, status: 'ok', found };
    return { name, status: 'problem', found: `${found}, not ${expected.slice(0, 16)}`, fix };
  } catch (error) {
    return { name, status: 'problem', found: errorMessage(error), fix };
  }
}
