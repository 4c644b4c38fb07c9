import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errorCode } from '../errors.js';
import { writeAtomically } from '../files/atomic.js';
import { settingsSchema } from './settings.js';

const metrics = z.strictObject({ count: z.int(), mae: z.number(), rmse: z.number(), r2: z.number().nullable() });

const recordSchema = z.strictObject({
  version: z.literal(1),
  /** See fingerprint in run-config.ts. */
  fingerprint: z.string(),
  settings: settingsSchema,
  /** Why training stopped without a head; null where it did not. */
  failure: z.string().nullable(),
  metrics: z.strictObject({
    train: metrics.nullable(),
    validation: metrics.nullable(),
    /** Of photographs that chose nothing: the holdout part, or with folds all of them. */
    holdout: metrics.nullable(),
  }),
  epoch: z.int().nullable(),
  history: z.array(
    z.strictObject({
      epoch: z.int(),
      step: z.int(),
      loss: z.number(),
      validationLoss: z.number().nullable(),
      milliseconds: z.number(),
    }),
  ),
  /** In the labels' order. */
  parts: z.array(z.enum(['train', 'validation', 'holdout', 'test'])),
  predictions: z.array(z.number()),
  seconds: z.number(),
});

/** What a sweep keeps of a run: artifacts/records/FINGERPRINT.json. */
export type SweepRecord = z.infer<typeof recordSchema>;

/** Ends a worker thread once its operation in onnxruntime is over: to end it within would abort the process. */
export const STOP = 'stop';

/** What a worker thread answers to a task. */
export const replySchema = z.union([
  z.strictObject({ record: recordSchema }),
  z.strictObject({ error: z.string(), kind: z.enum(['input', 'world', 'fault']) }),
]);

const fileOf = (artifacts: string, fingerprint: string): string => join(artifacts, 'records', `${fingerprint}.json`);

/** A finished run's record; undefined where there is none, or it cannot be read (the run is then repeated). */
export async function readRecord(artifacts: string, fingerprint: string): Promise<SweepRecord | undefined> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(fileOf(artifacts, fingerprint), 'utf8')));
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}

export async function writeRecord(artifacts: string, record: SweepRecord): Promise<void> {
  await writeAtomically(fileOf(artifacts, record.fingerprint), `${JSON.stringify(record)}\n`);
}
