import { createHash } from 'node:crypto';
import { InputError } from '../../errors.js';
import { inStretches } from '../../event-loop.js';
import { STACK } from '../vgg16.js';

/** One convolution: kernel HWIO [3, 3, inputs, outputs] and bias [outputs], float32. Kernels take BGR on input. */
export interface ConvWeights {
  readonly kernel: Float32Array;
  readonly bias: Float32Array;
}

/** A tensor as a reader found it in its file. */
export interface NamedTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** All weights of the stack. */
export interface Weights {
  /** By layer name: conv1_1 to conv5_3. */
  readonly layers: ReadonlyMap<string, ConvWeights>;
  /** sha256 (hex) over kernel and bias of each layer in the stack's order, float32 little-endian. */
  readonly digest: string;
  /** For people: where they came from, e.g. "embedded VGG16 (float16)" or a path. */
  readonly origin: string;
  /** True where the weights are drawn, not learned: every output made with them must say so. */
  readonly random: boolean;
}

/** A reader gives kernel (HWIO) and bias of a layer, or undefined where the file lacks it. */
export type TensorSource = (layer: string, part: 'kernel' | 'bias') => NamedTensor | undefined;

/**
 * Checks names, shapes and finiteness, and computes the digest.
 * @throws InputError where a tensor is missing, has another shape, or is not finite.
 */
export async function assembleWeights(source: TensorSource, origin: string, random = false): Promise<Weights> {
  const layers = new Map<string, ConvWeights>();
  const hash = createHash('sha256');
  const turn = inStretches();
  for (const layer of STACK) {
    if (layer.kind !== 'conv') continue;
    await turn();
    const kernel = checked(source, layer.name, 'kernel', [3, 3, layer.inputs, layer.outputs], origin);
    const bias = checked(source, layer.name, 'bias', [layer.outputs], origin);
    for (const data of [kernel, bias]) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    layers.set(layer.name, { kernel, bias });
  }
  return { layers, digest: hash.digest('hex'), origin, random };
}

function checked(
  source: TensorSource,
  layer: string,
  part: 'kernel' | 'bias',
  shape: readonly number[],
  origin: string,
): Float32Array {
  const fix = 'Give the weights of VGG16 (configuration D) with --weights.';
  const tensor = source(layer, part);
  if (tensor === undefined) {
    throw new InputError({
      expected: `a tensor for ${layer}'s ${part}`,
      found: 'none of that name',
      where: origin,
      fix,
    });
  }
  if (tensor.shape.join() !== shape.join()) {
    const found = `[${tensor.shape.join(', ')}]`;
    throw new InputError({ expected: `${layer}'s ${part} of shape [${shape.join(', ')}]`, found, where: origin, fix });
  }
  const bad = tensor.data.findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) {
    const found = `${tensor.data[bad]} at position ${bad}`;
    throw new InputError({ expected: `finite numbers in ${layer}'s ${part}`, found, where: origin, fix });
  }
  return tensor.data;
}
