import onnxProto from 'onnx-proto';
import { InputError } from '../../../errors.js';
import type { ConvWeights, Weights } from '../../weights/weights.js';

const { onnx } = onnxProto;
const { INT, INTS } = onnx.AttributeProto.AttributeType;

const { INT8, INT32, INT64 } = onnx.TensorProto.DataType;

/** ONNX's numbers for the types of a graph's input and output. */
export const { FLOAT, UINT8 } = onnx.TensorProto.DataType;

/** A graph's input or output: one batch of any size. */
export interface Port {
  readonly name: string;
  readonly elemType: number;
  /** Without the batch, which comes first. */
  readonly shape: readonly number[];
}

/** Collects nodes and constants of an ONNX graph (opset 17) in the order in which they are added. */
export class ModelBuilder {
  readonly #nodes: onnxProto.onnx.INodeProto[] = [];
  readonly #initializers: onnxProto.onnx.ITensorProto[] = [];

  /** Adds a node with one output. @returns the output's name, which is the node's */
  node(
    name: string,
    opType: string,
    input: string[],
    attributes: Record<string, number | readonly number[]> = {},
  ): string {
    const attribute = Object.entries(attributes).map(([key, value]) =>
      typeof value === 'number' ? { name: key, type: INT, i: value } : { name: key, type: INTS, ints: [...value] },
    );
    this.#nodes.push({ name, opType, input, output: [name], attribute });
    return name;
  }

  /** Adds a constant. The data is not copied before `build`. @returns its name */
  constant(name: string, dims: readonly number[], data: Float32Array | Uint8Array | Int8Array | Int32Array): string {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#initializers.push({ name, dims: [...dims], dataType: typeOf(data), rawData });
    return name;
  }

  /** Gives a tensor another shape; one of the dimensions may be -1: whatever is left. */
  reshape(name: string, input: string, shape: readonly number[]): string {
    const dims = BigInt64Array.from(shape, BigInt);
    const rawData = new Uint8Array(dims.buffer);
    this.#initializers.push({ name: `${name}.shape`, dims: [shape.length], dataType: INT64, rawData });
    return this.node(name, 'Reshape', [input, `${name}.shape`]);
  }

  /** @returns the serialized ModelProto */
  build(input: Port, output: Port): Uint8Array {
    const model = onnx.ModelProto.create({
      irVersion: 8,
      producerName: 'pool5',
      opsetImport: [{ domain: '', version: 17 }],
      graph: {
        name: 'vgg16',
        node: this.#nodes,
        initializer: this.#initializers,
        input: [valueInfo(input)],
        output: [valueInfo(output)],
      },
    });
    return onnx.ModelProto.encode(model).finish();
  }
}

/** @throws InputError where the weights lack the layer */
export function layerWeights(weights: Weights, name: string): ConvWeights {
  const found = weights.layers.get(name);
  if (found !== undefined) return found;
  throw new InputError({ expected: `weights for ${name}`, found: 'none', where: weights.origin });
}

function typeOf(data: Float32Array | Uint8Array | Int8Array | Int32Array): number {
  if (data instanceof Float32Array) return FLOAT;
  if (data instanceof Int32Array) return INT32;
  return data instanceof Int8Array ? INT8 : UINT8;
}

function valueInfo({ name, elemType, shape }: Port): onnxProto.onnx.IValueInfoProto {
  const dim = [{ dimParam: 'n' }, ...shape.map((dimValue) => ({ dimValue }))];
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}
