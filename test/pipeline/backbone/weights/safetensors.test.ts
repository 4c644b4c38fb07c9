import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../../../pipeline/backbone/weights/safetensors.js';
import { InputError } from '../../../../pipeline/errors.js';

/** A file with this header and these bytes of tensors; `length` is what it says of its header. */
function file(header: unknown, data: Buffer, length?: bigint): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(length ?? BigInt(json.length));
  return Buffer.concat([start, json, data]);
}

const halves = Buffer.from([0x00, 0x3c, 0x00, 0xc0]); // 1, -2
const entry = { dtype: 'F16', shape: [2], data_offsets: [0, 4] };
const whole = file({ __metadata__: { format: 'np' }, 'conv1_1.bias': entry }, halves);

const read = (bytes: Buffer): unknown => readSafetensors(bytes, 'x')('conv1_1', 'bias');

function outcome(bytes: Buffer): string {
  try {
    const tensor = readSafetensors(bytes, 'x')('conv1_1', 'bias');
    if (tensor === undefined) return 'absent';
    return tensor.data.length === tensor.shape.reduce((a, b) => a * b, 1) ? 'whole' : 'torn';
  } catch (error) {
    return error instanceof InputError ? 'refused' : String(error);
  }
}

describe('readSafetensors', () => {
  it('reads float16 and float32, at whatever offset, and undefined for what is not there', () => {
    expect(read(whole)).toEqual({ shape: [2], data: Float32Array.of(1, -2) });
    const floats = Buffer.from([9, 0x00, 0x00, 0x80, 0x3f]); // an odd byte, then 1
    const single = file({ 'conv1_1.bias': { dtype: 'F32', shape: [1, 1], data_offsets: [1, 5] } }, floats);
    expect(read(single)).toEqual({ shape: [1, 1], data: Float32Array.of(1) });
    expect(readSafetensors(whole, 'x')('conv1_1', 'kernel')).toBeUndefined();
    expect(read(file('{"__proto__": {"conv1_1.bias": {}}}', halves))).toBeUndefined();
  });

  const form = 'a header entry of conv1_1.bias that is not float16 or float32 with shape and offsets';
  it.each([
    ['seven bytes', whole.subarray(0, 7), '7 bytes'],
    ['a header length beyond the file', file('{}', halves, 7n), 'a header of 7 bytes'],
    ['a header length of 2^64 - 1', file('{}', halves, 2n ** 64n - 1n), 'a header of 18446744073709552000 bytes'],
    ['a header length that is too short', file({ 'conv1_1.bias': entry }, halves, 20n), 'a header that is not JSON'],
    ['a header that is no object', file([1], halves), 'a header that is not JSON'],
    ['bfloat16', file({ 'conv1_1.bias': { ...entry, dtype: 'BF16' } }, halves), form],
    ['a negative offset', file({ 'conv1_1.bias': { ...entry, data_offsets: [-4, 0] } }, halves), form],
    ['an endless shape', file({ 'conv1_1.bias': { ...entry, shape: [2 ** 53] } }, halves), form],
    [
      'offsets the wrong way round',
      file({ 'conv1_1.bias': { ...entry, data_offsets: [4, 0] } }, halves),
      'conv1_1.bias at bytes 4 to 0 of 4, for shape [2] of F16',
    ],
    [
      'a shape of more numbers',
      file({ 'conv1_1.bias': { ...entry, shape: [3] } }, halves),
      'conv1_1.bias at bytes 0 to 4 of 4, for shape [3] of F16',
    ],
    ['missing bytes', whole.subarray(0, -1), 'conv1_1.bias at bytes 0 to 4 of 3, for shape [2] of F16'],
  ])('refuses %s', (_, bytes, found) => {
    expect(() => read(bytes)).toThrow(
      new InputError(`Expected a .safetensors file, got ${found} (x). The file is damaged: fetch it again.`),
    );
  });

  it('cut short anywhere, it is refused', () => {
    for (let length = 0; length < whole.length; length++) {
      expect(() => read(whole.subarray(0, length))).toThrow(InputError);
    }
  });

  it('with flipped bits it is refused, lacks the tensor, or gives as many numbers as its shape has', () => {
    const flip = fc.record({ at: fc.nat(whole.length - 1), bit: fc.nat(7) });
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 3 }), (flips) => {
        const bytes = Buffer.from(whole);
        for (const { at, bit } of flips) bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        expect(outcome(bytes)).toMatch(/^(refused|absent|whole)$/);
      }),
      { numRuns: 3000 },
    );
  });
});
