import { setImmediate } from 'node:timers/promises';
import { dispose, stack, tensor1d, tensor2d, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { InputError, InterruptedError } from '../errors.js';
import { DenseNetwork, type LayerWeights } from './dense.js';
import { openOptimizer } from './optimizer.js';
import { permutation, uniformStream } from './random.js';
import type { Settings } from './settings.js';

/** Rows [n, width] and their targets [n], as the head is trained on them. */
export interface Matrix {
  readonly count: number;
  readonly width: number;
  readonly rows: Float32Array;
  readonly targets: Float32Array;
}

export interface EpochRecord {
  readonly epoch: number;
  /** Optimizer steps so far. */
  readonly step: number;
  /** Mean of the batches' squared errors, in the transformed target's unit. */
  readonly loss: number;
  readonly validationLoss: number | null;
  readonly milliseconds: number;
}

export interface Fitted {
  readonly layers: readonly LayerWeights[];
  readonly history: readonly EpochRecord[];
  /** The epoch that the weights are from. */
  readonly epoch: number;
}

export interface FitOptions {
  readonly initial: readonly LayerWeights[];
  readonly train: Matrix;
  /** Chooses the epoch where it is given. */
  readonly validation: Matrix | null;
  readonly settings: Settings;
  readonly signal: AbortSignal;
  readonly onEpoch?: (record: EpochRecord) => void;
}

/** The batches of one epoch: a new order of all rows, or (with `steps`) one batch drawn with replacement. */
function* batches(count: number, { batch, steps }: Settings, uniform: () => number): Generator<Int32Array> {
  if (steps !== null) {
    yield Int32Array.from({ length: batch }, () => Math.floor(uniform() * count));
    return;
  }
  const order = permutation(count, uniform);
  for (let start = 0; start < count; start += batch) yield order.subarray(start, start + batch);
}

function gather({ width, rows, targets }: Matrix, indices: Int32Array): [Float32Array, Float32Array] {
  const batchRows = new Float32Array(indices.length * width);
  for (const [position, index] of indices.entries()) {
    batchRows.set(rows.subarray(index * width, (index + 1) * width), position * width);
  }
  return [batchRows, Float32Array.from(indices, (index) => targets[index] ?? Number.NaN)];
}

/** Inverted dropout: what stays is scaled up, so that prediction needs no change. */
function dropoutMasks(count: number, { hidden, dropout }: Settings, uniform: () => number): Tensor[] {
  if (dropout === 0) return [];
  const kept = 1 / (1 - dropout);
  const threshold = Math.round(dropout * 0x10000);
  return hidden.map((units) => {
    const mask = new Float32Array(count * units);
    // Two units from each random number, 16 bits each: there are ten thousand units in a batch.
    for (let i = 0; i < mask.length; i += 2) {
      const bits = (uniform() * 0x100000000) >>> 0;
      mask[i] = (bits & 0xffff) < threshold ? 0 : kept;
      if (i + 1 < mask.length) mask[i + 1] = bits >>> 16 < threshold ? 0 : kept;
    }
    return tensor2d(mask, [units, count]);
  });
}

function checkFinite(losses: readonly number[], epoch: number, stepsBefore: number, learningRate: number): void {
  const bad = losses.findIndex((loss) => !Number.isFinite(loss));
  if (bad === -1) return;
  throw new InputError({
    expected: 'a finite loss',
    found: String(losses[bad]),
    where: `step ${stepsBefore + bad + 1}, epoch ${epoch}`,
    fix: `Lower --learning-rate (now ${learningRate}). No run was saved.`,
  });
}

/** Lets the loop be interrupted between two epochs. */
async function breathe(signal: AbortSignal): Promise<void> {
  await setImmediate();
  if (!signal.aborted) return;
  throw new InterruptedError(
    signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT',
    'No run was saved; the features are safe. The same command starts again.',
  );
}

/**
 * Trains a dense head.
 * @throws InputError that names the step where a loss is not finite; InterruptedError
 */
export async function fit({
  initial,
  train: examples,
  validation,
  settings,
  signal,
  onEpoch,
}: FitOptions): Promise<Fitted> {
  const network = new DenseNetwork(initial);
  const optimizer = openOptimizer(settings);
  const uniform = uniformStream(settings.batchSeed, 'batches');
  const held = validation && {
    rows: tensor2d(validation.rows, [validation.count, validation.width]),
    targets: validation.targets,
  };
  const history: EpochRecord[] = [];
  let best: { epoch: number; loss: number; weights: Tensor[] } | undefined;
  let step = 0;

  const trainStep = (indices: Int32Array): Tensor =>
    tidy(() => {
      const [rows, targets] = gather(examples, indices);
      const masks = dropoutMasks(indices.length, settings, uniform);
      const { loss, pairs } = network.gradients(
        tensor2d(rows, [indices.length, examples.width]),
        tensor1d(targets),
        masks,
      );
      optimizer.step(pairs);
      if (settings.weightDecay > 0) network.shrink(1 - settings.learningRate * settings.weightDecay);
      return loss;
    });

  const validationLoss = (): number | null => {
    if (held === null) return null;
    const outputs = tidy(() => network.forward(held.rows).dataSync());
    let squared = 0;
    for (const [index, target] of held.targets.entries()) squared += ((outputs[index] ?? Number.NaN) - target) ** 2;
    return squared / held.targets.length;
  };

  try {
    const last = settings.steps ?? settings.epochs;
    for (let epoch = 1; epoch <= last; epoch++) {
      const started = performance.now();
      const tensors = [...batches(examples.count, settings, uniform)].map(trainStep);
      const losses = Array.from(tidy(() => stack(tensors).dataSync()));
      dispose(tensors);
      checkFinite(losses, epoch, step, settings.learningRate);
      step += losses.length;
      const heldLoss = validationLoss();
      if (heldLoss !== null) checkFinite([heldLoss], epoch, step - 1, settings.learningRate);
      const record = {
        epoch,
        step,
        loss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
        validationLoss: heldLoss,
        milliseconds: performance.now() - started,
      };
      history.push(record);
      onEpoch?.(record);
      if (heldLoss !== null && (best === undefined || heldLoss < best.loss)) {
        if (best !== undefined) dispose(best.weights);
        best = { epoch, loss: heldLoss, weights: network.snapshot() };
      }
      if (best !== undefined && settings.patience !== null && epoch - best.epoch >= settings.patience) break;
      await breathe(signal);
    }
    if (best !== undefined) network.restore(best.weights);
    return { layers: network.weights(), history, epoch: best?.epoch ?? history.length };
  } finally {
    network.dispose();
    optimizer.dispose();
    if (held !== null) held.rows.dispose();
    if (best !== undefined) dispose(best.weights);
  }
}
