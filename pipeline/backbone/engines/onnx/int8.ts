import { inStretches } from '../../../event-loop.js';
import { InputError } from '../../../errors.js';
import { STACK, type ConvLayer } from '../../vgg16.js';
import type { ConvWeights, Weights } from '../../weights/weights.js';
import { centredPixels, directConvolution, directPool, INPUT_PORT, OUTPUT, OUTPUT_PORT } from './graph.js';
import { layerWeights, ModelBuilder } from './model.js';
import { quantizeKernel } from './quantize.js';
import type { Ranges } from './ranges.js';

/** Largest uint8. */
const LEVELS = 255;

/**
 * Ranges reach beyond the largest activation that was measured: on 60 other photographs the features' worst error fell
 * from 7.7% to 5.0%, for a mean of 3.2% instead of 2.9%.
 */
const HEADROOM = 1.15;

/** The zero point of everything: activations are never negative, and kernels are symmetric. */
const ZERO = 'zero';

/** A channel that hardly ever fires would get a step so small that its readers' weights lose precision. */
const LEAST_OF_MEDIAN = 0.05;

/** How a layer's activations lie in uint8: channel c holds multiples of step x scale[c]. */
interface Activations {
  readonly step: number;
  readonly scale: Float32Array;
}

/**
 * The stack with 8-bit multiplications: conv1_1 in float32, the others with uint8 activations and int8 kernels, whose
 * sums are exact in 32 bits. The scales of channels are halfway, as square roots, between one for all and one for
 * each: what a channel's activations lose in precision, its weights in the next layer gain (Xiao et al., "SmoothQuant",
 * 2022, equation 4 with alpha 1/2). Relu is the clipping at 0. Ranges hold the maximum: to clip 1 activation in 10,000
 * raises the features' error by half, since the pools pass on just those.
 * @returns the serialized ModelProto
 */
export async function buildInt8Graph(weights: Weights, ranges: Ranges): Promise<Uint8Array> {
  const turn = inStretches();
  const model = new ModelBuilder();
  model.constant(ZERO, [], Uint8Array.of(0));
  let last = centredPixels(model);
  let activations: Activations | undefined;
  for (const layer of STACK) {
    await turn();
    if (layer.kind === 'pool') {
      last = directPool(model, last, layer.name);
      continue;
    }
    const tensors = layerWeights(weights, layer.name);
    const output = activationsOf(layer, ranges);
    if (activations === undefined) {
      const float = directConvolution(model, last, layer, divided(tensors, output.scale));
      const step = model.constant(`${layer.name}.step`, [], Float32Array.of(output.step));
      last = model.node(`${layer.name}.quantized`, 'QuantizeLinear', [float, step, ZERO]);
    } else {
      last = int8Convolution(model, last, layer, tensors, activations, output);
    }
    activations = output;
  }
  const { step, scale } = activations ?? { step: NaN, scale: new Float32Array() };
  const nhwc = model.node('nhwc', 'Transpose', [last], { perm: [0, 2, 3, 1] });
  const steps = model.constant(
    'nhwc.steps',
    [scale.length],
    scale.map((each) => each * step),
  );
  const zeros = model.constant('nhwc.zeros', [scale.length], new Uint8Array(scale.length));
  model.node(OUTPUT, 'DequantizeLinear', [nhwc, steps, zeros], { axis: 3 });
  return model.build(INPUT_PORT, OUTPUT_PORT);
}

function int8Convolution(
  model: ModelBuilder,
  input: string,
  { name, inputs, outputs }: ConvLayer,
  { kernel, bias }: ConvWeights,
  before: Activations,
  after: Activations,
): string {
  const leastSteps = bias.map((value) => Math.abs(value) / (before.step * 2 ** 30)); // a bias fits in 32 bits
  const { values, steps } = quantizeKernel(kernel, inputs, outputs, before.scale, leastSteps);
  const bias32 = Int32Array.from(bias, (value, o) => Math.round(value / (before.step * (steps[o] ?? NaN))));
  const dividedSteps = steps.map((step, o) => step / (after.scale[o] ?? NaN)); // as if the kernel had been
  return model.node(
    name,
    'QLinearConv',
    [
      input,
      model.constant(`${name}.input_step`, [], Float32Array.of(before.step)),
      ZERO,
      model.constant(`${name}.kernel`, [outputs, inputs, 3, 3], values),
      model.constant(`${name}.kernel_steps`, [outputs], dividedSteps),
      model.constant(`${name}.kernel_zeros`, [outputs], new Int8Array(outputs)),
      model.constant(`${name}.step`, [], Float32Array.of(after.step)),
      ZERO,
      model.constant(`${name}.bias`, [outputs], bias32),
    ],
    { kernel_shape: [3, 3], pads: [1, 1, 1, 1] },
  );
}

/**
 * How the graph keeps a layer's activations.
 * @public for bench/int8.mjs
 */
export function activationsOf({ name }: Pick<ConvLayer, 'name'>, ranges: Ranges): Activations {
  const found = ranges.get(name);
  if (found === undefined) throw new InputError({ expected: `ranges for ${name}`, found: 'none' });
  const least = (found.toSorted()[found.length >> 1] ?? 0) * LEAST_OF_MEDIAN || 1;
  const maxima = found.map((value) => Math.max(value, least));
  const mean = Math.exp(maxima.reduce((sum, value) => sum + Math.log(value), 0) / maxima.length);
  const scale = maxima.map((value) => Math.sqrt(value / mean));
  const largest = maxima.reduce((most, value, c) => Math.max(most, value / (scale[c] ?? NaN)), 0);
  return { step: Math.fround((largest * HEADROOM) / LEVELS), scale };
}

/** Weights whose outputs are divided by a scale each. */
function divided({ kernel, bias }: ConvWeights, scale: Float32Array): ConvWeights {
  const divide = (value: number, at: number): number => value / (scale[at % scale.length] ?? NaN);
  return { kernel: kernel.map(divide), bias: bias.map(divide) };
}
