import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, errorMessage, InputError } from '../../errors.js';
import { PACKAGE_ROOT } from '../../package-root.js';
import { readSafetensors } from './safetensors.js';
import { assembleWeights, type TensorSource, type Weights } from './weights.js';

const EMBEDDED = join(PACKAGE_ROOT, 'pipeline/backbone/weights/vgg16-conv-f16.safetensors');

const EMBEDDED_ORIGIN = 'embedded VGG16 (float16)';

const HDF5 = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');
const NPY = Buffer.from('\x93NUMPY', 'latin1');

/**
 * Opens the weights of the stack.
 * @param spec a file (.npy, .h5 or .safetensors, told apart by content), random:SEED, or undefined for the embedded ones
 * @throws InputError where the file is missing, damaged, or holds other layers
 */
export async function openWeights(spec: string | undefined): Promise<Weights> {
  if (spec === undefined) {
    return assembleWeights(readSafetensors(await readFile(EMBEDDED), EMBEDDED), EMBEDDED_ORIGIN);
  }
  const seed = /^random:(.+)$/.exec(spec)?.[1];
  if (seed !== undefined) return assembleWeights((await import('./random.js')).drawWeights(seed), spec, true);
  let start: Buffer;
  try {
    start = await startOf(spec);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw noFile(errorCode(error) === 'ENOENT' ? 'no such file' : errorMessage(error), spec);
  }
  return assembleWeights(await read(spec, start), spec);
}

function noFile(found: string, where: string): InputError {
  return new InputError({ expected: 'a file of weights, or random:SEED', found, where, fix: 'Check --weights.' });
}

/** The bytes that tell the kinds of files apart. */
async function startOf(path: string): Promise<Buffer> {
  const stats = await stat(path);
  if (stats.isDirectory()) throw noFile('a folder', path);
  if (!stats.isFile()) throw noFile('a pipe or device', path); // a pipe can wait for ever, and is read once only
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function read(path: string, start: Buffer): Promise<TensorSource> {
  if (start.subarray(0, HDF5.length).equals(HDF5)) return (await import('./keras.js')).readKeras(path);
  if (start.subarray(0, NPY.length).equals(NPY)) {
    return (await import('./numpy.js')).readNumpy(await contentOf(path), path);
  }
  if (start[8] === '{'.charCodeAt(0)) return readSafetensors(await contentOf(path), path);
  throw new InputError({
    expected: 'a .npy, .h5 or .safetensors file',
    found: start.length === 0 ? 'an empty file' : 'a file of another kind',
    where: path,
    fix: 'Check --weights.',
  });
}

async function contentOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errorCode(error) !== 'ERR_FS_FILE_TOO_LARGE') throw error;
    const found = 'more than 2 GiB';
    throw new InputError(
      { expected: 'weights of VGG16', found, where: path, fix: 'Check --weights.' },
      { cause: error },
    );
  }
}

/** Weights by name: the digest decides whether features are stale, and most runs need no more. */
export type IdentifiedWeights = Pick<Weights, 'digest' | 'origin' | 'random'> & { load(): Promise<Weights> };

/** Digest of the embedded weights: reading and hashing 59 MB to learn it would cost each run 0.4 s. */
const EMBEDDED_DIGEST = 'b436d216aaced47ce93513eba2f17a8ed7efe26c68eaa1a88f16821abbbc35f6';

/**
 * Like openWeights, but loads the embedded weights only on demand.
 * @throws InputError as openWeights does; `load` where the embedded file is damaged
 */
export async function identifyWeights(spec: string | undefined): Promise<IdentifiedWeights> {
  if (spec !== undefined) {
    const weights = await openWeights(spec);
    return { ...weights, load: async () => weights };
  }
  const load = async (): Promise<Weights> => {
    const weights = await openWeights(undefined);
    if (weights.digest === EMBEDDED_DIGEST) return weights;
    throw new InputError({
      expected: 'the embedded weights as they were published',
      found: `digest ${weights.digest.slice(0, 12)}`,
      where: EMBEDDED,
      fix: 'The file is damaged: install pool5 again.',
    });
  };
  return { digest: EMBEDDED_DIGEST, origin: EMBEDDED_ORIGIN, random: false, load };
}
