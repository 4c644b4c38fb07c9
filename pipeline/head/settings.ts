import { z } from 'zod';

const fraction = z.number().min(0).lt(1);
const count = z.int().positive();

/** Everything that decides a head besides its examples: equal settings and examples give equal heads, bit for bit. */
export const settingsSchema = z.strictObject({
  head: z.enum(['dense', 'ridge']),
  /** Units of the hidden layers, each followed by relu. */
  hidden: z.array(count).min(1),
  optimizer: z.enum(['sgd', 'momentum', 'rmsprop', 'adam']),
  learningRate: z.number().positive(),
  /** Examples a step. */
  batch: count,
  /** Passes through the training examples, at most. */
  epochs: count,
  /** Epochs without a lower validation loss after which training stops; null: never. */
  patience: count.nullable(),
  /** Trains once more on training and validation examples together, for as many epochs as those chose. */
  refit: z.boolean(),
  /** Instead of epochs: so many batches, each drawn with replacement. */
  steps: count.nullable(),
  /** Fraction of hidden units switched off in each training step. */
  dropout: fraction,
  /** Each step shrinks the kernels by this times the learning rate (decoupled, Loshchilov and Hutter 2019). */
  weightDecay: z.number().min(0),
  target: z.enum(['standard', 'raw', 'log']),
  space: z.enum(['span', 'full']),
  /**
   * `layer`: each photograph's features are brought to mean 0 and variance 1 (Ba, Kiros and Hinton, "Layer
   * Normalization", 2016) in front of the head, which is then a layer more; `none`: as they are.
   */
  normalize: z.enum(['none', 'layer']),
  /** Features are multiplied by one number so that their mean squared norm is this; null: as they are. */
  squaredNorm: z.number().positive().nullable(),
  /** See SplitSettings. */
  validation: fraction,
  holdout: fraction,
  test: fraction,
  /** Cross-validation: so many heads, each held against the fold that it has not seen; null: none. */
  folds: z.int().min(2).nullable(),
  splitSeed: z.int().min(0),
  initSeed: z.int().min(0),
  batchSeed: z.int().min(0),
});

export type Settings = z.infer<typeof settingsSchema>;

export type PresetName = 'default' | 'tutorial';

export const PRESET_NAMES: readonly [PresetName, PresetName] = ['default', 'tutorial'];

/** `default` is what pool5 recommends; `tutorial` what the tutorial did. */
export const PRESETS: Readonly<Record<PresetName, Settings>> = {
  default: {
    head: 'dense',
    hidden: [256],
    optimizer: 'adam',
    learningRate: 0.001,
    batch: 32,
    epochs: 100,
    patience: 20,
    refit: true,
    steps: null,
    dropout: 0,
    weightDecay: 0,
    target: 'standard',
    space: 'span',
    normalize: 'layer',
    squaredNorm: 16,
    validation: 0.2,
    holdout: 0,
    test: 0,
    folds: null,
    splitSeed: 1,
    initSeed: 1,
    batchSeed: 1,
  },
  tutorial: {
    head: 'dense',
    hidden: [256],
    optimizer: 'rmsprop',
    learningRate: 0.001,
    batch: 6,
    epochs: 1,
    patience: null,
    refit: false,
    steps: 100,
    dropout: 0,
    weightDecay: 0,
    target: 'raw',
    space: 'full',
    normalize: 'none',
    squaredNorm: null,
    validation: 0,
    holdout: 0,
    test: 0,
    folds: null,
    splitSeed: 1,
    initSeed: 1,
    batchSeed: 1,
  },
};
