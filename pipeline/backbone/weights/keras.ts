import { resolve } from 'node:path';
import { Dataset, File, ready } from 'h5wasm/node';
import { InputError } from '../../errors.js';
import { fromFloat16 } from '../../float16.js';
import { STACK } from '../vgg16.js';
import type { NamedTensor, TensorSource } from './weights.js';

type H5Module = Awaited<typeof ready>;

const CONVOLUTIONS = STACK.flatMap((layer) => (layer.kind === 'conv' ? [layer] : []));

/** A dataset with more numbers than any kernel of the stack is of another shape: it need not be read to be refused. */
const MOST_NUMBERS = Math.max(...CONVOLUTIONS.map(({ inputs, outputs }) => 9 * inputs * outputs));

/** block1_conv1/block1_conv1/kernel:0 (Keras 2), .../kernel (Keras 3), block1_conv1_W_1:0 (the published files). */
const NAMED = /(?:^|\/)block(\d)_conv(\d)\/(?:.*\/)?(?:block\d_conv\d_)?(kernel|bias|W|b)(?:_\d+)?(?::0)?$/;

/** Keras 3's .weights.h5 counts the layers of a class in the model's order: conv2d, conv2d_1, conv2d_2, ... */
const COUNTED = /(?:^|\/)layers\/conv2d(?:_(\d+))?\/vars\/([01])$/;

/**
 * Reads VGG16 as Keras saves it (.h5, .weights.h5), with or without the top, alone or inside another model. Kernels
 * are HWIO and take BGR, as here; float16, float32 or float64 (rounded to float32).
 * @throws InputError where it is not an HDF5 file, or names a layer twice
 */
export async function readKeras(path: string): Promise<TensorSource> {
  const module = await ready;
  let tensors: Map<string, NamedTensor>;
  try {
    module.activate_throwing_error_handler(); // else HDF5 prints its own stack on stderr
    const file = new File(resolve(path), 'r');
    try {
      tensors = readTensors(module, file, path);
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    const fix = 'The file is damaged, or is no HDF5 file: fetch it again.';
    throw new InputError(
      { expected: "Keras's VGG16 (.h5)", found: 'a file that HDF5 cannot read', where: path, fix },
      { cause: error },
    );
  }
  return (layer, part) => tensors.get(`${layer}.${part}`);
}

function readTensors(module: H5Module, file: File, origin: string): Map<string, NamedTensor> {
  // An optimizer's moments have the names and shapes of the weights.
  const paths = file.paths().filter((path) => !/^\/?optimizer/.test(path));
  const byName = paths.flatMap((path) => entry(path, nameOf(path)));
  const entries = byName.length > 0 ? byName : paths.flatMap((path) => entry(path, countedName(path)));
  const found = new Map<string, string>();
  const tensors = new Map<string, NamedTensor>();
  for (const { path, name } of entries) {
    const dataset = file.get(path);
    if (!(dataset instanceof Dataset)) continue;
    const other = found.get(name);
    if (other !== undefined) {
      const fix = 'Save the VGG16 model alone.';
      throw new InputError({ expected: `one ${name}`, found: `${other} and ${path}`, where: origin, fix });
    }
    found.set(name, path);
    tensors.set(name, readTensor(module, dataset, path, origin));
  }
  return tensors;
}

function entry(path: string, name: string | undefined): { path: string; name: string }[] {
  return name === undefined ? [] : [{ path, name }];
}

function nameOf(path: string): string | undefined {
  const [, block, conv, part] = NAMED.exec(path) ?? [];
  if (part === undefined) return undefined;
  return `conv${block}_${conv}.${part === 'kernel' || part === 'W' ? 'kernel' : 'bias'}`;
}

function countedName(path: string): string | undefined {
  const [, index = '0', part] = COUNTED.exec(path) ?? [];
  const layer = CONVOLUTIONS[Number(index)];
  if (part === undefined || layer === undefined) return undefined;
  return `${layer.name}.${part === '0' ? 'kernel' : 'bias'}`;
}

/** h5wasm's own `value` knows no float16 and passes over the byte order, so the bytes are taken as they lie. */
function readTensor(module: H5Module, dataset: Dataset, path: string, origin: string): NamedTensor {
  const { shape, size, total_size: count, type, littleEndian } = dataset.metadata;
  if (shape === null || count > MOST_NUMBERS) return { shape: shape ?? [], data: new Float32Array() };
  if (type !== module.H5T_class_t.H5T_FLOAT.value || ![2, 4, 8].includes(size) || !littleEndian) {
    throw new InputError({
      expected: `little-endian float16, float32 or float64 in ${path}`,
      found: 'numbers of another type',
      where: origin,
      fix: 'Save it again as float32.',
    });
  }
  // oxlint-disable no-underscore-dangle -- Emscripten's names
  const pointer = module._malloc(size * count);
  try {
    module.get_dataset_data(dataset.file_id, dataset.path, null, null, null, BigInt(pointer));
    const { buffer } = module.HEAPU8.slice(pointer, pointer + size * count);
    if (size === 2) return { shape, data: fromFloat16(new Uint16Array(buffer)) };
    return { shape, data: size === 4 ? new Float32Array(buffer) : Float32Array.from(new Float64Array(buffer)) };
  } finally {
    module._free(pointer);
  }
}
