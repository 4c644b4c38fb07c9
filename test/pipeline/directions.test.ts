import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../pipeline/package-root.js';

/** What each folder of pipeline/ may import of the others: a whole folder, or the one file that is its contract. */
const MAY: Record<string, readonly string[]> = {
  files: [],
  tensorflow: [],
  terminal: [],
  images: ['files'],
  backbone: ['files', 'tensorflow'],
  features: ['files', 'backbone/vgg16'],
  labels: ['files', 'report/lettering'],
  likeness: ['files', 'features/schema'],
  download: ['files', 'terminal', 'labels/delimited', 'labels/read'],
  head: ['files', 'tensorflow', 'terminal', 'backbone/vgg16', 'features/schema', 'features/cache', 'labels'],
  report: [
    'files',
    'terminal',
    'features/schema',
    'features/cache',
    'features/folders',
    'likeness',
    'head/calibration',
  ],
  extraction: ['files', 'terminal', 'images', 'backbone', 'features'],
  doctor: ['files', 'terminal', 'backbone/vgg16', 'backbone/weights/open'],
  sample: ['files'],
};

/** Beside the folders: what everybody may use, and what puts the folders together. */
const SHARED = new Set(['abort', 'errors', 'event-loop', 'float16', 'machine', 'package-root']);
const COMPOSED = new Set(['library', 'predict']);

interface Import {
  readonly by: string;
  readonly of: string;
}

/** Relative imports of the sources below pipeline/, without file endings: { by: 'features/cache', of: 'files/lock' }. */
function imports(): Import[] {
  const root = join(PACKAGE_ROOT, 'pipeline');
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return sources.flatMap((name) => {
    const found = readFileSync(join(root, name), 'utf8').matchAll(/(?:from|import\(|import)\s*'(\.[^']+)\.js'/g);
    const by = name.replace(/(\.d)?\.ts$/, '');
    return Array.from(found, ([, path = '']) => ({ by, of: normalize(join(dirname(name), path)) }));
  });
}

function isAllowed({ by, of }: Import): boolean {
  const [folder = ''] = by.split('/');
  if (by === folder) return COMPOSED.has(by) || SHARED.has(of);
  if (of.startsWith(`${folder}/`) || SHARED.has(of)) return true;
  return (MAY[folder] ?? []).some((allowed) => of === allowed || of.startsWith(`${allowed}/`));
}

it('the folders of pipeline/ know of each other only what they may', () => {
  const all = imports();
  expect(all.length).toBeGreaterThan(300);
  expect(all).toContainEqual({ by: 'features/shard', of: 'backbone/vgg16' });
  expect(all.filter((each) => !isAllowed(each)).map(({ by, of }) => `pipeline/${by}.ts imports ${of}`)).toEqual([]);
});

it.each([
  ['images/pixels', 'features/key', false],
  ['features/cache', 'backbone/engines/open', false],
  ['head/fit', 'features/store', false],
  ['errors', 'files/lock', false],
  ['files/lock', '../stages/stage', false],
  ['images/find', 'errors', true],
  ['predict', 'head/open', true],
])('%s importing %s: %s', (by, of, allowed) => {
  expect(isAllowed({ by, of })).toBe(allowed);
});
