import type { Tensor } from 'onnxruntime-node';
import type { LayerWeights } from './dense.js';
import { predictingModel, sumNames, trainingModel, type TrainingSettings } from './network-graph.js';
import { openSession } from './onnxruntime.js';

/** The numbers of a session's result, which it shares with nobody. */
function floats(results: Readonly<Record<string, Tensor>>, name: string): Float32Array {
  const data = results[name]?.data;
  if (data instanceof Float32Array) return data;
  throw new TypeError(`onnxruntime gave no float32 ${name}.`);
}

interface Shaped {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Layers' numbers by the names that they have in a graph. */
function parametersOf(layers: readonly LayerWeights[]): [string, Shaped][] {
  return layers.flatMap(({ inputs, outputs, kernel, bias }, layer): [string, Shaped][] => [
    [`kernel${layer}`, { data: kernel, shape: [inputs, outputs] }],
    [`bias${layer}`, { data: bias, shape: [outputs] }],
  ]);
}

/** Dense layers with relu between them and one linear output. */
export interface Predictor {
  /**
   * @param rows float32 [n, inputs]
   * @returns float32 [n]
   */
  predict(layers: readonly LayerWeights[], rows: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * @param depth number of layers
 * @throws WorldError where onnxruntime does not load
 */
export async function openPredictor(depth: number): Promise<Predictor> {
  const { runtime, session } = await openSession(predictingModel(depth));
  return {
    async predict(layers, rows) {
      const width = layers[0]?.inputs ?? 0;
      const feeds: Record<string, Tensor> = { rows: new runtime.Tensor(rows, [rows.length / width, width]) };
      for (const [name, { data, shape }] of parametersOf(layers)) feeds[name] = new runtime.Tensor(data, shape);
      return floats(await session.run(feeds), session.outputNames[0] ?? '');
    },
    close: () => session.release(),
  };
}

/** Rows with the targets that belong to them. */
interface Batches {
  /** float32 [n, inputs]. */
  readonly rows: Float32Array;
  /** float32 [n]. */
  readonly targets: Float32Array;
  /** For each hidden layer, float32 [n, outputs]: 0 or 1 / (1 - dropout). Without dropout none. */
  readonly masks: readonly Float32Array[];
}

/** Such layers while they learn, by the mean squared error. */
export interface Trainer {
  /** Takes a step for each batch of rows, one after the other. @returns each batch's loss before its step */
  train(batches: Batches): Promise<Float32Array>;
  /** As they are now; they do not change later. */
  layers(): LayerWeights[];
  close(): Promise<void>;
}

/** What training starts from: the layers' numbers, and 0 for the optimizer's sums. */
function initialState(layers: readonly LayerWeights[], { optimizer }: TrainingSettings): Map<string, Shaped> {
  const parameters = parametersOf(layers);
  const sums = parameters.flatMap(([name, { data, shape }]) =>
    sumNames(name, optimizer).map((sum): [string, Shaped] => [sum, { data: new Float32Array(data.length), shape }]),
  );
  return new Map([...parameters, ...sums]);
}

/**
 * Opens layers for training. onnxruntime takes a third of the time that TensorFlow.js takes on WebAssembly.
 * @throws WorldError where onnxruntime does not load
 */
export async function openTrainer(initial: readonly LayerWeights[], settings: TrainingSettings): Promise<Trainer> {
  const { runtime, session } = await openSession(trainingModel(initial.length, settings));
  const state = initialState(initial, settings);
  let taken = 0;
  return {
    async train({ rows, targets, masks }) {
      const count = targets.length;
      const steps = Math.ceil(count / settings.batch);
      const feeds: Record<string, Tensor> = {
        rows: new runtime.Tensor(rows, [count, rows.length / count]),
        targets: new runtime.Tensor(targets, [count, 1]),
        steps: new runtime.Tensor('int64', BigInt64Array.of(BigInt(steps)), []),
        taken: new runtime.Tensor('int64', BigInt64Array.of(BigInt(taken)), [1]),
      };
      for (const [layer, mask] of masks.entries()) {
        feeds[`mask${layer}`] = new runtime.Tensor(mask, [count, mask.length / count]);
      }
      for (const [name, { data, shape }] of state) feeds[`${name}/before`] = new runtime.Tensor(data, shape);
      const results = await session.run(feeds);
      for (const [name, { shape }] of state) state.set(name, { data: floats(results, `${name}/after`), shape });
      taken += steps;
      return floats(results, 'losses');
    },
    layers: () =>
      initial.map(({ inputs, outputs, kernel, bias }, layer) => ({
        inputs,
        outputs,
        kernel: state.get(`kernel${layer}`)?.data ?? kernel,
        bias: state.get(`bias${layer}`)?.data ?? bias,
      })),
    close: () => session.release(),
  };
}
