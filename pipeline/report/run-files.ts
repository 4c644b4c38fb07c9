import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { errorCode, errorMessage, InputError } from '../errors.js';
import { machineSchema } from '../machine.js';

const errors = z.object({ mae: z.number().nullish(), rmse: z.number().nullish() }).nullish();
const byPart = z.record(z.string(), errors);

/** What the page needs of config.json and summary.json; the rest is shown as it stands. */
const configSchema = z.looseObject({
  labels: z.looseObject({ target: z.string(), unit: z.string() }),
  features: z.looseObject({ folder: z.string(), identity: z.string(), random: z.boolean() }),
  settings: z.looseObject({ target: z.string() }),
});

const summarySchema = z.looseObject({
  baselines: z.looseObject({ mean: byPart.nullish(), ridge: z.looseObject({ parts: byPart }).nullish() }).nullish(),
  epoch: z.number().nullish(),
  refitted: z.boolean().optional(),
  /** The least RMSE that made-up labels allow, for the part that chose the least. */
  floor: z.number().nullish(),
  machine: machineSchema.optional(),
  seconds: z.record(z.string(), z.number()).optional(),
});

const metricSchema = z.looseObject({ epoch: z.number(), loss: z.number(), validationLoss: z.number().nullish() });

const outcomeSchema = z.object({
  id: z.string().min(1),
  split: z.string().min(1),
  target: z.coerce.number(),
  prediction: z.coerce.number(),
});

/** A run's files as they are. */
export interface RunFiles {
  readonly folder: string;
  readonly name: string;
  readonly config: z.infer<typeof configSchema>;
  readonly summary: z.infer<typeof summarySchema>;
  readonly metrics: readonly z.infer<typeof metricSchema>[];
  readonly outcomes: readonly z.infer<typeof outcomeSchema>[];
}

export async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (errorCode(cause) !== 'ENOENT' && errorCode(cause) !== 'ENOTDIR') throw cause;
    const fix = 'Name a run with --run; pool5 train makes one.';
    throw new InputError(
      { expected: `a run with ${basename(file)}`, found: 'none', where: dirname(file), fix },
      { cause },
    );
  }
}

export function checked<Value>(file: string, read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined;
    const found = issue === undefined ? errorMessage(cause) : `${issue.message} at ${issue.path.join('.')}`;
    throw new InputError({ expected: "a run's file as pool5 train wrote it", found, where: file }, { cause });
  }
}

function jsonLines(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
}

/**
 * The folder that a run's name or folder stands for; without one, or for `latest`, the last run.
 * @throws InputError where there is none
 */
export async function findRun(run: string | undefined, artifacts: string): Promise<string> {
  const last = run === undefined || run === 'latest';
  const name = last ? (await readFile(join(artifacts, 'latest'), 'utf8').catch(() => '')).trim() : run;
  for (const folder of name === '' ? [] : [name, join(artifacts, name)]) {
    const stats = await stat(join(folder, 'config.json')).catch(() => undefined);
    if (stats?.isFile() === true) return folder;
  }
  throw new InputError({
    expected: "a run's folder or its name",
    found: last ? 'no run yet' : `"${run}"`,
    where: last ? artifacts : `--run; searched in ${artifacts}`,
    fix: 'pool5 train makes one.',
  });
}

/**
 * Reads the files of a run.
 * @throws InputError that names a file which is missing or is not as pool5 train wrote it
 */
export async function readRun(folder: string): Promise<RunFiles> {
  const path = (name: string): string => join(folder, name);
  const [config, summary, metrics, predictions] = await Promise.all(
    ['config.json', 'summary.json', 'metrics.jsonl', 'predictions.csv'].map((name) => textOf(path(name))),
  );
  const outcomes = checked(path('predictions.csv'), () => {
    const rows: unknown = parse(predictions ?? '', { columns: true, skip_empty_lines: true });
    return z.array(outcomeSchema).min(1).parse(rows);
  });
  return {
    folder,
    name: basename(folder),
    config: checked(path('config.json'), () => configSchema.parse(JSON.parse(config ?? ''))),
    summary: checked(path('summary.json'), () => summarySchema.parse(JSON.parse(summary ?? ''))),
    metrics: checked(path('metrics.jsonl'), () => z.array(metricSchema).parse(jsonLines(metrics ?? ''))),
    outcomes,
  };
}
