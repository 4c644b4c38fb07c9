import { inStretches } from '../../../event-loop.js';
import { FEATURE_SHAPE, IMAGE_SIZE, MEAN_RGB, STACK, type ConvLayer } from '../../vgg16.js';
import type { ConvWeights, Weights } from '../../weights/weights.js';
import { FLOAT, layerWeights, ModelBuilder, UINT8, type Port } from './model.js';
import { fromPlanes, toPlanes, winogradConvolution, winogradPool } from './winograd.js';

/** Names of a graph's input and output. */
export const INPUT = 'pixels';
export const OUTPUT = 'features';

export const INPUT_PORT: Port = { name: INPUT, elemType: UINT8, shape: [IMAGE_SIZE, IMAGE_SIZE, 3] };
export const OUTPUT_PORT: Port = { name: OUTPUT, elemType: FLOAT, shape: FEATURE_SHAPE };

/** The first layer that Winograd's convolutions gain on: earlier ones have large pictures of few channels. */
const WINOGRAD_FROM = 'conv3_1';

/** Channels of all convolutions together. */
export const CHANNELS = STACK.reduce((sum, layer) => sum + (layer.kind === 'conv' ? layer.outputs : 0), 0);

/**
 * The stack as an ONNX model (opset 17): uint8 NHWC RGB [n, 224, 224, 3] in, float32 NHWC [n, 7, 7, 512] out. The mean
 * is subtracted inside; the swap from RGB to BGR is a swap of conv1_1's input channels.
 * @returns the serialized ModelProto
 */
export async function buildGraph(weights: Weights, kind: 'direct' | 'winograd' = 'direct'): Promise<Uint8Array> {
  const turn = inStretches();
  const model = new ModelBuilder();
  let last = centredPixels(model);
  let size = IMAGE_SIZE;
  let channels = 3;
  let planes = false;
  for (const layer of STACK) {
    await turn();
    if (layer.name === WINOGRAD_FROM && kind === 'winograd') {
      planes = true;
      last = toPlanes(model, last);
    }
    if (layer.kind === 'conv') {
      const tensors = layerWeights(weights, layer.name);
      last = planes
        ? winogradConvolution(model, last, layer, size, tensors)
        : directConvolution(model, last, layer, tensors);
      channels = layer.outputs;
    } else {
      last = planes ? winogradPool(model, last, layer.name, size, channels) : directPool(model, last, layer.name);
      size /= 2;
    }
  }
  if (planes) fromPlanes(model, last, OUTPUT);
  else model.node(OUTPUT, 'Transpose', [last], { perm: [0, 2, 3, 1] });
  return model.build(INPUT_PORT, OUTPUT_PORT);
}

/**
 * The stack with another output: the maximum of each channel of each convolution after relu, float32 [n, CHANNELS].
 * @returns the serialized ModelProto
 */
export async function buildMaximaGraph(weights: Weights): Promise<Uint8Array> {
  const turn = inStretches();
  const model = new ModelBuilder();
  const maxima: string[] = [];
  let last = centredPixels(model);
  for (const layer of STACK) {
    await turn();
    if (layer.kind === 'pool') {
      last = directPool(model, last, layer.name);
      continue;
    }
    last = directConvolution(model, last, layer, layerWeights(weights, layer.name));
    maxima.push(model.node(`${layer.name}.maximum`, 'ReduceMax', [last], { axes: [2, 3], keepdims: 0 }));
  }
  model.node(OUTPUT, 'Concat', maxima, { axis: 1 });
  return model.build(INPUT_PORT, { name: OUTPUT, elemType: FLOAT, shape: [CHANNELS] });
}

/** The input as float32 NCHW RGB, the mean subtracted. */
export function centredPixels(model: ModelBuilder): string {
  const planes = model.node('channels', 'Transpose', [INPUT], { perm: [0, 3, 1, 2] }); // as bytes: a quarter to move
  const float = model.node('float', 'Cast', [planes], { to: FLOAT });
  return model.node('input', 'Sub', [float, model.constant('mean', [3, 1, 1], Float32Array.from(MEAN_RGB))]);
}

/** A 3x3 convolution with relu over NCHW. */
export function directConvolution(
  model: ModelBuilder,
  input: string,
  { name, inputs, outputs }: ConvLayer,
  { kernel, bias }: ConvWeights,
): string {
  const k = model.constant(`${name}.kernel`, [outputs, inputs, 3, 3], toOihw(kernel, inputs, outputs));
  const b = model.constant(`${name}.bias`, [outputs], bias);
  const sum = model.node(`${name}.sum`, 'Conv', [input, k, b], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  return model.node(name, 'Relu', [sum]);
}

/** NCHW, float32 or uint8. */
export function directPool(model: ModelBuilder, input: string, name: string): string {
  return model.node(name, 'MaxPool', [input], { kernel_shape: [2, 2], strides: [2, 2] });
}

/** HWIO to OIHW; three input channels are conv1_1's, which the file has in BGR order and the graph in RGB. */
function toOihw(kernel: Float32Array, inputs: number, outputs: number): Float32Array {
  const result = new Float32Array(kernel.length);
  for (let tap = 0; tap < 9; tap++) {
    for (let i = 0; i < inputs; i++) {
      const to = inputs === 3 ? 2 - i : i;
      const from = (tap * inputs + i) * outputs;
      for (let o = 0; o < outputs; o++) result[(o * inputs + to) * 9 + tap] = kernel[from + o] ?? NaN;
    }
  }
  return result;
}
