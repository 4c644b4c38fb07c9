import { InputError } from '../errors.js';
import { PRESETS, settingsSchema, type PresetName, type Settings } from './settings.js';

/** The options of a head's settings as yargs declares them; each overrides the preset. */
export const SETTING_OPTIONS = {
  head: { choices: ['dense', 'ridge'], describe: 'Kind of head', group: 'Head:' },
  hidden: { type: 'string', describe: 'Units of the hidden layers, e.g. 256,64', group: 'Head:' },
  dropout: { type: 'number', describe: 'Fraction of hidden units switched off in a step', group: 'Head:' },
  normalize: {
    choices: ['none', 'layer'],
    describe: "Bring each photograph's features to mean 0 and variance 1",
    group: 'Head:',
  },
  'squared-norm': {
    type: 'number',
    describe: 'Mean squared norm that one factor gives the features',
    group: 'Head:',
  },
  space: {
    choices: ['span', 'full'],
    describe: 'Train the first layer in the span of the training photographs, or over all 25,088 features',
    group: 'Head:',
  },
  optimizer: { choices: ['sgd', 'momentum', 'rmsprop', 'adam'], describe: 'Optimizer', group: 'Training:' },
  'learning-rate': { type: 'number', describe: 'Learning rate', group: 'Training:' },
  'weight-decay': { type: 'number', describe: 'Weight decay (decoupled)', group: 'Training:' },
  batch: { type: 'number', describe: 'Photographs a step', group: 'Training:' },
  epochs: { type: 'number', describe: 'Passes through the training photographs, at most', group: 'Training:' },
  steps: { type: 'number', describe: 'Instead of epochs: batches drawn with replacement', group: 'Training:' },
  patience: {
    type: 'number',
    describe: 'Epochs without a better validation loss before training stops',
    group: 'Training:',
  },
  refit: { type: 'boolean', describe: 'Train again on training and validation photographs', group: 'Training:' },
  target: { choices: ['standard', 'raw', 'log'], describe: 'What the head is trained on', group: 'Training:' },
  validation: { type: 'number', describe: 'Fraction of photographs that choose the epoch', group: 'Split:' },
  holdout: { type: 'number', describe: 'Fraction that chooses nothing, to compare heads on', group: 'Split:' },
  test: { type: 'number', describe: 'Fraction kept to be looked at once', group: 'Split:' },
  folds: { type: 'number', describe: 'Cross-validate with so many folds', group: 'Split:' },
  seed: { type: 'number', describe: 'All three seeds', group: 'Seeds:' },
  'split-seed': { type: 'number', describe: 'Seed of the split', group: 'Seeds:' },
  'init-seed': { type: 'number', describe: 'Seed of the initial weights', group: 'Seeds:' },
  'batch-seed': { type: 'number', describe: 'Seed of the batches', group: 'Seeds:' },
} as const;

/** Options as they were given: undefined where the preset decides. */
export interface SettingOptions {
  readonly head?: Settings['head'] | undefined;
  readonly hidden?: string | undefined;
  readonly dropout?: number | undefined;
  readonly normalize?: Settings['normalize'] | undefined;
  readonly squaredNorm?: number | undefined;
  readonly space?: Settings['space'] | undefined;
  readonly optimizer?: Settings['optimizer'] | undefined;
  readonly learningRate?: number | undefined;
  readonly weightDecay?: number | undefined;
  readonly batch?: number | undefined;
  readonly epochs?: number | undefined;
  readonly steps?: number | undefined;
  readonly patience?: number | undefined;
  readonly refit?: boolean | undefined;
  readonly target?: Settings['target'] | undefined;
  readonly validation?: number | undefined;
  readonly holdout?: number | undefined;
  readonly test?: number | undefined;
  readonly folds?: number | undefined;
  readonly seed?: number | undefined;
  readonly splitSeed?: number | undefined;
  readonly initSeed?: number | undefined;
  readonly batchSeed?: number | undefined;
}

/** "256,64" as [256, 64]. */
function hiddenOf(text: string): number[] {
  const units = text.split(',').map(Number);
  if (units.every((value) => Number.isInteger(value) && value > 0)) return units;
  throw new InputError({ expected: 'whole numbers above 0, such as 256 or 256,64', found: text, where: '--hidden' });
}

const dashed = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const oneOf = (option: 'head' | 'normalize' | 'space' | 'optimizer' | 'target'): string =>
  `one of ${SETTING_OPTIONS[option].choices.join(', ')}`;

const LIMITS: Readonly<Record<string, string>> = {
  head: oneOf('head'),
  normalize: oneOf('normalize'),
  space: oneOf('space'),
  optimizer: oneOf('optimizer'),
  target: oneOf('target'),
  learningRate: 'a number above 0',
  squaredNorm: 'a number above 0',
  weightDecay: 'a number of at least 0',
  dropout: 'a fraction from 0 to below 1',
  validation: 'a fraction from 0 to below 1',
  holdout: 'a fraction from 0 to below 1',
  test: 'a fraction from 0 to below 1',
  folds: 'a whole number of at least 2',
  splitSeed: 'a whole number of at least 0',
  initSeed: 'a whole number of at least 0',
  batchSeed: 'a whole number of at least 0',
};

/**
 * A preset with what the options override.
 * @throws InputError that names the first option with a value that cannot be
 */
export function settingsFrom(preset: PresetName, given: SettingOptions): Settings {
  const { seed, hidden, ...others } = given;
  const names = Object.keys(settingsSchema.shape);
  const named = Object.entries(others).filter(([name, value]) => value !== undefined && names.includes(name));
  const result = settingsSchema.safeParse({
    ...PRESETS[preset],
    ...(seed === undefined ? {} : { splitSeed: seed, initSeed: seed, batchSeed: seed }),
    ...(hidden === undefined ? {} : { hidden: hiddenOf(hidden) }),
    ...Object.fromEntries(named),
  });
  if (result.success) return result.data;
  const name = String(result.error.issues[0]?.path[0] ?? '');
  const seeded = seed !== undefined && !(name in Object.fromEntries(named)) && name.endsWith('Seed');
  throw new InputError({
    expected: LIMITS[name] ?? 'a whole number above 0',
    found: String(seeded ? seed : Object.fromEntries(named)[name]),
    where: `--${seeded ? 'seed' : dashed(name)}`,
  });
}
