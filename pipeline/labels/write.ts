import { readFile } from 'node:fs/promises';
import { stringify } from 'csv-stringify/sync';
import { errorCode, InputError } from '../errors.js';
import { writeAtomically } from '../files/atomic.js';

/** Every file that `pool5 label` writes begins with this. */
const OURS = '# pool5 label: ';

export interface Labels {
  /** How they came to be: a line. */
  readonly origin: string;
  /** Further lines for the header, such as "rule: ...". */
  readonly comments: readonly string[];
  readonly target: string;
  readonly rows: readonly { readonly id: string; readonly target: number }[];
}

/**
 * Writes a file of labels that readLabels reads. One of its own it replaces.
 * @throws InputError where there is another file, which may hold what somebody measured
 */
export async function writeLabels(file: string, { origin, comments, target, rows }: Labels): Promise<void> {
  const before = await readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return OURS;
    throw new InputError({ expected: 'a file to write labels to', found: errorCode(error) ?? 'none', where: file });
  });
  if (!before.startsWith(OURS)) {
    throw new InputError({
      expected: 'no file, or one that pool5 label wrote',
      found: 'another file',
      where: file,
      fix: 'Move it away, or name another with --out.',
    });
  }
  const header = [`${OURS}${origin}`, ...comments.map((comment) => `# ${comment}`)].map((line) => `${line}\n`).join('');
  const cells = rows.map((row) => [row.id, row.target]);
  await writeAtomically(file, header + stringify([['image', target], ...cells]));
}
