import { z } from 'zod';
import { InputError } from '../../errors.js';
import { fromFloat16 } from '../../float16.js';
import type { NamedTensor, TensorSource } from './weights.js';

const entrySchema = z.object({
  dtype: z.enum(['F16', 'F32']),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

const headerSchema = z.record(z.string(), z.unknown());

/** A longer header is not VGG16's (the format itself allows 100 MB). */
const LONGEST_HEADER = 10_000_000;

/**
 * Reads a .safetensors file: eight bytes of header length, a JSON header, the tensors. Tensors are called
 * conv1_1.kernel (HWIO, BGR in) and conv1_1.bias, float16 or float32.
 * @throws InputError where the file is not of that form
 */
export function readSafetensors(bytes: Uint8Array, origin: string): TensorSource {
  const fault = (found: string): InputError =>
    new InputError({
      expected: 'a .safetensors file',
      found,
      where: origin,
      fix: 'The file is damaged: fetch it again.',
    });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8) throw fault(`${bytes.length} bytes`);
  const length = Number(view.getBigUint64(0, true));
  if (length > LONGEST_HEADER || 8 + length > bytes.length) throw fault(`a header of ${length} bytes`);
  let header: Record<string, unknown>;
  try {
    header = headerSchema.parse(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))));
  } catch {
    throw fault('a header that is not JSON');
  }
  const data = bytes.subarray(8 + length);

  return (layer, part): NamedTensor | undefined => {
    const name = `${layer}.${part}`;
    if (!Object.hasOwn(header, name)) return undefined;
    const entry = entrySchema.safeParse(header[name]);
    if (!entry.success) throw fault(`a header entry of ${name} that is not float16 or float32 with shape and offsets`);
    const { dtype, shape } = entry.data;
    const [begin, end] = entry.data.data_offsets;
    const count = shape.reduce((product, size) => product * size, 1);
    if (end > data.length || end - begin !== count * (dtype === 'F16' ? 2 : 4)) {
      throw fault(`${name} at bytes ${begin} to ${end} of ${data.length}, for shape [${shape.join(', ')}] of ${dtype}`);
    }
    const copy = new Uint8Array(data.subarray(begin, end)); // aligned
    const values = dtype === 'F16' ? fromFloat16(new Uint16Array(copy.buffer)) : new Float32Array(copy.buffer);
    return { shape, data: values };
  };
}
