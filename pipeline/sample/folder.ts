import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import pLimit from 'p-limit';
import { z } from 'zod';
import { sha256Of } from '../files/sha256.js';
import { errorCode, InputError, InterruptedError } from '../errors.js';
import { drawPicture } from './picture.js';
import { lengthOf, speciesOf } from './scene.js';

/** Counts up when the drawing changes, so that an earlier sample is drawn anew. */
const DRAWING = 1;

const RECORD = 'sample.json';
const LABELS = 'labels.csv';
/** Where files are made before they move to their place, inside the folder itself (one file system). */
const UNFINISHED = '.unfinished';

/** What sample.json holds: with it, a later run tells its own files from everybody else's. */
const recordSchema = z.object({
  pool5: z.literal('sample'),
  drawing: z.number().int(),
  seed: z.number().int(),
  count: z.number().int(),
  /** Path below the folder, with / -> sha256 (hex) of the bytes. */
  files: z.record(z.string(), z.string()),
});
type SampleRecord = z.infer<typeof recordSchema>;

export interface SampleOptions {
  readonly seed: number;
  /** How many pictures, half of them of tigers. */
  readonly count: number;
  readonly signal: AbortSignal;
  drawn(done: number): void;
}

/** The id of picture k (1, 2, ...): tiger/tiger.0001.jpg, kittycat/kittycat.0001.jpg, tiger/tiger.0002.jpg, ... */
export function imageId(k: number): string {
  const species = speciesOf(k);
  return `${species}/${species}.${String(Math.ceil(k / 2)).padStart(4, '0')}.jpg`;
}

/** The labels of pictures 1 to count: image (the id), length_cm (one decimal), species; in the order of the ids. */
function labelsOf(seed: number, count: number): string {
  const rows = Array.from({ length: count }, (_, i) => ({
    image: imageId(i + 1),
    length_cm: lengthOf(seed, i + 1).toFixed(1),
    species: speciesOf(i + 1),
  }));
  return stringify(
    rows.toSorted((a, b) => (a.image < b.image ? -1 : 1)),
    { header: true },
  );
}

async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const paths = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
    const ids = paths.map((path) => path.slice(folder.length + 1).replaceAll('\\', '/'));
    return ids.filter((id) => !id.startsWith(`${UNFINISHED}/`)).toSorted();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    if (errorCode(error) === 'ENOTDIR') {
      throw new InputError(
        { expected: 'a folder', found: 'a file', where: folder, fix: 'Name a folder with --out.' },
        { cause: error },
      );
    }
    throw error;
  }
}

async function readRecord(folder: string): Promise<SampleRecord | undefined> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(join(folder, RECORD), 'utf8')));
  } catch {
    // Absent or not ours: then no file in the folder is known to be ours, and the caller refuses to touch any.
    return undefined;
  }
}

/**
 * The record of the sample that the folder holds, if any, with the paths that are in place.
 * @throws InputError where the folder holds anything that an earlier sample did not draw
 */
async function earlier(folder: string): Promise<{ record: SampleRecord | undefined; present: string[] }> {
  const present = await filesBelow(folder);
  const record = await readRecord(folder);
  for (const id of present) {
    if (record !== undefined && id === RECORD) continue;
    const known = record?.files[id];
    if (known !== undefined && known === sha256Of(await readFile(join(folder, id)))) continue;
    const kind = known === undefined ? 'which pool5 sample did not make' : 'which changed since pool5 sample made it';
    throw new InputError({
      expected: 'an empty folder or an earlier sample',
      found: `a folder with ${id}, ${kind}`,
      where: folder,
      fix: 'Nothing was touched. Name another folder with --out.',
    });
  }
  return { record, present: present.filter((id) => id !== RECORD) };
}

async function drawAll(folder: string, options: SampleOptions): Promise<SampleRecord> {
  const { seed, count, signal } = options;
  const files: SampleRecord['files'] = {};
  const limit = pLimit(availableParallelism() + 1);
  let done = 0;
  const keep = async (id: string, bytes: Buffer | string): Promise<void> => {
    await mkdir(dirname(join(folder, id)), { recursive: true });
    await writeFile(join(folder, id), bytes);
    files[id] = sha256Of(bytes);
  };
  const draw = async (k: number): Promise<void> => {
    if (signal.aborted) {
      throw new InterruptedError(
        signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT',
        'Nothing was changed; run it again.',
      );
    }
    await keep(imageId(k), await drawPicture(seed, k));
    options.drawn(++done);
  };
  // All of them settle first: none may still write when the folder of unfinished files is removed.
  const outcomes = await Promise.allSettled(Array.from({ length: count }, (_, i) => limit(draw, i + 1)));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  await keep(LABELS, labelsOf(seed, count));
  const sorted = Object.fromEntries(Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return { pool5: 'sample', drawing: DRAWING, seed, count, files: sorted };
}

/**
 * Draws pictures with their labels into a folder. The same seed gives the same bytes, and picture k is the same in a
 * sample of any count. An earlier sample is replaced; whatever else is in the folder makes it refuse.
 * @returns how many pictures were drawn: 0 where exactly this sample is in place already
 */
export async function writeSample(folder: string, options: SampleOptions): Promise<number> {
  const { record, present } = await earlier(folder);
  const { seed, count } = options;
  const same = record?.drawing === DRAWING && record.seed === seed && record.count === count;
  if (same && present.length === Object.keys(record.files).length) return 0;
  const unfinished = join(folder, UNFINISHED);
  await rm(unfinished, { recursive: true, force: true });
  try {
    const fresh = await drawAll(unfinished, options);
    // The old record goes last and the new one comes first: at any moment, one of them knows every file in place.
    for (const id of present) await rm(join(folder, id));
    await writeFile(join(unfinished, RECORD), `${JSON.stringify(fresh, undefined, 1)}\n`);
    await rename(join(unfinished, RECORD), join(folder, RECORD));
    for (const id of Object.keys(fresh.files)) {
      await mkdir(dirname(join(folder, id)), { recursive: true });
      await rename(join(unfinished, id), join(folder, id));
    }
    return count;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
