import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { File } from 'h5wasm/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readKeras } from '../../../../pipeline/backbone/weights/keras.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pool5-kéras-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Entry {
  readonly path: string;
  readonly data: number[] | Float32Array;
  readonly dtype?: string;
}

/** An HDF5 file with these one-dimensional datasets, float32 unless they say otherwise. */
function write(name: string, entries: readonly Entry[]): string {
  const path = join(folder, name);
  const file = new File(path, 'w');
  for (const { path: to, data, dtype = '<f4' } of entries) {
    const groups = to.split('/').slice(0, -1);
    for (const [i] of groups.entries()) {
      const group = groups.slice(0, i + 1).join('/');
      if (file.get(group) === null) file.create_group(group);
    }
    file.create_dataset({ name: to, data: Float32Array.from(data), shape: [data.length], dtype });
  }
  file.close();
  return path;
}

const read = async (path: string): Promise<(number[] | undefined)[]> => {
  const source = await readKeras(path);
  const parts = [source('conv1_2', 'kernel'), source('conv1_2', 'bias')];
  return parts.map((tensor) => (tensor === undefined ? undefined : [...tensor.data]));
};

describe('readKeras', () => {
  it.each([
    ['published', 'block1_conv2/block1_conv2_W_1:0', 'block1_conv2/block1_conv2_b_1:0'],
    ['weights', 'block1_conv2/block1_conv2/kernel:0', 'block1_conv2/block1_conv2/bias:0'],
    ['model', 'model_weights/block1_conv2/block1_conv2_1/kernel:0', 'model_weights/block1_conv2/block1_conv2_1/bias:0'],
    ['keras3', 'model_weights/block1_conv2/block1_conv2/kernel', 'model_weights/block1_conv2/block1_conv2/bias'],
    ['inside', 'model_weights/vgg16/block1_conv2/kernel', 'model_weights/vgg16/block1_conv2/bias'],
    ['counted.weights', 'layers/conv2d_1/vars/0', 'layers/conv2d_1/vars/1'],
    ['counted-inside.weights', 'layers/functional/layers/conv2d_1/vars/0', 'layers/functional/layers/conv2d_1/vars/1'],
  ])('names of %s', async (name, kernel, bias) => {
    const entries = [
      { path: kernel, data: [1, 2] },
      { path: bias, data: [3] },
      { path: 'optimizer_weights/Adam/m/block1_conv2/kernel:0', data: [0, 0] },
      { path: 'optimizer_weights/Adam/m/block1_conv2/bias:0', data: [0] },
      { path: 'model_weights2/fc1/fc1/kernel:0', data: [9] },
    ];
    expect(await read(write(`${name}.h5`, entries))).toEqual([[1, 2], [3]]);
  });

  it('float64', async () => {
    const path = join(folder, 'f8.h5');
    const file = new File(path, 'w');
    file.create_group('block1_conv2');
    file.create_dataset({ name: 'block1_conv2/kernel:0', data: Float64Array.of(0.1, -2), shape: [2], dtype: '<f8' });
    file.close();
    expect(await read(path)).toEqual([[Math.fround(0.1), -2], undefined]);
  });

  it('refuses integers', async () => {
    const path = write('integers.h5', [{ path: 'block1_conv2/kernel:0', data: [1], dtype: '<i4' }]);
    await expect(readKeras(path)).rejects.toThrow(
      `Expected little-endian float16, float32 or float64 in block1_conv2/kernel:0, got numbers of another type (${path}). Save it again as float32.`,
    );
  });

  it('refuses a file with two VGG16s', async () => {
    const path = write('two.h5', [
      { path: 'a/block1_conv2/kernel', data: [1] },
      { path: 'b/block1_conv2/kernel', data: [2] },
    ]);
    await expect(readKeras(path)).rejects.toThrow(
      `Expected one conv1_2.kernel, got a/block1_conv2/kernel and b/block1_conv2/kernel (${path}). Save the VGG16 model alone.`,
    );
  });

  it('gives only the shape of a dataset larger than any kernel', async () => {
    const data = new Float32Array(9 * 512 * 512 + 1);
    const source = await readKeras(write('large.h5', [{ path: 'block1_conv2/kernel', data }]));
    expect(source('conv1_2', 'kernel')).toEqual({ shape: [data.length], data: new Float32Array() });
  });

  it('writes nothing, and says so where HDF5 cannot read the file', async () => {
    const before = await readdir('/');
    const path = join(folder, 'none.h5');
    await expect(readKeras(path)).rejects.toThrow(
      `Expected Keras's VGG16 (.h5), got a file that HDF5 cannot read (${path}). The file is damaged, or is no HDF5 file: fetch it again.`,
    );
    expect(await readdir('/')).toEqual(before);
  });
});
