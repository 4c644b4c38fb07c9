import { randomUUID } from 'node:crypto';
import { Dataset, File, ready } from 'h5wasm/node';
import { InputError } from '../../errors.js';
import type { NamedTensor, TensorSource } from './weights.js';

/**
 * Reads VGG16 as Keras saves it (.h5), with or without the top. Kernels are HWIO and take BGR, as here.
 * @param bytes the whole file
 * @throws InputError where it is not an HDF5 file with those layers
 */
export async function readKeras(bytes: Uint8Array, origin: string): Promise<TensorSource> {
  const module = await ready;
  module.activate_throwing_error_handler(); // else HDF5 prints its own stack on stderr
  const name = `/${randomUUID()}.h5`;
  module.FS.writeFile(name, bytes);
  const tensors = new Map<string, NamedTensor>();
  try {
    const file = new File(name, 'r');
    try {
      for (const path of file.paths()) {
        const match = /block(\d)_conv(\d)(?:\/|_)(?:.*\/)?(?:.*_)?(?<part>kernel|bias|W|b)(?:_1)?(?::0)?$/.exec(path);
        const part = match?.groups?.['part'];
        const item = file.get(path);
        if (match === null || part === undefined || !(item instanceof Dataset) || item.shape === null) continue;
        const value: unknown = item.value;
        if (!(value instanceof Float32Array || value instanceof Float64Array)) continue;
        const key = `conv${match[1]}_${match[2]}.${part === 'kernel' || part === 'W' ? 'kernel' : 'bias'}`;
        tensors.set(key, { shape: item.shape, data: Float32Array.from(value) });
      }
    } finally {
      file.close();
    }
  } catch (error) {
    const fix = 'The file is damaged, or is no HDF5 file: fetch it again.';
    throw new InputError(
      { expected: "Keras's VGG16 (.h5)", found: 'a file that HDF5 cannot read', where: origin, fix },
      {
        cause: error,
      },
    );
  } finally {
    module.FS.unlink(name);
  }
  return (layer, part) => tensors.get(`${layer}.${part}`);
}
