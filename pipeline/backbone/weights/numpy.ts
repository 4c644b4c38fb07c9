import { BufferReader, Parser } from 'pickleparser';
import { InputError } from '../../errors.js';
import { fromFloat16 } from '../../float16.js';
import type { NamedTensor, TensorSource } from './weights.js';

/** numpy's data type as its pickle describes it, e.g. f4 in little-endian order. */
class Dtype {
  readonly code: string;
  order = '<';

  constructor(code: string) {
    this.code = code.replace(/^[<|=]/, '');
  }

  /** @param state (version, byte order, ...), as numpy.dtype.__reduce__ gives it */
  __setstate__(state: unknown[]): void {
    this.order = String(state[1]);
  }
}

/** numpy's array as its pickle describes it. */
class NdArray {
  shape: number[] = [];
  dtype = new Dtype('');
  /** Raw bytes, or for an array of objects the objects. */
  content: unknown = undefined;

  /** @param state (version, shape, dtype, Fortran order, content), as ndarray.__reduce__ gives it */
  __setstate__([, shape, dtype, fortran, content]: unknown[]): void {
    if (!Array.isArray(shape) || !(dtype instanceof Dtype)) throw new TypeError('an array without shape or dtype');
    if (fortran === true) throw new TypeError('an array in Fortran order');
    this.shape = shape.map(Number);
    this.dtype = dtype;
    this.content = content;
  }
}

/** Python 2 strings and latin-1 text are bytes; pickleparser would decode them as Windows-1252 and lose some. */
class RawStrings extends BufferReader {
  override string(size: number, encoding: 'ascii' | 'utf-8'): string {
    if (encoding === 'utf-8') return super.string(size, encoding);
    const bytes = this.bytes(size);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  }
}

/** All that a pickle of arrays calls. Anything else is refused, so that reading a file runs nothing of it. */
const CONSTRUCTORS = new Map<string, (...args: unknown[]) => unknown>([
  ['numpy.core.multiarray._reconstruct', () => new NdArray()],
  ['numpy._core.multiarray._reconstruct', () => new NdArray()],
  ['numpy.dtype', (code) => new Dtype(String(code))],
  ['_codecs.encode', (text) => Buffer.from(String(text), 'latin1')],
  ['numpy.ndarray', () => new NdArray()],
]);

/**
 * Reads the tutorial's vgg16.npy: a pickled dict, layer name -> [kernel (HWIO, BGR in), bias], written by Python 2 or
 * 3. Layers beyond the convolutions (fc6 to fc8) are passed over.
 * @throws InputError where the file is not of that form, or its pickle asks for anything but numpy's arrays
 */
export function readNumpy(bytes: Uint8Array, origin: string): TensorSource {
  const fault = (found: string, cause?: unknown): InputError =>
    new InputError(
      { expected: 'a .npy file with a pickled dict of layers', found, where: origin, fix: 'Nothing in it was run.' },
      { cause },
    );
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
    throw fault(error instanceof RefusedCall ? `a pickle that calls ${error.message}` : 'a damaged pickle', error);
  }
  const layers = contentOf(root);
  if (!(layers instanceof Map)) throw fault('a pickle of something else');

  return (layer, part): NamedTensor | undefined => {
    const pair: unknown = contentOf(layers.get(layer));
    if (!Array.isArray(pair)) return undefined;
    const array: unknown = pair[part === 'kernel' ? 0 : 1];
    if (!(array instanceof NdArray)) throw fault(`no array as ${layer}'s ${part}`);
    const data = numbersOf(array);
    if (data === undefined) throw fault(`${array.dtype.order}${array.dtype.code} in ${layer}'s ${part}`);
    if (data.length !== array.shape.reduce((product, size) => product * size, 1)) {
      throw fault(`${data.length} numbers for ${layer}'s ${part} of shape [${array.shape.join(', ')}]`);
    }
    return { shape: array.shape, data };
  };
}

class RefusedCall extends Error {}

function unpickle(bytes: Uint8Array): unknown {
  const nameResolver = {
    resolve(module: string, name: string) {
      const constructor = CONSTRUCTORS.get(`${module}.${name}`);
      if (constructor === undefined) throw new RefusedCall(`${module}.${name}`);
      return constructor;
    },
  };
  return new Parser({ nameResolver, unpicklingTypeOfDictionary: 'Map' }).read<unknown>(new RawStrings(bytes));
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
