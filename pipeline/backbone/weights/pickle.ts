import { transcode } from 'node:buffer';
import { BufferReader, Parser } from 'pickleparser';

/** numpy's data type as its pickle describes it, e.g. f4 in little-endian order. */
class Dtype {
  readonly code: string;
  order = '<';

  constructor(code: unknown) {
    this.code = text(code).replace(/^[<|=]/, '');
  }

  /** @param state (version, byte order, ...), as numpy.dtype.__reduce__ gives it */
  __setstate__(state: unknown[]): void {
    this.order = text(state[1]);
  }
}

/** numpy's array as its pickle describes it. */
export class NdArray {
  shape: number[] = [];
  dtype = new Dtype('');
  /** True where the first index varies fastest. */
  fortran = false;
  /** Raw bytes, as such or as latin-1 text, or for an array of objects the objects. */
  content: unknown = undefined;

  /** @param state (version, shape, dtype, Fortran order, content), as ndarray.__reduce__ gives it */
  __setstate__([, shape, dtype, fortran, content]: unknown[]): void {
    if (!isShape(shape) || !(dtype instanceof Dtype)) throw new TypeError('an array without shape or dtype');
    this.shape = shape;
    this.dtype = dtype;
    this.fortran = fortran === true || fortran === 1;
    this.content = content;
  }
}

/** The pickle calls something that is not a constructor of numpy's arrays. The message names it. */
export class RefusedCall extends Error {}

/**
 * All that a pickle of arrays calls. Anything else is refused, so that reading a file runs nothing of it. Arguments
 * are never turned into text unless they are text: a list of lists that share their items would grow without end.
 */
const CONSTRUCTORS = new Map<string, (...args: unknown[]) => unknown>([
  ['numpy.core.multiarray._reconstruct', () => new NdArray()],
  ['numpy._core.multiarray._reconstruct', () => new NdArray()],
  ['numpy.ndarray', () => new NdArray()],
  ['numpy.dtype', (code) => new Dtype(code)],
  ['_codecs.encode', (bytes) => text(bytes)], // how Python 3 writes bytes in protocol 2
]);

/**
 * Reads a pickle (protocol 0 to 5) of dicts, lists, numbers, text and numpy arrays; a dict becomes a Map.
 * @throws RefusedCall, or another Error where the pickle is damaged
 */
export function unpickle(bytes: Uint8Array): unknown {
  const nameResolver = {
    resolve(module: string, name: string) {
      const called = `${text(module)}.${text(name)}`;
      const constructor = CONSTRUCTORS.get(called);
      if (constructor === undefined) throw new RefusedCall(called.slice(0, 80));
      return constructor;
    },
  };
  return new Parser({ nameResolver, unpicklingTypeOfDictionary: 'Map' }).read<unknown>(new CheckedReader(bytes));
}

/**
 * Text from this many bytes on is what an array holds, spelt as text (see _codecs.encode). The 411 MB of fc6 are 616 MB
 * of UTF-8, which no decoder of Node takes at once; so it goes to latin-1 before it becomes a string.
 */
const LONG_TEXT = 2 ** 20;

/** pickleparser's reader, made fit for files that mean harm or are damaged. */
class CheckedReader extends BufferReader {
  readonly #bytes: Buffer;
  #afterUint32 = -1;

  constructor(bytes: Uint8Array) {
    super(bytes);
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Python 2 strings and latin-1 text are bytes; pickleparser would decode them as Windows-1252 and lose some. */
  override string(size: number, encoding: 'ascii' | 'utf-8'): string {
    if (encoding === 'utf-8') this.#afterUint32 = -1;
    if (encoding === 'utf-8' && size < LONG_TEXT) return super.string(size, encoding);
    const start = this.position;
    this.skip(size);
    const bytes = this.#bytes.subarray(start, this.position);
    return (encoding === 'utf-8' ? transcode(bytes, 'utf8', 'latin1') : bytes).toString('latin1');
  }

  /** A negative length (BINBYTES has a signed one) would lead back to what was read, and never end. */
  override skip(offset: number): void {
    if (offset < 0) throw new RangeError(`a length of ${offset}`);
    super.skip(offset);
  }

  override uint32(): number {
    const value = super.uint32();
    this.#afterUint32 = this.position;
    return value;
  }

  /** LONG4 takes bytes right after a uint32; an integer of megabytes would keep pickleparser busy for hours. */
  override bytes(length: number): Uint8Array | Int8Array | Uint8ClampedArray {
    if (this.position === this.#afterUint32 && length > 8) throw new RangeError(`an integer of ${length} bytes`);
    return super.bytes(length);
  }

  /** pickleparser would warn on the console of a length that no file has. */
  override uint64(): number {
    const start = this.position;
    this.skip(8);
    const value = Number(this.#bytes.readBigUInt64LE(start));
    if (value > this.#bytes.length) throw new RangeError(`a length of ${value}`);
    return value;
  }
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('something else in the place of text');
  return value;
}

function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
