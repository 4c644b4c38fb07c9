import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { machineSchema } from '../machine.js';
import { checked, readRun, textOf } from './run-files.js';

const estimate = z.looseObject({
  count: z.number(),
  mean: z.number(),
  interval: z.tuple([z.number(), z.number()]).nullable(),
});

const sweepSchema = z.looseObject({
  name: z.string(),
  vary: z.string(),
  seeds: z.array(z.number()),
  unit: z.string(),
  machine: machineSchema.optional(),
  variants: z.array(
    z.looseObject({
      label: z.string(),
      runs: z.number(),
      failed: z.number(),
      metrics: z.looseObject({ rmse: estimate.nullable(), mae: estimate.nullable(), r2: estimate.nullable() }),
    }),
  ),
  differences: z.array(z.looseObject({ one: z.string(), other: z.string(), rmse: estimate })),
  /** Of each variant in turn, its runs in the order of the seeds. */
  records: z.array(z.string()),
  best: z.looseObject({ label: z.string(), seed: z.number(), folder: z.string(), run: z.string() }).nullable(),
});

const recordSchema = z.looseObject({
  settings: z.looseObject({}),
  failure: z.string().nullable(),
  history: z.array(z.looseObject({ epoch: z.number(), loss: z.number(), validationLoss: z.number().nullable() })),
  /** In the labels' order, as the predictions are. */
  parts: z.array(z.string()),
  predictions: z.array(z.number()),
});

export type SweepEstimate = z.infer<typeof estimate>;

/** A run of a sweep with the setting and seed that it belongs to. */
interface SweepRun {
  readonly label: string;
  readonly seed: number | undefined;
  readonly record: z.infer<typeof recordSchema>;
}

/** A sweep's files as they are. */
export interface SweepFiles {
  readonly folder: string;
  readonly sweep: z.infer<typeof sweepSchema>;
  readonly runs: readonly SweepRun[];
  /** Of the best run, in the labels' order: the records leave out what all share. Empty where no run was saved. */
  readonly photographs: readonly { readonly id: string; readonly target: number }[];
  /** The folder of the features that the runs used; undefined where no run was saved. */
  readonly features: string | undefined;
  /** The least RMSE that made-up labels allow, on the photographs that the best run was judged by. */
  readonly floor: number | undefined;
}

async function readRecords(artifacts: string, sweep: SweepFiles['sweep']): Promise<SweepRun[]> {
  const runs: SweepRun[] = [];
  let next = 0;
  for (const { label, runs: count } of sweep.variants) {
    for (let index = 0; index < count; index++) {
      const file = join(artifacts, 'records', `${sweep.records[next++] ?? ''}.json`);
      const text = await textOf(file);
      const record = checked(file, () => recordSchema.parse(JSON.parse(text)));
      runs.push({ label, seed: sweep.seeds[index], record });
    }
  }
  return runs;
}

/**
 * Reads a sweep and its runs' records.
 * @param name of the sweep below `artifacts`, or its folder there
 * @throws InputError where there is none, or a file is not as pool5 sweep wrote it
 */
export async function readSweep(name: string, artifacts: string): Promise<SweepFiles> {
  for (const folder of [name, join(artifacts, name)]) {
    const file = join(folder, 'sweep.json');
    if ((await stat(file).catch(() => undefined))?.isFile() !== true) continue;
    const text = await textOf(file);
    const sweep = checked(file, () => sweepSchema.parse(JSON.parse(text)));
    const runs = await readRecords(artifacts, sweep);
    const best = sweep.best === null ? undefined : await readRun(join(artifacts, sweep.best.run));
    return {
      folder,
      sweep,
      runs,
      photographs: best?.outcomes.map(({ id, target }) => ({ id, target })) ?? [],
      features: best?.config.features.folder,
      floor: best?.summary.floor ?? undefined,
    };
  }
  const where = `--sweep; searched in ${artifacts}`;
  throw new InputError({ expected: "a sweep's name", found: `"${name}"`, where, fix: 'pool5 sweep makes one.' });
}
