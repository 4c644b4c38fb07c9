import { basename, extname } from 'node:path/posix';
import { InputError } from '../errors.js';
import { nearest } from './columns.js';
import type { TextTable } from './delimited.js';
import { normaliseId } from './read.js';

/** How a table's row was found to mean an image. */
type MatchedBy = 'path' | 'file name' | 'name without ending';

interface Match {
  readonly image: string;
  readonly row: TextTable['rows'][number];
  readonly by: MatchedBy;
}

export interface Matches {
  /** In the order of the images. */
  readonly matches: readonly Match[];
  /** Rows that mean no image, with the nearest one's id. */
  readonly strangers: readonly { readonly name: string; readonly line: number; readonly near: string | undefined }[];
  /** Rows that could mean several images. */
  readonly ambiguous: readonly { readonly name: string; readonly line: number; readonly images: readonly string[] }[];
  /** Images that no row means. */
  readonly missing: readonly string[];
}

const WAYS: readonly { by: MatchedBy; of: (id: string) => string }[] = [
  { by: 'path', of: (id) => id },
  { by: 'file name', of: (id) => basename(id) },
  { by: 'name without ending', of: (id) => basename(id, extname(id)) },
];

/**
 * Finds the image that each row means: by its path, else its file name, else that without the ending, where only one
 * image has it.
 * @throws InputError where two rows mean the same image
 */
export function matchRows(table: TextTable, idColumn: string, images: readonly string[]): Matches {
  const indexes = WAYS.map(({ by, of }) => {
    const index = new Map<string, string[]>();
    for (const image of images) {
      const name = of(image).normalize('NFC');
      index.set(name, [...(index.get(name) ?? []), image]);
    }
    return { by, index };
  });
  const found = new Map<string, Match>();
  const strangers: Matches['strangers'][number][] = [];
  const ambiguous: Matches['ambiguous'][number][] = [];
  for (const row of table.rows) {
    const name = normaliseId(row.columns[idColumn] ?? '').normalize('NFC');
    const hit = indexes
      .map(({ by, index }) => ({ by, candidates: index.get(name) ?? [] }))
      .find(({ candidates }) => candidates.length > 0);
    const image = hit?.candidates[0];
    if (hit === undefined || image === undefined) {
      strangers.push({ name, line: row.line, near: nearest(name, images) ?? nearestName(name, images) });
    } else if (hit.candidates.length > 1) {
      ambiguous.push({ name, line: row.line, images: hit.candidates });
    } else {
      const before = found.get(image);
      if (before !== undefined) {
        const where = `${table.file}, lines ${before.row.line} and ${row.line}`;
        throw new InputError({ expected: 'one row for each image', found: `two for ${image}`, where });
      }
      found.set(image, { image, row, by: hit.by });
    }
  }
  return {
    matches: images.flatMap((image) => found.get(image) ?? []),
    strangers,
    ambiguous,
    missing: images.filter((image) => !found.has(image)),
  };
}

/** The image whose file name is nearest, for rows that name no folders. */
function nearestName(name: string, images: readonly string[]): string | undefined {
  const near = nearest(
    name,
    images.map((image) => basename(image)),
  );
  return near === undefined ? undefined : images.find((image) => basename(image) === near);
}

/** The first few, each with its line and what it may have been meant to say. */
export function listed<Item>(items: readonly Item[], text: (item: Item) => string): string {
  const shown = items.slice(0, 5).map(text).join(', ');
  return items.length > 5 ? `${shown}, ...` : shown;
}

/** "1 row means", "1,200 rows mean". */
export function counted(count: number, one: string, many: string): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

/** Lines for a person on what did and did not match. */
export function accountOf({ matches, strangers, ambiguous, missing }: Matches): string[] {
  const ways = WAYS.map(({ by }) => ({ by, times: matches.filter((match) => match.by === by).length }))
    .filter(({ times }) => times > 0)
    .map(({ by, times }) => `${times.toLocaleString('en')} by ${by}`);
  const lines = [
    `${counted(matches.length, 'image', 'images')} matched${ways.length === 0 ? '' : ` (${ways.join(', ')})`}`,
  ];
  if (strangers.length > 0) {
    const names = listed(
      strangers,
      ({ name, line, near }) => `${name} (line ${line}${near === undefined ? '' : `; ${near}?`})`,
    );
    lines.push(`${counted(strangers.length, 'row means', 'rows mean')} no image: ${names}`);
  }
  if (ambiguous.length > 0) {
    const names = listed(
      ambiguous,
      ({ name, line, images }) => `${name} (line ${line}: ${images.slice(0, 2).join(' or ')})`,
    );
    lines.push(`${counted(ambiguous.length, 'row', 'rows')} could mean several images: ${names}`);
  }
  if (missing.length > 0) {
    lines.push(`${counted(missing.length, 'image has', 'images have')} no row: ${listed(missing, (image) => image)}`);
  }
  return lines;
}
