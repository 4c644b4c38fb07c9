import type { FeatureCache } from '../features/schema.js';
import { combineRows, fullCoordinates, spanCoordinates, type Coordinates } from './coordinates.js';
import { initialWeights, scaleOutput, type LayerWeights } from './dense.js';
import { FEATURE_LENGTH } from '../backbone/vgg16.js';
import { fit, type EpochRecord, type Matrix } from './fit.js';
import type { Gram } from './gram.js';
import { throwIfInterrupted } from './interruption.js';
import { openPredictor } from './network.js';
import { normalizedProducts } from './normalize.js';
import { fitRidge, predictRidge } from './ridge.js';
import type { Settings } from './settings.js';
import type { Part } from './split.js';
import { fitTransform, toTraining, toUnit, type TargetTransform } from './target.js';

/** A photograph with its number. */
export interface Example {
  readonly id: string;
  /** sha256 (hex) of the photograph's bytes; copies share it. */
  readonly digest: string;
  /** In the target's unit. */
  readonly target: number;
  /** Examples of one group are never parted; the digest, or a column's cell. */
  readonly group: string;
}

/** What heads are trained on, opened once for many of them. */
export interface Experiment {
  readonly cache: FeatureCache;
  readonly examples: readonly Example[];
  /** Of all examples; null where there are more photographs than features, so that it would help nothing. */
  readonly gram: Gram | null;
}

export interface TrainHooks {
  readonly signal: AbortSignal;
  readonly onEpoch?: (record: EpochRecord) => void;
}

export interface TrainedHead {
  /**
   * In the target's unit, an example each. Those of validation examples are from before a refit, when the head had not
   * been trained on them.
   */
  readonly predictions: Float32Array;
  readonly transform: TargetTransform;
  /** Of a dense head. */
  readonly history: readonly EpochRecord[];
  /** The epoch that the weights are from; null for ridge. */
  readonly epoch: number | null;
  /** Whether it was trained again on training and validation examples. */
  readonly refitted: boolean;
  /** Columns of the space that the first layer was trained in. */
  readonly width: number;
  /**
   * The head over all 25,088 features (after settings.normalize): `scale` and `shift` of the transform are folded in, so that it gives
   * the target in its unit, or its logarithm.
   */
  layers(): Promise<LayerWeights[]>;
}

const distinct = (digests: readonly string[]): string[] => [...new Set(digests)].toSorted();

async function openCoordinates(
  { cache, gram }: Experiment,
  training: readonly Example[],
  settings: Settings,
): Promise<Coordinates> {
  const digests = distinct(training.map(({ digest }) => digest));
  if (gram !== null && settings.space === 'span') return spanCoordinates(cache, gram, digests, settings);
  return fullCoordinates(cache, digests, settings);
}

function matrix(coordinates: Coordinates, examples: readonly Example[], transform: TargetTransform): Matrix {
  const targets = examples.map(({ target }) => target);
  return {
    width: coordinates.width,
    targets: toTraining(transform, targets),
    rows: async (indices) => coordinates.rows(Array.from(indices, (index) => examples[index]?.digest ?? '')),
  };
}

/** Rows that are pushed through the network at once where it predicts. */
const PREDICT_ROWS = 256;

async function predictAll(
  layers: readonly LayerWeights[],
  coordinates: Coordinates,
  examples: readonly Example[],
): Promise<number[]> {
  const predictor = await openPredictor(layers.length);
  const outputs: number[] = [];
  try {
    for (let start = 0; start < examples.length; start += PREDICT_ROWS) {
      const digests = examples.slice(start, start + PREDICT_ROWS).map(({ digest }) => digest);
      outputs.push(...(await predictor.predict(layers, await coordinates.rows(digests))));
    }
  } finally {
    await predictor.close();
  }
  return outputs;
}

/** Fits on some examples; others may choose the epoch. */
async function fitExamples(
  experiment: Experiment,
  training: readonly Example[],
  validation: readonly Example[],
  settings: Settings,
  { signal, onEpoch }: TrainHooks,
) {
  const transform = fitTransform(
    settings.target,
    training.map(({ target }) => target),
  );
  const coordinates = await openCoordinates(experiment, training, settings);
  const fitted = await fit({
    initial: initialWeights(coordinates.width, FEATURE_LENGTH, settings.hidden, settings.initSeed),
    train: matrix(coordinates, training, transform),
    validation: validation.length === 0 ? null : matrix(coordinates, validation, transform),
    settings,
    signal,
    ...(onEpoch === undefined ? {} : { onEpoch }),
  });
  const { examples } = experiment;
  const predictions = toUnit(transform, await predictAll(fitted.layers, coordinates, examples));
  return { transform, coordinates, fitted, predictions };
}

async function trainDense(
  experiment: Experiment,
  parts: readonly Part[],
  settings: Settings,
  hooks: TrainHooks,
): Promise<TrainedHead> {
  const { examples } = experiment;
  const training = examples.filter((_, index) => parts[index] === 'train');
  const validation = examples.filter((_, index) => parts[index] === 'validation');
  const first = await fitExamples(experiment, training, validation, settings, hooks);
  const { epoch, history } = first.fitted;
  const refitted = settings.refit && validation.length > 0;
  const last = refitted
    ? await fitExamples(experiment, [...training, ...validation], [], { ...settings, epochs: epoch }, hooks)
    : first;
  // A refitted head has seen the validation photographs: what is said of them stays from the head that had not.
  const predictions = last.predictions.map((value, index) =>
    parts[index] === 'validation' ? (first.predictions[index] ?? Number.NaN) : value,
  );
  const { transform, coordinates, fitted } = last;
  return {
    predictions,
    transform,
    history,
    epoch,
    refitted,
    width: coordinates.width,
    async layers() {
      const [input, ...rest] = fitted.layers;
      if (input === undefined) return [];
      const kernel = await coordinates.kernelOf(input.kernel, input.outputs);
      return scaleOutput([{ ...input, inputs: FEATURE_LENGTH, kernel }, ...rest], transform.scale, transform.shift);
    },
  };
}

async function trainRidge(
  { cache, examples }: Experiment,
  gram: Gram,
  parts: readonly Part[],
  settings: Settings,
  { signal }: TrainHooks,
): Promise<TrainedHead> {
  const training = examples.filter((_, index) => parts[index] === 'train');
  const digests = training.map(({ digest }) => digest);
  const targets = training.map(({ target }) => target);
  const transform = fitTransform(settings.target, targets);
  const products = normalizedProducts(settings.normalize, gram);
  const ridge = await fitRidge(products.block(digests, digests), toTraining(transform, targets), {
    onPenalty: () => throwIfInterrupted(signal),
  });
  const all = examples.map(({ digest }) => digest);
  const outputs = products.block(all, digests).map((row) => predictRidge(ridge, row));
  return {
    predictions: toUnit(transform, outputs),
    transform,
    history: [],
    epoch: null,
    refitted: false,
    width: digests.length,
    async layers() {
      const dual = new Map<string, number>();
      for (const [index, digest] of digests.entries()) {
        dual.set(digest, (dual.get(digest) ?? 0) + (ridge.dual[index] ?? 0));
      }
      const kernel = await combineRows(
        cache,
        settings.normalize,
        [...dual.keys()],
        Float64Array.from(dual.values()),
        1,
      );
      const bias = Float32Array.of(ridge.intercept);
      return scaleOutput([{ inputs: FEATURE_LENGTH, outputs: 1, kernel, bias }], transform.scale, transform.shift);
    },
  };
}

/**
 * Trains one head on the examples whose part is `train`; those of `validation` choose the epoch.
 * @throws InputError where the targets do not vary, a row is damaged or a loss is not finite; InterruptedError
 */
export async function trainHead(
  experiment: Experiment,
  parts: readonly Part[],
  settings: Settings,
  hooks: TrainHooks,
): Promise<TrainedHead> {
  if (settings.head === 'ridge' && experiment.gram !== null) {
    return trainRidge(experiment, experiment.gram, parts, settings, hooks);
  }
  return trainDense(experiment, parts, settings, hooks);
}
