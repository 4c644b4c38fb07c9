import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errorCode, errorMessage, InputError } from '../errors.js';
import { readRunConfig, type RunConfig } from './run-config.js';

const metrics = z.object({ count: z.int(), mae: z.number(), rmse: z.number(), r2: z.number().nullable() }).nullable();

const summarySchema = z.object({
  photographs: z.int(),
  unit: z.string(),
  metrics: z.object({ train: metrics, validation: metrics, holdout: metrics, test: metrics }),
});

/** A saved run as a list shows it. */
export interface ListedRun {
  readonly name: string;
  readonly config: RunConfig;
  readonly summary: z.infer<typeof summarySchema>;
}

export interface Runs {
  /** By validation RMSE, the lowest first; those without one last. */
  readonly runs: readonly ListedRun[];
  /** Folders with a config.json that cannot be read, each with the reason. */
  readonly damaged: readonly { readonly name: string; readonly reason: string }[];
}

async function readSummary(file: string): Promise<ListedRun['summary']> {
  try {
    return summarySchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    throw new InputError(
      { expected: "a run's summary.json", found: 'a damaged or missing file', where: file },
      { cause },
    );
  }
}

/** @throws InputError where there is no such folder */
export async function listRuns(artifacts: string): Promise<Runs> {
  let names: string[];
  try {
    const entries = await readdir(artifacts, { withFileTypes: true });
    names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
  } catch (cause) {
    if (errorCode(cause) !== 'ENOENT') throw cause;
    throw new InputError(
      { expected: 'a folder of runs', found: 'none', where: artifacts, fix: 'pool5 train makes one.' },
      { cause },
    );
  }
  const runs: ListedRun[] = [];
  const damaged: { name: string; reason: string }[] = [];
  for (const name of names.toSorted()) {
    const folder = join(artifacts, name);
    if (!(await readdir(folder)).includes('config.json')) continue;
    try {
      const config = await readRunConfig(join(folder, 'config.json'));
      runs.push({ name, config, summary: await readSummary(join(folder, 'summary.json')) });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      damaged.push({ name, reason: errorMessage(error) });
    }
  }
  const errorOf = ({ summary }: ListedRun): number => summary.metrics.validation?.rmse ?? Infinity;
  return { runs: runs.toSorted((a, b) => (errorOf(a) < errorOf(b) ? -1 : 1)), damaged };
}

/** A config's values by path, e.g. settings.learningRate. */
function flatten(value: unknown, path: string): [string, string][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, each]) => flatten(each, path === '' ? key : `${path}.${key}`));
  }
  return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
}

/** What differs between two configs: path, value of one, value of the other. */
export function diffConfigs(one: RunConfig, other: RunConfig): [string, string, string][] {
  const first = new Map(flatten(one, ''));
  const second = new Map(flatten(other, ''));
  const paths = [...new Set([...first.keys(), ...second.keys()])];
  return paths
    .map((path): [string, string, string] => [path, first.get(path) ?? '', second.get(path) ?? ''])
    .filter(([, a, b]) => a !== b);
}

/**
 * Whether a run has the wanted values.
 * @param conditions "learning-rate=0.001", "head=ridge", "preset=tutorial": a setting's name, or a config's path
 * @throws InputError for a condition that names nothing
 */
export function matches(config: RunConfig, conditions: readonly string[]): boolean {
  const values = new Map(flatten(config, ''));
  return conditions.every((condition) => {
    const [, name = '', wanted] = /^([^=]+)=(.*)$/.exec(condition) ?? [];
    const setting = name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const value = values.get(`settings.${setting}`) ?? values.get(name);
    if (value === undefined || wanted === undefined) {
      throw new InputError({
        expected: 'a condition such as learning-rate=0.001 or head=ridge',
        found: `"${condition}"`,
        where: '--where',
      });
    }
    // A list of hidden layers as train takes it.
    return value === wanted || value === `[${wanted}]` || (value !== '' && Number(value) === Number(wanted));
  });
}
