import { setImmediate } from 'node:timers/promises';
import { InputError } from '../errors.js';
import type { LayerWeights } from './dense.js';
import { throwIfInterrupted } from './interruption.js';
import { openPredictor, openTrainer } from './network.js';
import { permutation, uniformStream } from './random.js';
import type { Settings } from './settings.js';

/** Rows [n, width] and their targets [n], as the head is trained on them. */
export interface Matrix {
  readonly width: number;
  readonly targets: Float32Array;
  /** @returns float32 [indices.length, width] */
  rows(indices: Int32Array): Promise<Float32Array>;
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

/** Numbers of rows that are in memory at once: 64 MB. */
const PART_FLOATS = 2 ** 24;

/** Parts of so many whole batches as memory should hold. */
function* partsOf(order: Int32Array, width: number, batch: number): Generator<Int32Array> {
  const size = batch * Math.max(1, Math.floor(PART_FLOATS / width / batch));
  for (let start = 0; start < order.length; start += size) yield order.subarray(start, start + size);
}

/** The rows of one epoch: all in a new order, or (with `steps`) one batch drawn with replacement. */
function orderOf(count: number, { batch, steps }: Settings, uniform: () => number): Int32Array {
  if (steps === null) return permutation(count, uniform);
  return Int32Array.from({ length: batch }, () => Math.floor(uniform() * count));
}

/** Inverted dropout: what stays is scaled up, so that prediction needs no change. */
function dropoutMasks(count: number, { hidden, dropout }: Settings, uniform: () => number): Float32Array[] {
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
    return mask;
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

/**
 * Trains a dense head.
 * @throws InputError that names the step where a loss is not finite; InterruptedError
 */
export async function fit({ initial, train, validation, settings, signal, onEpoch }: FitOptions): Promise<Fitted> {
  const trainer = await openTrainer(initial, settings);
  const predictor = await openPredictor(initial.length);
  const uniform = uniformStream(settings.batchSeed, 'batches');
  const history: EpochRecord[] = [];
  let best: { readonly epoch: number; readonly loss: number; readonly layers: readonly LayerWeights[] } | undefined;
  let step = 0;

  const trainOn = async (indices: Int32Array): Promise<Float32Array> => {
    await setImmediate();
    throwIfInterrupted(signal);
    return trainer.train({
      rows: await train.rows(indices),
      targets: Float32Array.from(indices, (index) => train.targets[index] ?? Number.NaN),
      masks: dropoutMasks(indices.length, settings, uniform),
    });
  };

  const validationLoss = async (held: Matrix): Promise<number> => {
    let squared = 0;
    for (const indices of partsOf(Int32Array.from(held.targets.keys()), held.width, 1)) {
      const outputs = await predictor.predict(trainer.layers(), await held.rows(indices));
      for (const [i, index] of indices.entries()) {
        squared += ((outputs[i] ?? Number.NaN) - (held.targets[index] ?? Number.NaN)) ** 2;
      }
    }
    return squared / held.targets.length;
  };

  try {
    const last = settings.steps ?? settings.epochs;
    for (let epoch = 1; epoch <= last; epoch++) {
      const started = performance.now();
      const losses: number[] = [];
      const order = orderOf(train.targets.length, settings, uniform);
      for (const part of partsOf(order, train.width, settings.batch)) losses.push(...(await trainOn(part)));
      checkFinite(losses, epoch, step, settings.learningRate);
      step += losses.length;
      const heldLoss = validation && (await validationLoss(validation));
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
        best = { epoch, loss: heldLoss, layers: trainer.layers() };
      }
      if (best !== undefined && settings.patience !== null && epoch - best.epoch >= settings.patience) break;
    }
    return { layers: best?.layers ?? trainer.layers(), history, epoch: best?.epoch ?? history.length };
  } finally {
    await trainer.close();
    await predictor.close();
  }
}
