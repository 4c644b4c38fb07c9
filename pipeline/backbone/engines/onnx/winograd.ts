import type { ConvLayer } from '../../vgg16.js';
import type { ConvWeights } from '../../weights/weights.js';
import type { ModelBuilder } from './model.js';

/**
 * Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015,
 * section 4.3) in operations that onnxruntime runs fast. A tile of 4x4 outputs takes 36 multiplications for each pair
 * of channels where a direct convolution takes 144.
 *
 * Activations lie as [H, n, W, C]. A transform along an axis is one dense matrix over the whole axis, its zeros
 * included: that costs fewer cycles than moving tiles about, and it holds the padding and the cropping. Along W it is
 * a product batched over [H, n]; then the tile's column j is brought to the front, and along H it is a product batched
 * over j. What is left is in the order [j, i, tile, C], ready for 36 products with the kernels. Only contiguous runs of
 * W/4 x C (or half as many) numbers are ever moved. No sum but that over channels depends on the size of the batch, and
 * onnxruntime adds up channels in the same order whatever the number of rows, so that a picture's bits do not depend on
 * its batch.
 */

/** Rows: what each of a tile's 6 values is, from 6 inputs in a row. */
const INPUT_TRANSFORM = [
  [4, 0, -5, 0, 1, 0],
  [0, -4, -4, 1, 1, 0],
  [0, 4, -4, -1, 1, 0],
  [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0],
  [0, 4, 0, -5, 0, 1],
];

/** Rows: what each of the 6 is, from 3 taps of a kernel. */
const KERNEL_TRANSFORM = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
];

/** Rows: what each of 4 outputs is, from the 6. */
const OUTPUT_TRANSFORM = [
  [1, 1, 1, 1, 1, 0],
  [0, 1, -1, 2, -2, 0],
  [0, 1, 1, 4, 4, 0],
  [0, 1, -1, 8, -8, 1],
];

/** NCHW to [H, n, W, C]. */
export function toPlanes(model: ModelBuilder, input: string): string {
  return model.node('planes', 'Transpose', [input], { perm: [2, 0, 3, 1] });
}

/** [H, n, W, C] to NHWC. */
export function fromPlanes(model: ModelBuilder, input: string, name: string): string {
  return model.node(name, 'Transpose', [input], { perm: [1, 0, 2, 3] });
}

/** A 3x3 convolution with bias and relu over [size, n, size, inputs], giving [size, n, size, outputs]. */
export function winogradConvolution(
  model: ModelBuilder,
  input: string,
  { name, inputs, outputs }: ConvLayer,
  size: number,
  { kernel, bias }: ConvWeights,
): string {
  const tiles = Math.ceil(size / 4);
  const parts = tiles % 2 === 0 && size === 4 * tiles ? 2 : 1; // halves of the picture share no output: fewer zeros
  const per = tiles / parts;
  const toColumns = model.constant(`${name}.to_columns`, [6 * tiles, size], inputMatrix(size, 1));
  const toRows = model.constant(`${name}.to_rows`, [6 * tiles, size], inputMatrix(size, parts));
  const join = model.constant(`${name}.join`, [size / parts, 6 * per], outputMatrix(size / parts));

  const columns = model.node(`${name}.columns`, 'MatMul', [toColumns, input]); // [H, n, 6 tiles, C]
  const split = model.reshape(`${name}.split`, columns, [-1, 6, tiles * inputs]);
  const front = model.node(`${name}.front`, 'Transpose', [split], { perm: [1, 0, 2] }); // [6, H n, tiles C]
  const wide = model.reshape(`${name}.wide`, front, [6, size, -1]);
  const rows = model.node(`${name}.rows`, 'MatMul', [toRows, wide]); // [6, parts 6 per, n tiles C]

  const points = model.reshape(`${name}.points`, rows, [6, parts, 6, -1, inputs]);
  const products = model.node(`${name}.products`, 'MatMul', [points, kernels(model, name, inputs, outputs, kernel)]);

  const tall = model.reshape(`${name}.tall`, products, [6, parts, 6 * per, -1]);
  const joinedRows = model.node(`${name}.joined_rows`, 'MatMul', [join, tall]); // [6, parts, H / parts, n tiles K]
  const lines = model.reshape(`${name}.lines`, joinedRows, [6, -1, parts, per * outputs]);
  const back = model.node(`${name}.back`, 'Transpose', [lines], { perm: [1, 2, 0, 3] }); // [H n, parts, 6, per K]
  const tiled = model.reshape(`${name}.tiled`, back, [size, -1, 6 * per, outputs]);
  const joined = model.node(`${name}.joined`, 'MatMul', [join, tiled]); // [H, n parts, W / parts, K]

  const sum = model.node(`${name}.sum`, 'Add', [joined, model.constant(`${name}.bias`, [outputs], bias)]);
  const result = model.node(`${name}.relu`, 'Relu', [sum]);
  return model.reshape(name, result, [size, -1, size, outputs]);
}

/** A 2x2 maximum with stride 2 over [size, n, size, C]: first of rows, then of columns. */
export function winogradPool(model: ModelBuilder, input: string, name: string, size: number, channels: number): string {
  const pair = { kernel_shape: [2, 1], strides: [2, 1] };
  const rows = model.reshape(`${name}.rows`, input, [size / 2, 1, 2, -1]);
  const fewer = model.node(`${name}.fewer_rows`, 'MaxPool', [rows], pair);
  const columns = model.reshape(`${name}.columns`, fewer, [-1, 1, 2, channels]);
  const narrow = model.node(`${name}.fewer_columns`, 'MaxPool', [columns], pair);
  return model.reshape(name, narrow, [size / 2, -1, size / 2, channels]);
}

/** Kernels [6, 1, 6, inputs, outputs] of the products, from HWIO: onnxruntime computes them as it loads the graph. */
function kernels(model: ModelBuilder, name: string, inputs: number, outputs: number, kernel: Float32Array): string {
  const taps = model.constant(`${name}.kernel`, [9, inputs * outputs], kernel);
  const transform = Float32Array.from({ length: 36 * 9 }, (_, at) => {
    const [point, tap] = [Math.floor(at / 9), at % 9];
    const [j, i] = [Math.floor(point / 6), point % 6];
    return entry(KERNEL_TRANSFORM, i, Math.floor(tap / 3)) * entry(KERNEL_TRANSFORM, j, tap % 3);
  });
  const matrix = model.constant(`${name}.transform`, [36, 9], transform);
  const transformed = model.node(`${name}.transformed`, 'MatMul', [matrix, taps]);
  return model.reshape(`${name}.kernels`, transformed, [6, 1, 6, inputs, outputs]);
}

/**
 * [6 tiles, size], rows in the order (part of the tiles, one of the 6, tile of the part): inputs 4 tile - 1 to
 * 4 tile + 4, zero outside.
 */
function inputMatrix(size: number, parts: number): Float32Array {
  const tiles = Math.ceil(size / 4);
  const per = tiles / parts;
  return Float32Array.from({ length: 6 * tiles * size }, (_, at) => {
    const [row, position] = [Math.floor(at / size), at % size];
    const tile = Math.floor(row / (6 * per)) * per + (row % per);
    const offset = position - 4 * tile + 1;
    return offset >= 0 && offset < 6 ? entry(INPUT_TRANSFORM, Math.floor(row / per) % 6, offset) : 0;
  });
}

/** [size, 6 tiles], columns in the order (one of the 6, tile). */
function outputMatrix(size: number): Float32Array {
  const tiles = Math.ceil(size / 4);
  return Float32Array.from({ length: size * 6 * tiles }, (_, at) => {
    const [position, column] = [Math.floor(at / (6 * tiles)), at % (6 * tiles)];
    const own = Math.floor(position / 4) === column % tiles;
    return own ? entry(OUTPUT_TRANSFORM, position % 4, Math.floor(column / tiles)) : 0;
  });
}

function entry(matrix: readonly (readonly number[])[], row: number, column: number): number {
  return matrix[row]?.[column] ?? NaN;
}
