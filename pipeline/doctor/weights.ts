import { openWeights } from '../backbone/weights/open.js';
import { errorMessage } from '../errors.js';
import type { Check } from './check.js';

/** Weights.digest of the weights that pool5 ships. */
const EXPECTED = 'b436d216aaced47ce93513eba2f17a8ed7efe26c68eaa1a88f16821abbbc35f6';

/** Whether the embedded weights (or others, by their spec) are there, and are those that are expected. */
export async function weightsCheck(spec?: string, expected = EXPECTED): Promise<Check> {
  const name = 'Weights';
  const fix = 'Get the file again: git checkout, or npm ci.';
  try {
    const { digest, origin } = await openWeights(spec);
    const found = `${origin}, digest ${digest.slice(0, 16)}`;
    if (digest === expected) return { name, status: 'ok', found };
    return { name, status: 'problem', found: `${found}, not ${expected.slice(0, 16)}`, fix };
  } catch (error) {
    return { name, status: 'problem', found: errorMessage(error), fix };
  }
}
