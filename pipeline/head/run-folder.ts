import { randomUUID } from 'node:crypto';
import { lstat, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { errorCode, InputError } from '../errors.js';
import { removeAbandoned, writeAtomically, writeFault } from '../files/atomic.js';
import type { LayerWeights } from './dense.js';
import type { Example } from './experiment.js';
import type { EpochRecord } from './fit.js';
import { saveLayersModel } from './layers-model.js';
import { fingerprint, readRunConfig, type RunConfig } from './run-config.js';
import type { Part } from './split.js';

/** The file of artifacts/ that names the last run. */
export const LATEST = 'latest';

export interface RunContent {
  readonly config: RunConfig;
  readonly history: readonly EpochRecord[];
  readonly examples: readonly Example[];
  readonly parts: readonly Part[];
  readonly predictions: ArrayLike<number>;
  readonly layers: readonly LayerWeights[];
  readonly summary: object;
}

/** Names below artifacts/ that pool5 uses itself. */
const RESERVED: readonly string[] = [LATEST, 'records'];

/** @throws InputError where a folder below artifacts/ cannot have this name */
export function checkName(name: string, option: string): void {
  if (/^\w[\w.+=-]*$/.test(name) && !RESERVED.includes(name)) return;
  throw new InputError({
    expected: 'a name of letters, digits and . _ - + =',
    found: `"${name}"`,
    where: option,
    fix: `${RESERVED.join(' and ')} are taken.`,
  });
}

/**
 * Whether a run of this name may be written: it is new, or has the same fingerprint and so the same numbers.
 * @throws InputError where it would replace another run
 */
export async function checkRunName(artifacts: string, name: string, config: RunConfig): Promise<void> {
  checkName(name, '--run');
  const folder = join(artifacts, name);
  if (await isAbsent(folder)) return;
  const other = await readRunConfig(join(folder, 'config.json'));
  if (fingerprint(other) === fingerprint(config)) return;
  throw new InputError({
    expected: 'a new name, or a run of the same settings and photographs',
    found: 'another run',
    where: folder,
    fix: 'Give another --run, or remove that one.',
  });
}

async function isAbsent(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return false;
  } catch (error) {
    return errorCode(error) === 'ENOENT';
  }
}

const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;

async function writeFiles(folder: string, content: RunContent): Promise<void> {
  const { config, history, examples, parts, predictions, layers, summary } = content;
  const rows = examples.map(({ id, target }, index) => [id, parts[index], target, predictions[index]]);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), json(config));
  await writeFile(join(folder, 'metrics.jsonl'), history.map((record) => `${JSON.stringify(record)}\n`).join(''));
  await writeFile(
    join(folder, 'predictions.csv'),
    stringify(rows, { header: true, columns: ['id', 'split', 'target', 'prediction'] }),
  );
  await writeFile(join(folder, 'summary.json'), json(summary));
  await saveLayersModel(folder, config.settings.normalize, layers);
}

/** Moves a finished folder to its place; the run that was there is removed once it is replaced. */
async function swap(finished: string, folder: string, aside: string): Promise<void> {
  try {
    await rename(folder, aside);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  await rename(finished, folder);
  await rm(aside, { recursive: true, force: true });
}

/**
 * Writes a run whole or not at all, and points artifacts/latest at it.
 * @returns the run's folder
 * @throws WorldError where the disk is full and the like
 */
export async function saveRun(artifacts: string, name: string, content: RunContent): Promise<string> {
  const folder = join(artifacts, name);
  // The pattern of files/atomic.ts, so that what a killed process left is found and removed.
  const temporary = join(artifacts, `.tmp-${hostname().replaceAll(/[^\w-]/g, '_')}-${process.pid}-${randomUUID()}`);
  try {
    await removeAbandoned(artifacts);
    await writeFiles(temporary, content);
    await swap(temporary, folder, `${temporary}-before`);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw writeFault(error, folder);
  }
  await writeAtomically(join(artifacts, LATEST), `${name}\n`);
  return folder;
}
