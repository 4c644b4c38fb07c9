import onnxProto from 'onnx-proto';
import { InputError } from '../../errors.js';
import { FEATURE_SHAPE, IMAGE_SIZE, MEAN_RGB, STACK } from '../vgg16.js';
import type { ConvWeights, Weights } from '../weights/weights.js';

const { onnx } = onnxProto;
const { FLOAT, UINT8 } = onnx.TensorProto.DataType;

/** Names of the graph's input and output. */
export const INPUT = 'pixels';
export const OUTPUT = 'features';

/**
 * The stack as an ONNX model (opset 17): uint8 NHWC RGB [n, 224, 224, 3] in, float32 NHWC [n, 7, 7, 512] out. The mean
 * is subtracted inside; the swap from RGB to BGR is a swap of conv1_1's input channels.
 * @returns the serialized ModelProto
 */
export function buildGraph(weights: Weights): Uint8Array {
  const nodes: onnxProto.onnx.INodeProto[] = [
    { opType: 'Cast', input: [INPUT], output: ['float'], attribute: [int('to', FLOAT)] },
    { opType: 'Sub', input: ['float', 'mean'], output: ['centred'] },
    { opType: 'Transpose', input: ['centred'], output: ['input'], attribute: [ints('perm', [0, 3, 1, 2])] },
  ];
  const initializers = [tensor('mean', [3], Float32Array.from(MEAN_RGB))];
  let last = 'input';
  for (const layer of STACK) {
    if (layer.kind === 'pool') {
      const attribute = [ints('kernel_shape', [2, 2]), ints('strides', [2, 2])];
      nodes.push({ opType: 'MaxPool', input: [last], output: [layer.name], attribute });
    } else {
      const { kernel, bias } = layerWeights(weights, layer.name);
      const [k, b] = [`${layer.name}.kernel`, `${layer.name}.bias`];
      initializers.push(tensor(k, [layer.outputs, layer.inputs, 3, 3], toOihw(kernel, layer.inputs, layer.outputs)));
      initializers.push(tensor(b, [layer.outputs], bias));
      const attribute = [ints('kernel_shape', [3, 3]), ints('pads', [1, 1, 1, 1])];
      nodes.push({ opType: 'Conv', input: [last, k, b], output: [`${layer.name}.sum`], attribute });
      nodes.push({ opType: 'Relu', input: [`${layer.name}.sum`], output: [layer.name] });
    }
    last = layer.name;
  }
  nodes.push({ opType: 'Transpose', input: [last], output: [OUTPUT], attribute: [ints('perm', [0, 2, 3, 1])] });
  const model = onnx.ModelProto.create({
    irVersion: 8,
    producerName: 'pool5',
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'vgg16',
      node: nodes,
      initializer: initializers,
      input: [value(INPUT, UINT8, [IMAGE_SIZE, IMAGE_SIZE, 3])],
      output: [value(OUTPUT, FLOAT, FEATURE_SHAPE)],
    },
  });
  return onnx.ModelProto.encode(model).finish();
}

function layerWeights(weights: Weights, name: string): ConvWeights {
  const found = weights.layers.get(name);
  if (found !== undefined) return found;
  throw new InputError({ expected: `weights for ${name}`, found: 'none', where: weights.origin });
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

function tensor(name: string, dims: number[], data: Float32Array): onnxProto.onnx.ITensorProto {
  return { name, dims, dataType: FLOAT, rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

function value(name: string, elemType: number, shape: readonly number[]): onnxProto.onnx.IValueInfoProto {
  const dim = [{ dimParam: 'n' }, ...shape.map((dimValue) => ({ dimValue }))];
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

function int(name: string, i: number): onnxProto.onnx.IAttributeProto {
  return { name, type: onnx.AttributeProto.AttributeType.INT, i };
}

function ints(name: string, values: number[]): onnxProto.onnx.IAttributeProto {
  return { name, type: onnx.AttributeProto.AttributeType.INTS, ints: values };
}
