import { readFile } from 'node:fs/promises';
import { sha256Of } from '../files/sha256.js';
import { InputError } from '../errors.js';
import type { FeatureCache } from '../features/schema.js';
import { joinLabels, unknownMessage } from '../labels/join.js';
import { readLabels, type LabelTable } from '../labels/read.js';
import type { Example } from './experiment.js';

export interface LabelOptions {
  readonly file: string;
  /** Columns; by default found by readLabels. */
  readonly id?: string | undefined;
  readonly target?: string | undefined;
  /** Column whose equal cells are never parted. */
  readonly splitBy?: string | undefined;
}

export interface LabelledExamples {
  readonly table: LabelTable;
  /** sha256 (hex) of the file. */
  readonly sha256: string;
  readonly examples: readonly Example[];
  /** Photographs of the cache without a label. */
  readonly unlabelled: number;
  /** What a user should know of the join, a line each. */
  readonly notes: readonly string[];
}

/**
 * Reads labels and joins them with a cache's photographs.
 * @throws InputError as readLabels and joinLabels do, and where the column of splitBy is missing
 */
export async function readExamples(cache: FeatureCache, options: LabelOptions): Promise<LabelledExamples> {
  const { file, id, target, splitBy } = options;
  const table = await readLabels(file, {
    targetOption: '--column',
    ...(id === undefined ? {} : { id }),
    ...(target === undefined ? {} : { target }),
  });
  const sha256 = sha256Of(await readFile(file));
  const columns = Object.keys(table.rows[0]?.columns ?? {});
  if (splitBy !== undefined && !columns.includes(splitBy)) {
    throw new InputError({
      expected: `a column named "${splitBy}" to split by`,
      found: `the columns ${columns.join(', ')}`,
      where: file,
    });
  }
  const joined = joinLabels(table, cache.images);
  const examples = joined.labelled.map(({ id: image, digest, target: number, columns: cells }) => ({
    id: image,
    digest,
    target: number,
    group: splitBy === undefined ? digest : (cells[splitBy] ?? ''),
  }));
  const notes: string[] = [];
  const unknown = unknownMessage(joined, table, cache.images);
  if (unknown !== undefined) notes.push(unknown);
  if (joined.unlabelled > 0) {
    const all = cache.images.size.toLocaleString('en');
    notes.push(
      `Uses the ${examples.length.toLocaleString('en')} of ${all} photographs in the cache that have a label.`,
    );
  }
  return { table, sha256, examples, unlabelled: joined.unlabelled, notes };
}
