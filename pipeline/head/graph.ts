import onnxProto from 'onnx-proto';

const { onnx } = onnxProto;
const { FLOAT, INT64, BOOL, DOUBLE } = onnx.TensorProto.DataType;
const { GRAPH, INT, INTS } = onnx.AttributeProto.AttributeType;

/** The name of a value in a graph. */
export type Value = string;

/** What values consist of. */
const TYPES = { float32: FLOAT, float64: DOUBLE, int64: INT64, bool: BOOL } as const;

type Attributes = Readonly<Record<string, number | readonly number[] | Graph>>;

function attribute(name: string, value: Attributes[string]): onnxProto.onnx.IAttributeProto {
  if (value instanceof Graph) return { name, type: GRAPH, g: value.proto() };
  return typeof value === 'number' ? { name, type: INT, i: value } : { name, type: INTS, ints: [...(value ?? [])] };
}

function valueInfo(name: string, type: keyof typeof TYPES, sizes?: readonly number[]): onnxProto.onnx.IValueInfoProto {
  const shape = sizes === undefined ? null : { dim: sizes.map((dimValue) => ({ dimValue })) };
  return { name, type: { tensorType: { elemType: TYPES[type], shape } } };
}

/** So that no graph has a name of one that it lies in. */
let named = 0;

/** An ONNX graph (opset 17) while it is put together. */
export class Graph {
  readonly #nodes: onnxProto.onnx.INodeProto[] = [];
  readonly #constants: onnxProto.onnx.ITensorProto[] = [];
  readonly #inputs: onnxProto.onnx.IValueInfoProto[] = [];
  readonly #outputs: onnxProto.onnx.IValueInfoProto[] = [];

  /** @param shape left open by default */
  input(name: string, type: keyof typeof TYPES = 'float32', shape?: readonly number[]): Value {
    this.#inputs.push(valueInfo(name, type, shape));
    return name;
  }

  output(value: Value, type: keyof typeof TYPES = 'float32'): void {
    this.#outputs.push(valueInfo(value, type));
  }

  #constant(dataType: number, dims: number[], data: Float32Array | Float64Array | BigInt64Array): Value {
    const name = `constant${named++}`;
    this.#constants.push({ name, dataType, dims, rawData: new Uint8Array(data.buffer) });
    return name;
  }

  scalar(value: number): Value {
    return this.#constant(FLOAT, [], Float32Array.of(value));
  }

  double(value: number): Value {
    return this.#constant(DOUBLE, [], Float64Array.of(value));
  }

  integers(...values: number[]): Value {
    return this.#constant(INT64, [values.length], BigInt64Array.from(values, BigInt));
  }

  operation(opType: string, input: readonly Value[], output: readonly Value[], attributes: Attributes = {}): void {
    const all = Object.entries(attributes).map(([name, value]) => attribute(name, value));
    this.#nodes.push({ opType, input: [...input], output: [...output], attribute: all });
  }

  /** An operation with one result. */
  op(opType: string, input: readonly Value[], attributes: Attributes = {}): Value {
    const result = `value${named++}`;
    this.operation(opType, input, [result], attributes);
    return result;
  }

  proto(): onnxProto.onnx.IGraphProto {
    const [node, initializer, input, output] = [this.#nodes, this.#constants, this.#inputs, this.#outputs];
    return { name: 'graph', node, initializer, input, output };
  }

  /** @returns the serialized ModelProto */
  model(): Uint8Array {
    const opsetImport = [{ domain: '', version: 17 }];
    const model = onnx.ModelProto.create({ irVersion: 8, producerName: 'pool5', opsetImport, graph: this.proto() });
    return onnx.ModelProto.encode(model).finish();
  }
}
