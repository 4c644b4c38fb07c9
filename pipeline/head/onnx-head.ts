import onnxProto from 'onnx-proto';
import type { LayerWeights } from './dense.js';
import { EPSILON } from './normalize.js';
import type { Settings } from './settings.js';

const { onnx } = onnxProto;
const { FLOAT } = onnx.TensorProto.DataType;

/** The exported model's output: float32 [n], in the target's unit. */
const PREDICTION = 'prediction';

function tensor(name: string, dims: number[], data: Float32Array): onnxProto.onnx.ITensorProto {
  return { name, dims, dataType: FLOAT, rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

function mean(input: string, output: string): onnxProto.onnx.INodeProto {
  const { INT, INTS } = onnx.AttributeProto.AttributeType;
  return {
    opType: 'ReduceMean',
    input: [input],
    output: [output],
    attribute: [
      { name: 'axes', type: INTS, ints: [1] },
      { name: 'keepdims', type: INT, i: 1 },
    ],
  };
}

/** Layer normalization from flat features to "normalized", as in normalize.ts. */
const NORMALIZE: readonly onnxProto.onnx.INodeProto[] = [
  mean('flat', 'mean_feature'),
  { opType: 'Sub', input: ['flat', 'mean_feature'], output: ['deviation'] },
  { opType: 'Mul', input: ['deviation', 'deviation'], output: ['squares'] },
  mean('squares', 'variance'),
  { opType: 'Add', input: ['variance', 'epsilon'], output: ['variance_kept'] },
  { opType: 'Sqrt', input: ['variance_kept'], output: ['standard_deviation'] },
  { opType: 'Div', input: ['deviation', 'standard_deviation'], output: ['normalized'] },
];

/**
 * Puts a head behind a backbone, so that one ONNX model (opset 13 to 17) takes pictures and gives numbers.
 * @param backbone serialized ModelProto with one output, float32 [n, 7, 7, 512]
 * @param layers the head over normalized features, its output in the target's unit or (target `log`) its logarithm
 * @returns the serialized ModelProto
 */
export function appendHead(
  backbone: Uint8Array,
  layers: readonly LayerWeights[],
  { normalize, target }: Pick<Settings, 'normalize' | 'target'>,
): Uint8Array {
  const model = onnx.ModelProto.decode(backbone);
  const features = model.graph?.output?.[0]?.name;
  const { graph } = model;
  if (typeof features !== 'string' || graph === null || graph === undefined) {
    throw new TypeError('The backbone is a graph with an output.');
  }
  const nodes: onnxProto.onnx.INodeProto[] = [{ opType: 'Flatten', input: [features], output: ['flat'] }];
  const initializers: onnxProto.onnx.ITensorProto[] = [];
  let last = 'flat';
  if (normalize === 'layer') {
    nodes.push(...NORMALIZE);
    initializers.push(tensor('epsilon', [1], Float32Array.of(EPSILON)));
    last = 'normalized';
  }
  for (const [index, { inputs, outputs, kernel, bias }] of layers.entries()) {
    const name = `head${index}`;
    initializers.push(tensor(`${name}.kernel`, [inputs, outputs], kernel), tensor(`${name}.bias`, [outputs], bias));
    nodes.push({ opType: 'Gemm', input: [last, `${name}.kernel`, `${name}.bias`], output: [`${name}.sum`] });
    last = `${name}.sum`;
    if (index < layers.length - 1) {
      nodes.push({ opType: 'Relu', input: [last], output: [name] });
      last = name;
    }
  }
  if (target === 'log') {
    nodes.push({ opType: 'Exp', input: [last], output: ['exponential'] });
    last = 'exponential';
  }
  nodes.push({ opType: 'Reshape', input: [last, 'column'], output: [PREDICTION] });
  const column = new BigInt64Array([-1n]);
  initializers.push({
    name: 'column',
    dims: [1],
    dataType: onnx.TensorProto.DataType.INT64,
    rawData: new Uint8Array(column.buffer),
  });
  graph.node = [...(graph.node ?? []), ...nodes];
  graph.initializer = [...(graph.initializer ?? []), ...initializers];
  const shape = { dim: [{ dimParam: 'n' }] };
  graph.output = [{ name: PREDICTION, type: { tensorType: { elemType: FLOAT, shape } } }];
  return onnx.ModelProto.encode(model).finish();
}
