import { InputError } from '../errors.js';
import { nearest } from './columns.js';
import type { LabelTable } from './read.js';

interface LabelledImage {
  readonly id: string;
  /** sha256 (hex) of the photograph's bytes. */
  readonly digest: string;
  readonly target: number;
  readonly columns: Readonly<Record<string, string>>;
}

export interface Joined {
  /** In the order of the table. */
  readonly labelled: readonly LabelledImage[];
  /** How many of the images have no label. */
  readonly unlabelled: number;
  /** Ids of labels that no image has, in the order of the table. */
  readonly unknown: readonly string[];
}

/** macOS keeps names decomposed: an accent must not part a label from its photograph. */
const sameName = (id: string): string => id.normalize('NFC');

/**
 * Joins labels with images by id.
 * @param images image id -> digest
 * @throws InputError where fewer than two images have a label
 */
export function joinLabels(table: LabelTable, images: ReadonlyMap<string, string>): Joined {
  const byName = new Map([...images].map(([id, digest]) => [sameName(id), { id, digest }]));
  const labelled: LabelledImage[] = [];
  const unknown: string[] = [];
  for (const row of table.rows) {
    const image = byName.get(sameName(row.id));
    if (image === undefined) unknown.push(row.id);
    else labelled.push({ ...image, target: row.target, columns: row.columns });
  }
  const joined = { labelled, unlabelled: images.size - labelled.length, unknown };
  if (labelled.length < 2) {
    const those = labelled.length === 0 ? 'none' : 'only 1';
    throw new InputError({
      expected: 'at least 2 images with a label',
      found: `${those} of ${images.size.toLocaleString('en')}`,
      where: table.file,
      fix: unknown.length === 0 ? 'Add labels.' : `Without an image: ${namesOf(unknown, images)}.`,
    });
  }
  return joined;
}

/** The first three of the ids, each with the image that its writer may have meant. */
function namesOf(unknown: readonly string[], images: ReadonlyMap<string, string>): string {
  const ids = [...images.keys()];
  const names = unknown.slice(0, 3).map((id) => {
    const near = nearest(id, ids);
    return near === undefined ? id : `${id} (${near}?)`;
  });
  return unknown.length > 3 ? `${names.join(', ')}, ...` : names.join(', ');
}

/** A line that counts and names the labels without an image; undefined where every label has one. */
export function unknownMessage(
  { unknown }: Joined,
  table: LabelTable,
  images: ReadonlyMap<string, string>,
): string | undefined {
  if (unknown.length === 0) return undefined;
  const subject = unknown.length === 1 ? 'label has' : 'labels have';
  return `${unknown.length.toLocaleString('en')} ${subject} no image (${table.file}): ${namesOf(unknown, images)}`;
}
