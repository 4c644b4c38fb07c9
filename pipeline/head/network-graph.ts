import { Graph, type Value } from './graph.js';
import { RULES } from './optimizer.js';
import type { Settings } from './settings.js';

/** Names of a dense layer's parameters, the first layer's being 0: kernel [inputs, outputs] and bias [outputs]. */
function parameterNames(layers: number): string[] {
  return Array.from({ length: layers }, (_, layer) => [`kernel${layer}`, `bias${layer}`]).flat();
}

/** @returns what each layer gives, [n, outputs], with relu in all but the last */
function activations(graph: Graph, rows: Value, layers: number, masks: readonly Value[] = []): Value[] {
  const outputs: Value[] = [];
  for (let layer = 0; layer < layers; layer++) {
    let output = graph.op('Gemm', [outputs[layer - 1] ?? rows, `kernel${layer}`, `bias${layer}`]);
    if (layer < layers - 1) output = graph.op('Relu', [output]);
    const mask = masks[layer];
    outputs.push(mask === undefined ? output : graph.op('Mul', [output, mask]));
  }
  return outputs;
}

interface Gradients {
  /** The mean squared error of a batch. */
  readonly loss: Value;
  /** By the parameters' names. */
  readonly of: ReadonlyMap<string, Value>;
}

/**
 * @param rows [n, inputs]
 * @param targets [n, 1]
 * @param masks for each hidden layer, [n, outputs]: 0 or 1 / (1 - dropout); none without dropout
 */
function gradients(graph: Graph, rows: Value, targets: Value, layers: number, masks: readonly Value[]): Gradients {
  const outputs = activations(graph, rows, layers, masks);
  const error = graph.op('Sub', [outputs.at(-1) ?? rows, targets]);
  const loss = graph.op('ReduceMean', [graph.op('Mul', [error, error])], { keepdims: 0 });
  const count = graph.op('CastLike', [graph.op('Size', [error]), error]);
  let delta = graph.op('Mul', [error, graph.op('Div', [graph.scalar(2), count])]);
  const of = new Map<string, Value>();
  for (let layer = layers - 1; layer >= 0; layer--) {
    const input = outputs[layer - 1] ?? rows;
    of.set(`kernel${layer}`, graph.op('Gemm', [input, delta], { transA: 1 }));
    of.set(`bias${layer}`, graph.op('ReduceSum', [delta, graph.integers(0)], { keepdims: 0 }));
    if (layer === 0) break;
    // relu's slope; a unit that dropout switched off is 0 here as well.
    const slope = graph.op('Sign', [input]);
    delta = graph.op('Mul', [graph.op('Gemm', [delta, `kernel${layer}`], { transB: 1 }), slope]);
    const mask = masks[layer - 1];
    if (mask !== undefined) delta = graph.op('Mul', [delta, mask]);
  }
  return { loss, of };
}

/** Names of an optimizer's sums for a parameter. */
export function sumNames(parameter: string, optimizer: Settings['optimizer']): string[] {
  return RULES[optimizer].sums.map((sum) => `${parameter}/${sum}`);
}

/** Names of what training changes: parameters and the optimizer's sums for each of them. */
function stateNames(layers: number, optimizer: Settings['optimizer']): string[] {
  const names = parameterNames(layers);
  return [...names, ...names.flatMap((name) => sumNames(name, optimizer))];
}

export type TrainingSettings = Pick<Settings, 'optimizer' | 'learningRate' | 'weightDecay' | 'batch' | 'dropout'>;

/** One batch: iteration [1], condition and the state in; condition, the state and the batch's loss out. */
function trainingStep(layers: number, masks: readonly Value[], settings: TrainingSettings): Graph {
  const { optimizer, learningRate, weightDecay, batch } = settings;
  const state = stateNames(layers, optimizer);
  const graph = new Graph();
  const iteration = graph.input('iteration', 'int64', [1]);
  const condition = graph.input('condition', 'bool', [1]);
  for (const name of state) graph.input(name);

  const start = graph.op('Mul', [iteration, graph.integers(batch)]);
  const end = graph.op('Add', [start, graph.integers(batch)]);
  const batchOf = (all: Value): Value => graph.op('Slice', [all, start, end, graph.integers(0)]);
  const { loss, of } = gradients(graph, batchOf('rows'), batchOf('targets'), layers, masks.map(batchOf));
  const rule = RULES[optimizer].open(
    graph,
    learningRate,
    graph.op('Add', [graph.op('Add', ['taken', iteration]), graph.integers(1)]),
  );
  const after = new Map<string, Value>();
  for (const [name, gradient] of of) {
    const names = sumNames(name, optimizer);
    const step = rule(gradient, names);
    const moved = graph.op('Sub', [name, step.update]);
    const decays = weightDecay > 0 && name.startsWith('kernel');
    after.set(name, decays ? graph.op('Mul', [moved, graph.scalar(1 - learningRate * weightDecay)]) : moved);
    for (const [index, sum] of names.entries()) after.set(sum, step.sums[index] ?? sum);
  }

  graph.output(graph.op('Identity', [condition]), 'bool');
  for (const name of state) graph.output(after.get(name) ?? name);
  graph.output(loss);
  return graph;
}

/**
 * A model that trains. In: `rows` [n, inputs], `targets` [n, 1], with dropout a `maskL` for each hidden layer L
 * [n, outputs], the state as `NAME/before`, and how many `steps` [] to take after `taken` [1] ones. It goes through the
 * rows batch by batch. Out: each batch's loss, `losses` [steps], and the state then, `NAME/after`.
 * @param layers dense layers: the hidden ones and the last
 * @returns the serialized ModelProto
 */
export function trainingModel(layers: number, settings: TrainingSettings): Uint8Array {
  const graph = new Graph();
  for (const name of ['rows', 'targets']) graph.input(name);
  const hidden = Array.from({ length: layers - 1 }, (_, layer) => layer);
  const masks = settings.dropout === 0 ? [] : hidden.map((layer) => graph.input(`mask${layer}`));
  const state = stateNames(layers, settings.optimizer);
  const steps = graph.input('steps', 'int64');
  graph.input('taken', 'int64');
  const results = [...state.map((name) => `${name}/after`), 'losses'];
  const before = state.map((name) => graph.input(`${name}/before`));
  graph.operation('Loop', [steps, '', ...before], results, { body: trainingStep(layers, masks, settings) });
  for (const name of results) graph.output(name);
  return graph.model();
}

/** A model that predicts: `rows` [n, inputs] and the parameters in, `outputs` [n, 1] out. */
export function predictingModel(layers: number): Uint8Array {
  const graph = new Graph();
  const rows = graph.input('rows');
  for (const name of parameterNames(layers)) graph.input(name);
  graph.output(activations(graph, rows, layers).at(-1) ?? rows);
  return graph.model();
}
