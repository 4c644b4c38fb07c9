import { InputError } from '../../errors.js';
import { fromFloat16 } from '../../float16.js';
import { NdArray, RefusedCall, unpickle } from './pickle.js';
import type { NamedTensor, TensorSource } from './weights.js';

/**
 * Reads the tutorial's vgg16.npy: a pickled dict, layer name -> [kernel (HWIO, BGR in), bias], written by Python 2 or
 * 3. Layers beyond the convolutions (fc6 to fc8) are passed over.
 * @throws InputError where the file is not of that form, or its pickle asks for anything but numpy's arrays
 */
export function readNumpy(bytes: Uint8Array, origin: string): TensorSource {
  const fault = (found: string, fix = "Give the tutorial's vgg16.npy, whole.", cause?: unknown): InputError =>
    new InputError({ expected: 'a .npy file with a pickled dict of layers', found, where: origin, fix }, { cause });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12) throw fault(`${bytes.length} bytes`);
  const long = (bytes[6] ?? 1) >= 2;
  const start = long ? 12 + view.getUint32(8, true) : 10 + view.getUint16(8, true);
  const header = Buffer.from(bytes.subarray(long ? 12 : 10, start)).toString('latin1');
  if (!/'descr': *'\|O'/.test(header)) throw fault('an array of numbers or a damaged header');
  let root: unknown;
  try {
    root = unpickle(bytes.subarray(start));
  } catch (error) {
    if (!(error instanceof RefusedCall)) throw fault('a damaged pickle', undefined, error);
    throw fault(`a pickle that calls ${error.message}`, 'Nothing in it was run.', error);
  }
  const layers = contentOf(root);
  if (!(layers instanceof Map)) throw fault('a pickle of something else');

  return (layer, part): NamedTensor | undefined => {
    const pair: unknown = contentOf(layers.get(layer));
    if (!Array.isArray(pair)) return undefined;
    const array: unknown = pair[part === 'kernel' ? 0 : 1];
    if (!(array instanceof NdArray)) throw fault(`no array as ${layer}'s ${part}`);
    const data = numbersOf(array);
    if (array.fortran) throw fault(`Fortran order in ${layer}'s ${part}`, 'Save it again in C order.');
    if (data === undefined) throw fault(`${array.dtype.order}${array.dtype.code} in ${layer}'s ${part}`);
    if (data.length !== array.shape.reduce((product, size) => product * size, 1)) {
      throw fault(`${data.length} numbers for ${layer}'s ${part} of shape [${array.shape.join(', ')}]`);
    }
    return { shape: array.shape, data };
  };
}

/** What an array of one object holds; anything else as it is. */
function contentOf(value: unknown): unknown {
  if (!(value instanceof NdArray)) return value;
  const content = value.content;
  return Array.isArray(content) && value.shape.length === 0 ? content[0] : content;
}

function numbersOf({ dtype, content }: NdArray): Float32Array | undefined {
  if (dtype.order === '>') return undefined;
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
  if (!(bytes instanceof Uint8Array)) return undefined;
  const buffer = new Uint8Array(bytes).buffer; // aligned
  if (dtype.code === 'f4' && bytes.length % 4 === 0) return new Float32Array(buffer);
  if (dtype.code === 'f8' && bytes.length % 8 === 0) return Float32Array.from(new Float64Array(buffer));
  if (dtype.code === 'f2' && bytes.length % 2 === 0) return fromFloat16(new Uint16Array(buffer));
  return undefined;
}
