import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256Of } from '../files/sha256.js';
import { errorCode, InputError } from '../errors.js';
import { PACKAGE_ROOT } from '../package-root.js';
import { settingsSchema } from './settings.js';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

const keySchema = z.strictObject({
  weights: digest,
  preprocessing: z.string(),
  layer: z.literal('pool5'),
  dtype: z.enum(['float32', 'float16']),
  precision: z.literal('int8').exactOptional(),
});

const packageSchema = z.object({ version: z.string() });

/** pool5's own version, which a run records. */
export async function pool5Version(): Promise<string> {
  return packageSchema.parse(JSON.parse(await readFile(join(PACKAGE_ROOT, 'package.json'), 'utf8'))).version;
}

/** config.json of a run: all that is needed to repeat it, and what predict has to know. */
const runConfigSchema = z.strictObject({
  version: z.literal(1),
  pool5: z.string(),
  preset: z.enum(['default', 'tutorial']),
  labels: z.strictObject({
    /** As it was given, from the folder where pool5 was started. */
    file: z.string(),
    sha256: digest,
    id: z.string().nullable(),
    target: z.string(),
    unit: z.string(),
    splitBy: z.string().nullable(),
  }),
  features: z.strictObject({
    folder: z.string(),
    /** FeatureCache.identity. */
    identity: digest,
    key: keySchema,
    /** sha256 over the labelled photographs' ids and digests. */
    images: digest,
    /** FeatureCache.ranges. */
    ranges: z.record(z.string(), z.array(z.number())).exactOptional(),
    /** Whether the backbone's weights are random. */
    random: z.boolean(),
  }),
  settings: settingsSchema,
});

export type RunConfig = z.infer<typeof runConfigSchema>;

/** sha256 (hex) over which photograph an id stands for. */
export function imagesDigest(images: Iterable<{ readonly id: string; readonly digest: string }>): string {
  const lines = Array.from(images, ({ id, digest: bytes }) => `${bytes} ${id}\n`);
  return sha256Of(lines.toSorted().join(''));
}

/** sha256 (hex) of what decides a run's numbers: equal fingerprints, equal heads, whatever files are called. */
export function fingerprint({ labels, features, settings }: RunConfig): string {
  const { sha256: content, id, target, splitBy } = labels;
  const parts = { content, id, target, splitBy, identity: features.identity, images: features.images };
  const sorted = Object.entries(settings).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return sha256Of(JSON.stringify([parts, sorted]));
}

/** @throws InputError where the file is missing or is not a run's config.json */
export async function readRunConfig(file: string): Promise<RunConfig> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (errorCode(cause) !== 'ENOENT' && errorCode(cause) !== 'ENOTDIR') throw cause;
    throw new InputError({ expected: "a run's config.json", found: 'no such file', where: file }, { cause });
  }
  try {
    return runConfigSchema.parse(JSON.parse(text));
  } catch (cause) {
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined;
    const found = issue === undefined ? 'something that is not JSON' : `${issue.message} at "${issue.path.join('.')}"`;
    throw new InputError({ expected: "a run's config.json", found, where: file }, { cause });
  }
}

/**
 * Checks that inputs are those that a run was made from, so that repeating it gives the same bits.
 * @param inputs as they are now
 * @throws InputError that names what changed
 */
export function checkInputs(run: RunConfig, inputs: Pick<RunConfig, 'labels' | 'features'>): void {
  const parts = [
    ['the labels that the run was made from', run.labels.sha256, inputs.labels.sha256, inputs.labels.file],
    ['the cache that the run was made from', run.features.identity, inputs.features.identity, inputs.features.folder],
    ['the photographs that the run was made from', run.features.images, inputs.features.images, inputs.features.folder],
  ] as const;
  for (const [what, expected, found, where] of parts) {
    if (expected === found) continue;
    throw new InputError({
      expected: `${what} (sha256 ${expected.slice(0, 12)})`,
      found: `others (${found.slice(0, 12)})`,
      where,
      fix: 'Without --config, pool5 train makes a new run from them.',
    });
  }
}
