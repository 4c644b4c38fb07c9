import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { Graph } from './graph.js';
import { openSession } from './onnxruntime.js';

type Numbers = Float32Array | Float64Array;

/** Numbers row by row, [rows, columns]. */
export interface Matrix<Data extends Numbers> {
  readonly rows: number;
  readonly columns: number;
  readonly data: Data;
}

/** Which factor of a product is transposed. */
type Transposed = 'first' | 'second' | 'neither';

type Multiply = (first: Matrix<Numbers>, second: Matrix<Numbers>) => Promise<Tensor['data'] | undefined>;

async function openMultiply(type: 'float32' | 'float64', transposed: Transposed): Promise<Multiply> {
  const graph = new Graph();
  const factors = [graph.input('first', type), graph.input('second', type)];
  const attributes = { transA: transposed === 'first' ? 1 : 0, transB: transposed === 'second' ? 1 : 0 };
  const result = graph.op('Gemm', factors, attributes);
  graph.output(result, type);
  const { runtime, session } = await openSession(graph.model());
  const tensor = ({ data, rows, columns }: Matrix<Numbers>): Tensor => new runtime.Tensor(type, data, [rows, columns]);
  return async (first, second) => {
    const feeds: InferenceSession.FeedsType = { first: tensor(first), second: tensor(second) };
    return (await session.run(feeds))[result]?.data;
  };
}

/** Opened once a thread: small graphs that stay. */
const opened = new Map<string, Promise<Multiply>>();

async function multiply(
  type: 'float32' | 'float64',
  first: Matrix<Numbers>,
  second: Matrix<Numbers>,
  transposed: Transposed,
): Promise<Tensor['data'] | undefined> {
  const name = `${type} ${transposed}`;
  const known = opened.get(name) ?? openMultiply(type, transposed);
  opened.set(name, known);
  return (await known)(first, second);
}

/** @returns the product in onnxruntime, where one core does 100 billion operations a second */
export async function product32(
  first: Matrix<Float32Array>,
  second: Matrix<Float32Array>,
  transposed: Transposed,
): Promise<Float32Array> {
  const data = await multiply('float32', first, second, transposed);
  if (data instanceof Float32Array) return data;
  throw new TypeError('onnxruntime gave no float32 product.');
}

/** The same in float64, at half the speed. */
export async function product64(
  first: Matrix<Float64Array>,
  second: Matrix<Float64Array>,
  transposed: Transposed,
): Promise<Float64Array> {
  const data = await multiply('float64', first, second, transposed);
  if (data instanceof Float64Array) return data;
  throw new TypeError('onnxruntime gave no float64 product.');
}
