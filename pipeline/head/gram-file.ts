import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256Of } from '../files/sha256.js';
import { errorCode } from '../errors.js';
import { removeAbandoned, writeAtomically } from '../files/atomic.js';
import type { FeatureCache } from '../features/schema.js';
import { extendGram, Gram } from './gram.js';

const manifestSchema = z.strictObject({
  version: z.literal(2),
  identity: z.string(),
  digests: z.array(z.string()),
  file: z.string().regex(/^gram-[0-9a-f]{64}\.f64$/),
});

const MANIFEST = 'gram.json';

function bytesOf(numbers: Float64Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** The products that are kept, or none where there are none, they are another cache's, or they are damaged. */
async function readGram(folder: string, identity: string): Promise<{ gram: Gram; damage: string | null }> {
  const none = new Gram([], new Float64Array(), new Float64Array());
  try {
    const manifest = manifestSchema.parse(JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')));
    if (manifest.identity !== identity) return { gram: none, damage: 'of other features' };
    const bytes = await readFile(join(folder, manifest.file));
    const count = manifest.digests.length;
    if (bytes.length !== 8 * count + 4 * count * (count + 1) || manifest.file !== `gram-${sha256Of(bytes)}.f64`) {
      return { gram: none, damage: 'damaged: its checksum does not match' };
    }
    const numbers = new Float64Array(new Uint8Array(bytes).buffer);
    const gram = new Gram(manifest.digests, numbers.subarray(0, count), numbers.subarray(count));
    return { gram, damage: null };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { gram: none, damage: null };
    if (error instanceof SyntaxError || error instanceof z.ZodError)
      return { gram: none, damage: 'damaged: not JSON of its kind' };
    throw error;
  }
}

async function writeGram(folder: string, identity: string, { digests, sums, packed }: Gram): Promise<void> {
  const numbers = new Float64Array(sums.length + packed.length);
  numbers.set(sums);
  numbers.set(packed, sums.length);
  const file = `gram-${sha256Of(bytesOf(numbers))}.f64`;
  await writeAtomically(join(folder, file), bytesOf(numbers));
  await writeAtomically(join(folder, MANIFEST), JSON.stringify({ version: 2, identity, digests, file }));
  await removeAbandoned(folder);
  const others = (await readdir(folder)).filter((name) => /^gram-[0-9a-f]{64}\.f64$/.test(name) && name !== file);
  // Another process may still read the one before; where the system forbids removing it, the next extension does.
  await Promise.all(others.map((name) => rm(join(folder, name), { force: true })));
}

export interface OpenGramOptions {
  /** A line about the kept products, e.g. that they are damaged. */
  readonly log: (line: string) => void;
  readonly onPair?: (done: number, total: number) => void;
}

/**
 * The Gram matrix of (at least) the given photographs: kept in the cache's folder under span/, extended by what is
 * missing, and replaced as a whole, so that a kill leaves the one before.
 */
export async function openGram(
  cache: FeatureCache,
  digests: readonly string[],
  { log, onPair }: OpenGramOptions,
): Promise<Gram> {
  const folder = join(cache.folder, 'span');
  const { gram, damage } = await readGram(folder, cache.identity);
  if (damage !== null) log(`Computes the span anew: ${join(folder, MANIFEST)} is ${damage}.`);
  const extended = await extendGram(gram, cache, digests, onPair);
  if (extended !== gram) await writeGram(folder, cache.identity, extended);
  return extended;
}
