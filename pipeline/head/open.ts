import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FEATURE_LENGTH } from '../backbone/vgg16.js';
import { InputError } from '../errors.js';
import type { CacheKey } from '../features/schema.js';
import { outputOf, type LayerWeights } from './dense.js';
import { readLayers } from './layers-model.js';
import { normalizeRows } from './normalize.js';
import { readRunConfig, type RunConfig } from './run-config.js';
import { LATEST } from './run-folder.js';

/** A trained head. */
export interface Head {
  readonly folder: string;
  readonly config: RunConfig;
  /** Of the predictions, e.g. cm; '' where it is not known. */
  readonly unit: string;
  /** What the features must have been made with. */
  readonly key: CacheKey;
  /**
   * @param features float32 [n, 7, 7, 512], flattened
   * @returns n numbers in the target's unit
   * @throws InputError where the length is not that of n features
   */
  predict(features: Float32Array): Float32Array;
  /** The dense layers' numbers; config.settings tells whether features are normalized in front of them. */
  layers(): readonly LayerWeights[];
  /** Lets the weights go; it predicts nothing after that. */
  close(): void;
}

async function exists(path: string): Promise<'file' | 'folder' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch {
    return undefined;
  }
}

/**
 * The folder of a run.
 * @param nameOrFolder a run's folder, its name below `artifacts`, or `latest`
 * @throws InputError where it is not a run
 */
export async function resolveRun(nameOrFolder: string, artifacts: string): Promise<string> {
  for (const path of [nameOrFolder, join(artifacts, nameOrFolder)]) {
    const kind = await exists(path);
    if (kind === 'file' && basename(path) === LATEST) {
      return resolveRun((await readFile(path, 'utf8')).trim(), dirname(path));
    }
    if (kind !== 'folder') continue;
    if ((await exists(join(path, 'config.json'))) === 'file') return path;
    throw new InputError({
      expected: "a run's folder",
      found: 'a folder without config.json',
      where: path,
      fix: 'pool5 runs lists the runs there are.',
    });
  }
  throw new InputError({
    expected: "a run's folder, or its name",
    found: `"${nameOrFolder}"`,
    where: `--run; searched in ${artifacts}`,
    fix: 'pool5 runs lists the runs there are; pool5 train makes one.',
  });
}

/**
 * Opens the head of a run; the backbone is not part of it.
 * @param folder see resolveRun
 * @throws InputError where the run is damaged
 */
export async function openHead(folder: string): Promise<Head> {
  const config = await readRunConfig(join(folder, 'config.json'));
  let layers: readonly LayerWeights[] | undefined = await readLayers(folder);
  const opened = (): readonly LayerWeights[] => {
    if (layers === undefined) throw new Error('The head is closed.');
    return layers;
  };
  const logarithm = config.settings.target === 'log';
  return {
    folder,
    config,
    unit: config.labels.unit,
    key: config.features.key,
    predict(features) {
      const count = features.length / FEATURE_LENGTH;
      if (count < 1 || !Number.isInteger(count)) {
        throw new InputError({
          expected: 'features of shape [n, 7, 7, 512]',
          found: `${features.length} numbers`,
          fix: `A photograph has ${FEATURE_LENGTH.toLocaleString('en')}.`,
        });
      }
      const rows = features.slice();
      normalizeRows(config.settings.normalize, rows);
      return Float32Array.from({ length: count }, (_, index) => {
        const output = outputOf(opened(), rows.subarray(index * FEATURE_LENGTH, (index + 1) * FEATURE_LENGTH));
        return logarithm ? Math.exp(output) : output;
      });
    },
    layers: opened,
    close: () => void (layers = undefined),
  };
}

/**
 * Checks that photographs become the features that a head was trained on.
 * @throws InputError that names what differs
 */
export function checkKey(head: Head, key: Pick<CacheKey, 'weights' | 'preprocessing'>): void {
  const parts = [
    ['weights', 'weights of the backbone', 'Give the same --weights as when the features were extracted.'],
    ['preprocessing', 'preprocessing version', 'Train it again.'],
  ] as const;
  for (const [part, what, fix] of parts) {
    if (head.key[part] === key[part]) continue;
    const expected = `the ${what} that the head was trained on (${head.key[part]})`;
    throw new InputError({ expected, found: key[part], where: head.folder, fix });
  }
}
