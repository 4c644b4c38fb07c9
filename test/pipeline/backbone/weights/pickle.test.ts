import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { NdArray, RefusedCall, unpickle } from '../../../../pipeline/backbone/weights/pickle.js';
import { readNumpy } from '../../../../pipeline/backbone/weights/numpy.js';
import { InputError } from '../../../../pipeline/errors.js';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** The .npy file of one object that a pickle describes. */
function npy(pickle: Buffer): Buffer {
  const header = "{'descr': '|O', 'fortran_order': False, 'shape': ()}".padEnd(117) + '\n';
  return Buffer.concat([latin1(`\x93NUMPY\x01\x00${String.fromCharCode(header.length)}\x00${header}`), pickle]);
}

/** numpy.core.multiarray._reconstruct and the state of an array, in protocol 2 as Python 2 writes it. */
function array(shape: number[], code: string, content: string, { order = '<', fortran = false } = {}): string {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(content.length);
  const sizes = shape.map((size) => `K${String.fromCharCode(size)}`).join('');
  const dtype = `cnumpy\ndtype\nU\x02${code}K\x00K\x01\x87R(K\x03U\x01${order}NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb`;
  const made = `cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R`;
  return `${made}(K\x01(${sizes}t${dtype}${fortran ? '\x88' : '\x89'}T${length.toString('latin1')}${content}tb`;
}

/** {conv1_1: [kernel, kernel]} */
function layers(kernel: string): Buffer {
  return npy(latin1(`\x80\x02}U\x07conv1_1]${kernel}a${kernel}as.`));
}

const read = (bytes: Buffer): unknown => readNumpy(bytes, 'x.npy')('conv1_1', 'kernel');

/** Whether the bytes are read, or refused as they should be. */
function isReadOrRefused(bytes: Buffer): boolean {
  try {
    read(bytes);
    return true;
  } catch (error) {
    return error instanceof InputError;
  }
}

describe('unpickle', () => {
  it('keeps every byte of a Python 2 string', () => {
    const every = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
    const value = unpickle(latin1(`\x80\x02${array([64], 'f4', every)}.`));
    expect(value).toBeInstanceOf(NdArray);
    expect(value).toMatchObject({ shape: [64], fortran: false, content: every, dtype: { code: 'f4', order: '<' } });
  });

  it.each([255, 2 ** 20, 2 ** 21 + 1])(
    'keeps every byte that Python 3 spells as text in protocol 2, of %i',
    (length) => {
      const bytes = Buffer.from(Array.from({ length }, (_, i) => i % 256));
      const spelt = Buffer.from(bytes.toString('latin1'), 'utf8');
      const size = Buffer.alloc(4);
      size.writeUInt32LE(spelt.length);
      const call = latin1('\x80\x02c_codecs\nencode\nX');
      const value = unpickle(Buffer.concat([call, size, spelt, latin1('X\x06\0\0\0latin1\x86R.')]));
      expect(typeof value === 'string' && latin1(value).equals(bytes)).toBe(true);
    },
  );

  it.each([
    ['cposix\nsystem\nU\x02id\x85R.', 'posix.system'],
    ['c__builtin__\neval\nU\x011\x85R.', '__builtin__.eval'],
    ['(iposix\nsystem\n.', 'posix.system'],
    ['cnumpy.core.multiarray\nfromfile\n.', 'numpy.core.multiarray.fromfile'],
    [`c${'a'.repeat(9000)}\nb\n.`, 'a'.repeat(80)],
  ])('refuses %j', (pickle, called) => {
    expect(() => unpickle(latin1(pickle))).toThrow(new RefusedCall(called));
  });

  it('refuses a negative length, which would lead it back for ever', () => {
    expect(() => unpickle(latin1('\x80\x02B\xfb\xff\xff\xff.'))).toThrow('a length of -5');
  });

  it('refuses an integer of megabytes', () => {
    const pickle = Buffer.concat([latin1('\x80\x02\x8b\x00\x12\x7a\x00'), Buffer.alloc(8_000_000, 1), latin1('.')]);
    expect(() => unpickle(pickle)).toThrow('an integer of 8000000 bytes');
  });

  it('refuses a length of 2^64 without a word on the console', () => {
    const warn = vi.spyOn(console, 'warn');
    expect(() => unpickle(latin1(`\x80\x04\x8e${'\xff'.repeat(8)}.`))).toThrow('a length of 18446744073709552000');
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  it.each([
    ['_codecs\nencode', '\x85R.'],
    ['numpy\ndtype', '\x85R.'],
  ])('does not spell out a list that holds itself twice, forty times over: %j', (name, call) => {
    const doubled = Array.from({ length: 40 }, () => '2\x86').join('');
    expect(() => unpickle(latin1(`\x80\x02c${name}\n]${doubled}${call}`))).toThrow(
      'something else in the place of text',
    );
  });
});

describe('readNumpy', () => {
  const two = latin1('\x00\x00\x80\x3f\x00\x00\x00\xc0').toString('latin1'); // 1, -2

  it.each([
    ['f4', two],
    ['f2', '\x00\x3c\x00\xc0'],
    ['f8', '\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\xc0'],
  ])('reads %s', (code, content) => {
    expect(read(layers(array([2], code, content)))).toEqual({ shape: [2], data: Float32Array.of(1, -2) });
  });

  it.each([
    [
      'Fortran order',
      array([2, 1], 'f4', two, { fortran: true }),
      "Fortran order in conv1_1's kernel",
      'Save it again in C order.',
    ],
    [
      'big-endian',
      array([2], 'f4', two, { order: '>' }),
      ">f4 in conv1_1's kernel",
      "Give the tutorial's vgg16.npy, whole.",
    ],
    ['integers', array([2], 'i4', two), "<i4 in conv1_1's kernel", "Give the tutorial's vgg16.npy, whole."],
    [
      'too few numbers',
      array([3], 'f4', two),
      "2 numbers for conv1_1's kernel of shape [3]",
      "Give the tutorial's vgg16.npy, whole.",
    ],
  ])('refuses %s', (_, kernel, found, fix) => {
    expect(() => read(layers(kernel))).toThrow(
      new InputError(`Expected a .npy file with a pickled dict of layers, got ${found} (x.npy). ${fix}`),
    );
  });

  it('a damaged file is an InputError, wherever the damage is', () => {
    const whole = layers(array([2], 'f4', two));
    const change = fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) });
    fc.assert(
      fc.property(fc.nat(whole.length), fc.array(change, { maxLength: 4 }), (length, changes) => {
        const bytes = Buffer.from(whole.subarray(0, length));
        for (const { at, byte } of changes) if (at < length) bytes[at] = byte;
        return isReadOrRefused(bytes);
      }),
      { numRuns: 3000 },
    );
    for (let length = 0; length < whole.length; length++) {
      expect(() => read(whole.subarray(0, length))).toThrow(InputError);
    }
  });
});
